#include "registry/docker_config.h"

#include "core/base64.h"
#include "core/json_library.h"
#include "tests/support/registry_fixture.h"

namespace mlship {
namespace {

using test::error_of;

// A helper that keeps one login in a file beside it.
constexpr std::string_view helper = R"(#!/bin/sh
kept="$(dirname "$0")/kept"
echo "$1" >>"$(dirname "$0")/calls"
case $1 in
  store) cat >"$kept" ;;
  erase) rm -f "$kept" ;;
  get) [ -f "$kept" ] || { echo "credentials not found in native keychain"; exit 1; }; cat "$kept" ;;
esac
)";

class DockerConfigTest : public ::testing::Test {
 protected:
  [[nodiscard]] Path at(const std::string& name) const { return around_.folder() / name; }
  void write(const std::string& text) {
    fs::make_folders(at("home/.docker"));
    fs::write_atomic(at("home/.docker/config.json"), text);
  }
  Json written() { return Json::parse(fs::read_file(at("home/.docker/config.json"))); }
  void install_helper(const std::string& name) {
    fs::make_folders(at("bin"));
    fs::write_atomic(at("bin") / ("docker-credential-" + name), helper, 0755);
    const char* path = std::getenv("PATH");
    ASSERT_EQ(setenv("PATH", (at("bin").string() + ":" + path).c_str(), 1), 0);
  }

  test::Surroundings around_;
  DockerConfig config_{around_.env, *around_.process};
};

TEST_F(DockerConfigTest, WithoutAFileThereAreNoCredentials) {
  EXPECT_FALSE(config_.find("registry.test"));
  EXPECT_FALSE(config_.erase("registry.test"));
  EXPECT_FALSE(fs::exists(at("home/.docker/config.json")));
  write("  \n");
  EXPECT_FALSE(config_.find("registry.test"));
}

TEST_F(DockerConfigTest, ReadsWhatDockerWrites) {
  write(R"({"auths": {"registry.test:5000": {"auth": ")" + base64_encode("me:pass:word") + R"("},
            "https://old.test/v1/": {"username": "you", "password": "p"},
            "https://index.docker.io/v1/": {"auth": ")" +
        base64_encode("hub:h") + R"("},
            "token.test": {"identitytoken": "refresh"}, "bearer.test": {"registrytoken": "raw"}, "helper.test": {}}})");
  const auto login = config_.find("registry.test:5000");
  ASSERT_TRUE(login);
  EXPECT_EQ(login->user, "me");
  EXPECT_EQ(login->password.reveal(), "pass:word");
  EXPECT_EQ(config_.find("old.test")->user, "you");
  EXPECT_EQ(config_.find("docker.io")->user, "hub");
  EXPECT_EQ(config_.find("registry-1.docker.io")->user, "hub");
  EXPECT_EQ(config_.find("token.test")->identity_token.reveal(), "refresh");
  EXPECT_EQ(config_.find("bearer.test")->bearer.reveal(), "raw");
  EXPECT_FALSE(config_.find("helper.test"));
  EXPECT_FALSE(config_.find("registry.test")) << "another port is another registry";
}

TEST_F(DockerConfigTest, AFileThatCannotBeUsedIsAnErrorWithoutItsContent) {
  for (const std::string text : {"{", "[]", R"({"auths": {"registry.test": {"auth": "c2VjcmV0"}}})",
                                 R"({"auths": {"registry.test": {"auth": "s3cret!"}}})"}) {
    write(text);
    const auto error = error_of([&] { (void)config_.find("registry.test"); });
    EXPECT_EQ(error.code(), ErrorCode::unauthorized) << text;
    EXPECT_NE(error.message().find("config.json"), std::string::npos) << error.message();
    EXPECT_EQ(error.message().find("s3cret"), std::string::npos) << error.message();
  }
}

TEST_F(DockerConfigTest, StoresBesideEverythingElseForItsOwnerAlone) {
  write(
      R"({"credHelpers": {"gcr.test": "gcloud"}, "auths": {"other.test": {"auth": "eDp5"}}, "HttpHeaders": {"b": 1, "a": 2}})");
  EXPECT_EQ(config_.store("registry.test", "me", Secret("pass")), at("home/.docker/config.json").string());
  EXPECT_EQ(config_.find("registry.test")->password.reveal(), "pass");
  EXPECT_EQ(config_.find("other.test")->user, "x");
  EXPECT_EQ(written()["credHelpers"]["gcr.test"], "gcloud");
  EXPECT_LT(fs::read_file(at("home/.docker/config.json")).find("\"b\""),
            fs::read_file(at("home/.docker/config.json")).find("\"a\""));
  EXPECT_EQ(fs::stat(at("home/.docker/config.json"))->mode & 0777U, 0600U);
  EXPECT_TRUE(config_.erase("registry.test"));
  EXPECT_FALSE(config_.find("registry.test"));
  EXPECT_TRUE(config_.find("other.test"));
  EXPECT_FALSE(config_.erase("registry.test"));
}

TEST_F(DockerConfigTest, AFileBehindALinkStaysBehindIt) {
  fs::make_folders(at("home/.docker"));
  fs::make_folders(at("dotfiles"));
  fs::write_atomic(at("dotfiles/docker.json"), "{}");
  std::filesystem::create_symlink(at("dotfiles/docker.json"), at("home/.docker/config.json"));
  config_.store("registry.test", "me", Secret("pass"));
  EXPECT_TRUE(std::filesystem::is_symlink(at("home/.docker/config.json")));
  EXPECT_NE(fs::read_file(at("dotfiles/docker.json")).find("registry.test"), std::string::npos);
}

TEST_F(DockerConfigTest, AHelperKeepsThePassword) {
  install_helper("testkeeper");
  write(R"({"credHelpers": {"registry.test": "testkeeper"}})");
  EXPECT_FALSE(config_.find("registry.test"));
  EXPECT_EQ(config_.store("registry.test", "me", Secret("pass")), "docker-credential-testkeeper");
  EXPECT_EQ(fs::read_file(at("home/.docker/config.json")).find("pass"), std::string::npos);
  const auto login = config_.find("registry.test");
  ASSERT_TRUE(login);
  EXPECT_EQ(login->user, "me");
  EXPECT_EQ(login->password.reveal(), "pass");
  EXPECT_FALSE(config_.find("other.test")) << "the helper is asked for its own host only";
  EXPECT_TRUE(config_.erase("registry.test"));
  EXPECT_FALSE(config_.find("registry.test"));
}

TEST_F(DockerConfigTest, AStoreIsAskedForEveryHost) {
  install_helper("testkeeper");
  write(R"({"credsStore": "testkeeper"})");
  fs::write_atomic(at("bin/kept"), R"({"ServerURL": "x", "Username": "<token>", "Secret": "refresh"})");
  const auto login = config_.find("any.test");
  ASSERT_TRUE(login);
  EXPECT_EQ(login->identity_token.reveal(), "refresh");
}

// containers-auth.json(5): podman, buildah and skopeo write keys with a path.
TEST_F(DockerConfigTest, TheLongestKeyThatIsWholeComponentsOfTheRepositoryCounts) {
  const auto entry = [](const std::string& key, const std::string& user) {
    return "\"" + key + R"(": {"auth": ")" + base64_encode(user + ":p") + "\"}";
  };
  write(R"({"auths": {)" + entry("r.test/team", "team") + "," + entry("r.test/team/churn", "churn") + "," +
        entry("other.test/team", "elsewhere") + "," + entry("docker.io/acme", "acme") + "," +
        entry("https://whole.test/v2/", "whole") + "," + entry("whole.test/a", "a") + "}}");
  struct Row {
    std::string host, path, user;  // user "": nobody
  };
  for (const auto& row : std::vector<Row>{{"r.test", "team/churn", "churn"},
                                          {"r.test", "team/churn/deep", "churn"},
                                          {"r.test", "team/churn-plus", "team"},
                                          {"r.test", "team/", "team"},
                                          {"r.test", "team-b/churn", ""},
                                          {"r.test", "", ""},
                                          {"r.test:5000", "team/churn", ""},
                                          {"other.test", "tea", ""},
                                          {"registry-1.docker.io", "acme/churn", "acme"},
                                          {"docker.io", "library/churn", ""},
                                          {"whole.test", "a/b", "a"},
                                          {"whole.test", "b/a", "whole"}}) {
    const auto login = config_.find(row.host, row.path);
    EXPECT_EQ(login ? login->user : "", row.user) << row.host << "/" << row.path;
  }
}

TEST_F(DockerConfigTest, LoggingInAndOutTouchesTheOneLoginThatServes) {
  write(
      R"({"auths": {"r.test/a": {"auth": "YTpw"}, "r.test/b": {"auth": "Yjpw"}, "r.test": {"auth": "aDpw"}}})");
  config_.store("r.test", "new", Secret("p"), "a/");
  EXPECT_EQ(config_.find("r.test", "a/churn")->user, "new");
  EXPECT_EQ(config_.find("r.test")->user, "h");
  EXPECT_TRUE(config_.erase("r.test"));
  EXPECT_EQ(config_.find("r.test", "a/churn")->user, "new");
  EXPECT_EQ(config_.find("r.test", "b/churn")->user, "b");
  EXPECT_FALSE(config_.find("r.test", "c/churn"));
  EXPECT_TRUE(config_.erase("r.test", "b/"));
  EXPECT_FALSE(config_.find("r.test", "b/churn"));
  EXPECT_TRUE(config_.find("r.test", "a/churn"));
}

TEST_F(DockerConfigTest, WhatAHelperSaysIsNotRepeated) {
  fs::make_folders(at("bin"));
  install_helper("testkeeper");
  fs::write_atomic(at("bin/docker-credential-testkeeper"), "#!/bin/sh\necho s3cret >&2\nexit 3\n", 0755);
  write(R"({"credsStore": "testkeeper"})");
  const auto error = error_of([&] { (void)config_.find("registry.test"); });
  EXPECT_EQ(error.code(), ErrorCode::unauthorized);
  EXPECT_NE(error.message().find("exit 3"), std::string::npos) << error.message();
  EXPECT_EQ(error.message().find("s3cret"), std::string::npos);
  write(R"({"credsStore": "../../bin/sh"})");
  EXPECT_EQ(error_of([&] { (void)config_.find("registry.test"); }).code(), ErrorCode::unauthorized);
}

}  // namespace
}  // namespace mlship
