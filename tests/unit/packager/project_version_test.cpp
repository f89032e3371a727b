#include <gtest/gtest.h>

#include "core/error.h"
#include "packager/bundler.h"

namespace mlship {
namespace {

void put(const Path& file, const std::string& text) {
  fs::make_folders(file.parent_path());
  fs::write_atomic(file, text);
}

std::string version_of(const Path& folder, const std::string& file) {
  const std::string text = "[package]\nname = \"churn\"\nversion = { file = \"" + file + "\" }\n";
  return project_version(parse_project(text, "mlship.toml", folder, {})).str();
}

TEST(ProjectVersion, AVersionIsReadWhereTheProjectHasIt) {
  const fs::TempFolder folder(std::filesystem::temp_directory_path());
  const auto from = [&](const std::string& file, const std::string& text) {
    put(folder.path() / file, text);
    return version_of(folder.path(), file);
  };
  EXPECT_EQ(from("pyproject.toml", "[project]\nname = \"churn\"\nversion = \"3.1.0\"\n"), "3.1.0");
  EXPECT_EQ(from("pyproject.toml", "[tool.poetry]\nversion = \"3.2\"\n[tool.x]\nsince = 2026-01-02\n"),
            "3.2");
  EXPECT_EQ(from("setup.cfg", "[metadata]\nname = churn\nversion = 4.0\n"), "4.0");
  EXPECT_EQ(from("VERSION", "5.1.0\n"), "5.1.0");
  EXPECT_EQ(from("about.py", "import os\nVERSION = '5.2'\n"), "5.2");
  EXPECT_EQ(from("about.py", "version = '5.2'\n__version__ = \"5.3\"\n"), "5.3");
}

TEST(ProjectVersion, AFileThatLeavesTheVersionToAnotherSaysToWhich) {
  struct Case {
    std::string file, text, why, hint;
  };
  const std::string dynamic = "[project]\nname = \"churn\"\ndynamic = [\"version\"]\n";
  const std::string tags = "leaves the version to git tags";
  const std::string tag_hint = "write version = { git-tag = \"v*\" }";
  const std::string python = "write version = { file = \"src/churn/__init__.py\" }";
  const std::vector<Case> cases{
      {"pyproject.toml", dynamic, "pyproject.toml has no version", ""},
      {"pyproject.toml", dynamic + "[tool.setuptools_scm]\n", tags, tag_hint},
      {"pyproject.toml", dynamic + "[tool.hatch.version]\nsource = \"vcs\"\n", tags, tag_hint},
      {"pyproject.toml", dynamic + "[tool.pdm.version]\nsource = \"scm\"\ntag_filter = \"churn/*\"\n", tags,
       "git-tag = \"churn/*\""},
      {"pyproject.toml",
       dynamic + "[build-system]\nrequires = [\"setuptools\", \"setuptools_scm[toml]>=8\"]\n", tags,
       tag_hint},
      {"pyproject.toml",
       dynamic + "[tool.setuptools_scm]\ngit_describe_command = \"git describe --tags --match 'ml-*'\"\n",
       tags, "git-tag = \"ml-*\""},
      {"pyproject.toml", dynamic + "[tool.versioneer]\ntag_prefix = \"\"\n", tags, "git-tag = \"[0-9]*\""},
      {"pyproject.toml",
       "[tool.poetry]\nversion = \"0.0.0\"\n[tool.poetry-dynamic-versioning]\nenable = true\n", tags,
       tag_hint},
      {"pyproject.toml", dynamic + "[tool.hatch.version]\npath = \"src/churn/__about__.py\"\n",
       "leaves the version to src/churn/__about__.py", "src/churn/__about__.py"},
      {"pyproject.toml", dynamic + "[tool.setuptools.dynamic]\nversion = { file = [\"VERSION\"] }\n",
       "leaves the version to VERSION", "file = \"VERSION\""},
      {"pyproject.toml", dynamic + "[tool.setuptools.dynamic]\nversion = { attr = \"churn.__version__\" }\n",
       "leaves the version to churn.__version__", python},
      {"pyproject.toml", dynamic + "[build-system]\nbuild-backend = \"flit_core.buildapi\"\n",
       "leaves the version to churn.__version__", python},
      {"setup.cfg", "[metadata]\nversion = attr: churn.__version__\n",
       "leaves the version to churn.__version__", python},
      {"setup.cfg", "[metadata]\nversion =\n  file: VERSION\n", "setup.cfg", ""},
      {"pyproject.toml", "[project\n", "pyproject.toml:1", ""},
  };
  const fs::TempFolder folder(std::filesystem::temp_directory_path());
  put(folder.path() / "src/churn/__init__.py", "__version__ = \"1.4.0\"\n");
  for (const auto& c : cases) {
    put(folder.path() / c.file, c.text);
    try {
      version_of(folder.path(), c.file);
      ADD_FAILURE() << c.text;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::version) << c.text;
      EXPECT_NE(e.message().find(c.why), std::string::npos) << e.message();
      EXPECT_NE(e.hint_text().find(c.hint), std::string::npos) << e.hint_text();
    }
  }
}

}  // namespace
}  // namespace mlship
