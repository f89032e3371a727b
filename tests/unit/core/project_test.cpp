#include "core/project.h"

#include <array>
#include <fstream>

#include <gtest/gtest.h>

#include "core/error.h"

namespace mlship {
namespace {

constexpr auto cron_keys = std::to_array<KeySpec>({
    {"kind", KeySpec::Type::string, "", "", true},
    {"index", KeySpec::Type::string, "", ""},
    {"strict", KeySpec::Type::boolean, "", "false"},
    {"files", KeySpec::Type::string_list, "", "", true},
    {"lines", KeySpec::Type::integer, "", ""},
});
constexpr KindKeys kinds[] = {{"cron", cron_keys}};

constexpr std::string_view full = R"([package]
name = "Churn_Model"
version = "1.4.0"
owner = "team-growth"

[code]
root = "src"
include = ["churn/**"]
entry-points = { score = "churn.score:main" }

[dependencies]
lock = "requirements.lock"
targets = ["cp311-manylinux_2_28_x86_64"]
index = "team"

[[models]]
name = "classifier"
path = "models/classifier.safetensors"

[outputs]
wheel = { requires = "pinned" }

[indexes.team]
url = "pypi+https://index.test/ml"

[registries.team]
url = "layout:/srv/registry"

[registries.remote]
url = "oci://registry.test/ml"
plain-http = false
ca-file = "ca.pem"
token-hosts = ["auth.test"]

[targets.edge]
kind = "cron"
files = ["/etc/cron.d/*"]
strict = true
lines = 7

[objects."score-*"]
owner = "team-b"

[environments.prod]
registry = "team"
targets = ["edge"]
ledger = "/srv/ledger"
)";

Project parse(std::string_view text) {
  return parse_project(text, "mlship.toml", "/p", kinds);
}

TEST(Project, ReadsEveryTable) {
  const Project project = parse(full);
  EXPECT_EQ(project.package->normal, "churn-model");
  EXPECT_EQ(project.package->version, "1.4.0");
  EXPECT_EQ(project.package->version_at.line_str(), "mlship.toml:3");
  EXPECT_EQ(project.code->entry_points.at("score"), "churn.score:main");
  EXPECT_EQ(project.dependencies->lock, "requirements.lock");
  EXPECT_EQ(project.models.at(0).path, "models/classifier.safetensors");
  EXPECT_TRUE(project.outputs.wheel && project.outputs.wheel_pinned);
  EXPECT_EQ(project.indexes.at("team").url, "pypi+https://index.test/ml");
  EXPECT_EQ(project.registries.at("team").url, "layout:/srv/registry");
  EXPECT_EQ(project.registries.at("team").plain_http, std::nullopt);
  const auto& remote = project.registries.at("remote");
  EXPECT_EQ(remote.plain_http, false);
  EXPECT_EQ(remote.ca_file, "ca.pem");
  EXPECT_EQ(remote.token_hosts, std::vector<std::string>{"auth.test"});
  const auto& edge = project.targets.at("edge");
  EXPECT_EQ(edge.kind, "cron");
  EXPECT_EQ(edge.list("files"), std::vector<std::string>{"/etc/cron.d/*"});
  EXPECT_TRUE(edge.flag("strict"));
  EXPECT_EQ(edge.text("absent", "x"), "x");
  EXPECT_EQ(project.objects.at(0).owner, "team-b");
  EXPECT_EQ(choose_environment(project, std::nullopt).ledger, "/srv/ledger");
}

struct Bad {
  std::string_view text;
  std::string_view message;
  std::string_view hint = "";
};

const Bad bad[] = {
    {"[package]\nname = \"churn\"\nverison = \"1.4.0\"\n",
     "cannot read mlship.toml:3:1: unknown key 'verison' in [package] (did you mean 'version'?)"},
    {"[packge]\nname = \"churn\"\n",
     "cannot read mlship.toml:1:2: unknown table 'packge' (did you mean 'package'?)"},
    {"[package]\nname = \"churn\"\n", "cannot read mlship.toml:1:1: [package] has no 'version'"},
    {"[package]\nname = 3\n", "cannot read mlship.toml:2:8: 'name' must be a string, not an integer"},
    {"[package]\nname = \"\"\n", "cannot read mlship.toml:2:8: 'name' is empty"},
    {"package = 1\n", "cannot read mlship.toml:1:11: 'package' must be a table, not an integer"},
    {"[package]\nname = \"-churn\"\nversion = \"1\"\n",
     "cannot read mlship.toml:2:8: '-churn' is not a package name"},
    {"[package]\nname = \"churn\"\nversion = \"stable\"\n",
     "cannot use version in mlship.toml:3: 'stable' is not a PEP 440 version"},
    {"[package]\nname = \"churn\"\nversion = \"1.4\"\nscheme = \"semver\"\n",
     "cannot use version in mlship.toml:3: '1.4' is not a SemVer 2.0.0 version"},
    {"[package]\nname = \"churn\"\nversion = \"1\"\nscheme = \"semve\"\n",
     "cannot read mlship.toml:4:10: unknown scheme 'semve' (did you mean 'semver'?)"},
    {"[package]\nname = \"churn\"\nversion = { git-tag = \"v*\", file = \"x\" }\n",
     "cannot read mlship.toml:3:11: 'version' is neither a string nor a table of one key git-tag or file"},
    {"[package]\nname = \"churn\"\nversion = 1.4\n",
     "cannot read mlship.toml:3:11: 'version' must be a string or a table, not a float"},
    {"[code]\ninclude = \"churn/**\"\n",
     "cannot read mlship.toml:2:11: 'include' must be an array of strings, not a string"},
    {"[code]\ninclude = [\"a\", 1]\n",
     "cannot read mlship.toml:2:17: 'include' must be an array of strings, not an array with an integer"},
    {"[code]\nentry-points = { score = \"churn.score\" }\n",
     "cannot read mlship.toml:2:26: entry point 'score' is 'churn.score'",
     "write score = \"module:function\""},
    {"[dependencies]\nlock = \"requirements.lock\"\n",
     "cannot read mlship.toml:1:1: [dependencies] has no 'targets'"},
    {"[dependencies]\nlock = \"r.lock\"\ntargets = []\n",
     "cannot read mlship.toml:3:11: 'targets' of [dependencies] names no platform"},
    {"[dependencies]\nlock = \"r.lock\"\ntargets = [\"x\"]\nindex = \"temm\"\n[indexes.team]\nurl = "
     "\"pypi+https://index.test/\"\n",
     "cannot use [dependencies] of mlship.toml:1: no index is named 'temm' (did you mean 'team'?)"},
    {"[models]\nname = \"a\"\n", "cannot read mlship.toml:1:2: models are an array of tables",
     "write [[models]]"},
    {"[[models]]\nname = \"a\"\npath = \"x\"\n[[models]]\nname = \"A\"\npath = \"y\"\n",
     "cannot read mlship.toml:5:8: model 'A' stands at mlship.toml:1 already"},
    {"[outputs]\nwheel = { requires = \"all\" }\n", "cannot read mlship.toml:2:22: unknown requires 'all'"},
    {"[outputs]\nwheel = 1\n",
     "cannot read mlship.toml:2:9: 'wheel' must be true, false or a table, not an integer"},
    {"[outputs]\njar = true\n", "cannot read mlship.toml:2:1: unknown key 'jar' in [outputs]"},
    {"[registries.a]\nurl = \"oci://me:hunter2@index.test/x?y\"\n",
     "cannot read mlship.toml:2:7: the url of [registries.a] holds credentials",
     "write oci://index.test/x and run: mlship login"},
    {"[registries.a]\nurl = \"layout:x\"\nplain-http = true\n",
     "cannot read mlship.toml:3:14: 'plain-http' of [registries.a] is for oci:// registries only"},
    {"[registries.a]\nurl = \"oci://index.test/x\"\ntoken-hosts = [\"https://auth.test\"]\n",
     "cannot read mlship.toml:3:15: 'https://auth.test' in token-hosts is not the name of a host"},
    {"[indexes.a]\nurl = \"https://index.test/\"\n",
     "cannot read mlship.toml:2:7: 'https://index.test/' is not the url of an index"},
    {"[registries.\"a b\"]\nurl = \"layout:x\"\n",
     "cannot read mlship.toml:1:13: 'a b' is not a name for a registry"},
    {"[registries]\nteam = \"x\"\n",
     "cannot read mlship.toml:2:8: 'registries.team' must be a table, not a string"},
    {"targets = [\"a\"]\n", "cannot read mlship.toml:1:1: 'targets' must hold tables, not an array",
     "write [targets.NAME]"},
    {"[targets.edge]\nfiles = [\"x\"]\n", "cannot read mlship.toml:1:1: [targets.edge] has no 'kind'",
     "mlship targets"},
    {"[targets.edge]\nkind = \"crom\"\n",
     "cannot read mlship.toml:2:8: unknown kind 'crom' of target 'edge' (did you mean 'cron'?)",
     "mlship targets"},
    {"[targets.edge]\nkind = \"cron\"\nfile = [\"x\"]\n",
     "cannot read mlship.toml:3:1: unknown key 'file' in [targets.edge] (did you mean 'files'?)"},
    {"[targets.edge]\nkind = \"cron\"\nfiles = []\nstrict = \"yes\"\n",
     "cannot read mlship.toml:4:10: 'strict' must be true or false, not a string"},
    {"[targets.edge]\nkind = \"cron\"\nfiles = []\nindex = \"team\"\n",
     "cannot use target 'edge' of mlship.toml:1: no index is named 'team'",
     "add [indexes.team] or name another"},
    {"[environments.prod]\nregistry = \"team\"\n",
     "cannot use environment 'prod' of mlship.toml:1: no registry is named 'team'"},
    {"[environments.prod]\ntargets = [\"edg\"]\n[targets.edge]\nkind = \"cron\"\nfiles = []\n",
     "cannot use environment 'prod' of mlship.toml:1: no target is named 'edg' (did you mean 'edge'?)"},
    {"[environments.prod]\ntargets = [\"edge\", \"edge\"]\n[targets.edge]\nkind = \"cron\"\nfiles = []\n",
     "cannot use environment 'prod' of mlship.toml:1: target 'edge' stands twice"},
    {"[package\n", "cannot read mlship.toml:1:9: "},
};

TEST(Project, SaysWhatIsWrongAndWhere) {
  for (const auto& c : bad) {
    try {
      (void)parse(c.text);
      ADD_FAILURE() << "no error for\n" << c.text;
    } catch (const Error& e) {
      EXPECT_EQ(e.exit_code(), ExitCode::bad_input);
      if (c.message.ends_with(": ")) {
        EXPECT_TRUE(e.message().starts_with(c.message)) << e.message();
      } else {
        EXPECT_EQ(e.message(), c.message);
      }
      if (!c.hint.empty()) {
        EXPECT_EQ(e.hint_text(), c.hint);
      }
    }
  }
}

TEST(Project, CredentialsOfAUrlAreNotRepeated) {
  try {
    (void)parse("[indexes.a]\nurl = \"pypi+https://me:hunter2@index.test/\"\n");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.message().find("hunter2"), std::string::npos);
    EXPECT_EQ(e.hint_text().find("hunter2"), std::string::npos);
  }
}

TEST(Project, EnvironmentIsTheNamedOneTheOnlyOneOrTheDefault) {
  const Project none = parse("[registries.a]\nurl = \"layout:/r\"\n");
  EXPECT_EQ(choose_environment(none, std::nullopt).name, "default");
  EXPECT_EQ(choose_environment(none, "default").registry, "a");
  const Project two = parse("[environments.dev]\n[environments.prod]\nregistry = \"oci://index.test/x\"\n");
  EXPECT_EQ(choose_environment(two, "prod").registry, "oci://index.test/x");
  try {
    (void)choose_environment(two, std::nullopt);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::environment_ambiguous);
    EXPECT_EQ(e.message(), "cannot choose an environment: mlship.toml declares dev, prod");
    EXPECT_EQ(e.hint_text(), "add --env dev");
  }
  try {
    (void)choose_environment(two, "prd");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.exit_code(), ExitCode::usage);
    EXPECT_EQ(e.message(),
              "cannot use environment 'prd': mlship.toml does not declare it (did you mean 'prod'?)");
  }
}

class LoadProject : public ::testing::Test {
 protected:
  fs::TempFolder folder_{std::filesystem::temp_directory_path()};
  Path user_ = folder_.path() / "config.toml";
  void put(const std::string& name, std::string_view text) const {
    const Path path = folder_.path() / name;
    fs::make_folders(path.parent_path());
    std::ofstream(path) << text;
  }
};

TEST_F(LoadProject, NothingThere) {
  EXPECT_FALSE(load_project(folder_.path(), user_, kinds));
}

TEST_F(LoadProject, NearestFolderAbove) {
  put("p/mlship.toml", full);
  put("p/a/b/x", "");
  const auto project = load_project(folder_.path() / "p/a/b", user_, kinds);
  ASSERT_TRUE(project);
  EXPECT_EQ(project->folder, folder_.path() / "p");
  EXPECT_TRUE(project->file.ends_with("p/mlship.toml"));
}

TEST_F(LoadProject, PyprojectWithItsTable) {
  put("p/pyproject.toml",
      "[project]\nname = \"other\"\n[tool.mlship.package]\nname = \"churn\"\nversion = \"1.4\"\n");
  put("p/a/pyproject.toml", "[project]\nname = broken by somebody else\n");
  const auto project = load_project(folder_.path() / "p/a", user_, kinds);
  ASSERT_TRUE(project && project->package);
  EXPECT_EQ(project->package->name, "churn");
  put("p/pyproject.toml", "[tool.mlship.package]\nname = \"churn\"\nversion = \"1.4\"\nownr = \"x\"\n");
  try {
    (void)load_project(folder_.path() / "p", user_, kinds);
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(e.message().find("p/pyproject.toml:4:1: unknown key 'ownr' in [tool.mlship.package] (did you "
                               "mean 'owner'?)"),
              std::string::npos)
        << e.message();
  }
}

TEST_F(LoadProject, ProjectWinsOverTheUserFile) {
  put("config.toml",
      "[registries.team]\nurl = \"layout:/user\"\n[targets.mine]\nkind = \"cron\"\nfiles = [\"/u/*\"]\n");
  const auto alone = load_project(folder_.path() / "nowhere", user_, kinds);
  ASSERT_TRUE(alone);
  EXPECT_TRUE(alone->folder.empty());
  EXPECT_FALSE(alone->package);
  EXPECT_EQ(alone->registries.at("team").url, "layout:/user");
  EXPECT_EQ(alone->registries.at("team").at.file, user_.string());
  // A reference from the project into the user file is fine.
  put("p/mlship.toml",
      "[registries.team]\nurl = \"layout:/project\"\n[environments.prod]\ntargets = [\"mine\"]\n");
  const auto both = load_project(folder_.path() / "p", user_, kinds);
  EXPECT_EQ(both->registries.at("team").url, "layout:/project");
  EXPECT_EQ(both->targets.size(), 1U);
}

TEST_F(LoadProject, UserFileHoldsNoPackage) {
  put("config.toml", "[package]\nname = \"churn\"\nversion = \"1\"\n");
  EXPECT_THROW((void)load_project(folder_.path(), user_, kinds), Error);
}

TEST(ProjectTables, EveryKeyHasHelp) {
  for (const auto& table : project_tables()) {
    EXPECT_FALSE(table.help.empty()) << table.name;
    for (const auto& key : table.keys) EXPECT_FALSE(key.help.empty()) << table.name << "." << key.name;
  }
}

}  // namespace
}  // namespace mlship
