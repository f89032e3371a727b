// Which workspace and as whom, by the conventions of Databricks' own tools.
#include <gtest/gtest.h>

#include "core/host/fs.h"
#include "deployers/databricks/login.h"

namespace mlship::databricks {
namespace {

class Login_ : public ::testing::Test {
 protected:
  Login_() : folder_(std::filesystem::temp_directory_path()) { set("HOME", folder_.path().string()); }

  void set(const std::string& name, const std::string& value) { variables_[name] = value; }
  void profiles(const std::string& text) { fs::write_atomic(folder_.path() / ".databrickscfg", text, 0600); }
  [[nodiscard]] Login find() const { return find_login(section_, Env(variables_)); }
  [[nodiscard]] std::string failure() const {
    try {
      const Login login = find();
      return "found " + login.host + " by " + login.origin;
    } catch (const Error& e) {
      return std::string(row_of(e.code()).word) + ": " + e.message();
    }
  }

  fs::TempFolder folder_;
  std::map<std::string, std::string, std::less<>> variables_;
  TargetSection section_{"dbx", "databricks", {}, {"mlship.toml", {3, 1}}};
};

TEST_F(Login_, HostAndTokenOfTheEnvironment) {
  set("DATABRICKS_HOST", "adb-1.2.azuredatabricks.net/");
  set("DATABRICKS_TOKEN", "dapi1");
  const Login login = find();
  EXPECT_EQ(login.host, "https://adb-1.2.azuredatabricks.net");
  EXPECT_EQ(login.token.reveal(), "dapi1");
  EXPECT_EQ(login.origin, "DATABRICKS_TOKEN");
}

TEST_F(Login_, OAuthOfTheEnvironment) {
  set("DATABRICKS_HOST", "https://7.gcp.databricks.com/?o=7");
  set("DATABRICKS_CLIENT_ID", "id");
  set("DATABRICKS_CLIENT_SECRET", "secret");
  const Login login = find();
  EXPECT_EQ(login.host, "https://7.gcp.databricks.com");
  EXPECT_TRUE(login.token.empty());
  EXPECT_EQ(login.client_id, "id");
}

TEST_F(Login_, TheTargetsHostDoesNotGetTheTokenOfAnother) {
  section_.values["host"] = std::string("https://prod.cloud.databricks.com");
  set("DATABRICKS_HOST", "https://dev.cloud.databricks.com");
  set("DATABRICKS_TOKEN", "of-dev");
  EXPECT_EQ(failure(),
            "unauthorized: cannot use target 'dbx' of mlship.toml:3:1: there are no credentials for "
            "https://prod.cloud.databricks.com");
}

TEST_F(Login_, ATokenThatNamesNoHostGoesNowhere) {
  section_.values["host"] = std::string("https://evil.test");
  set("DATABRICKS_TOKEN", "secret");
  EXPECT_EQ(failure(),
            "unauthorized: cannot use target 'dbx' of mlship.toml:3:1: there are no credentials for "
            "https://evil.test");
  section_.values["profile"] = std::string("any");
  profiles("[any]\ntoken = secret\n");
  EXPECT_EQ(failure(),
            "unauthorized: cannot use target 'dbx' of mlship.toml:3:1: profile 'any' of ~/.databrickscfg "
            "does not say "
            "which host its credentials are for");
}

TEST_F(Login_, TheProfileWithTheTargetsHostIsFound) {
  section_.values["host"] = std::string("prod.cloud.databricks.com");
  profiles(
      "[DEFAULT]\nhost = https://dev.cloud.databricks.com\ntoken = a\n"
      "# the real one\n[prod]\nhost=https://prod.cloud.databricks.com/\ntoken=b\n");
  const Login login = find();
  EXPECT_EQ(login.token.reveal(), "b");
  EXPECT_EQ(login.origin, "profile 'prod' of ~/.databrickscfg");
}

TEST_F(Login_, WithoutAnythingTheDefaultProfile) {
  profiles("[DEFAULT]\nhost = https://dev.cloud.databricks.com\ntoken = a\n");
  EXPECT_EQ(find().host, "https://dev.cloud.databricks.com");
}

TEST_F(Login_, AProfileThatIsNotThereHasANearestName) {
  section_.values["profile"] = std::string("prd");
  profiles("[prod]\nhost = https://prod.cloud.databricks.com\ntoken = a\n");
  EXPECT_EQ(failure(),
            "unauthorized: cannot use target 'dbx' of mlship.toml:3:1: ~/.databrickscfg has no profile 'prd' "
            "(did you mean 'prod'?)");
}

TEST_F(Login_, AProfileForAnotherHostIsAContradiction) {
  section_.values["profile"] = std::string("prod");
  section_.values["host"] = std::string("https://dev.cloud.databricks.com");
  profiles("[prod]\nhost = https://prod.cloud.databricks.com\ntoken = a\n");
  EXPECT_EQ(failure(),
            "project-file: cannot use target 'dbx' of mlship.toml:3:1: its host is "
            "https://dev.cloud.databricks.com, profile 'prod' is for https://prod.cloud.databricks.com");
}

TEST_F(Login_, OfSeveralProfilesForOneHostOnlyTheUsableOnesCount) {
  const std::string host = "host = https://prod.cloud.databricks.com\n";
  struct Row {
    std::string file, origin;
  };
  const std::string unusable = "[a]\n" + host + "auth_type = azure-cli\n[b]\n" + host;
  for (const Row& row : std::vector<Row>{
           {unusable + "[c]\n" + host + "token = t\n", "profile 'c' of ~/.databrickscfg"},
           {unusable + "[DEFAULT]\n" + host + "client_id = i\nclient_secret = s\n[d]\n" + host +
                "token = t\n",
            "profile 'DEFAULT' of ~/.databrickscfg"},
           {"[a]\n" + host + "token = t\n[ci]\n" + host + "token = u\n[__settings__]\ndefault_profile = ci\n",
            "profile 'ci' of ~/.databrickscfg"},
           {"\xEF\xBB\xBF[a]\r\n" + host + "auth_type = pat\r\ntoken = t\r\n",
            "profile 'a' of ~/.databrickscfg"}}) {
    section_.values["host"] = std::string("prod.cloud.databricks.com");
    profiles(row.file);
    EXPECT_EQ(find().origin, row.origin) << row.file;
  }
}

TEST_F(Login_, TwoUsableProfilesForOneHostAreNamed) {
  section_.values["host"] = std::string("prod.cloud.databricks.com");
  const std::string host = "host = https://prod.cloud.databricks.com/\n";
  profiles("[viewer]\n" + host + "token = t\n[deployer]\n" + host + "client_id = i\nclient_secret = s\n");
  EXPECT_EQ(
      failure(),
      "unauthorized: cannot use target 'dbx' of mlship.toml:3:1: ~/.databrickscfg has several profiles for "
      "https://prod.cloud.databricks.com: 'deployer', 'viewer'");
  set("DATABRICKS_CONFIG_PROFILE", "deployer");
  EXPECT_EQ(find().origin, "profile 'deployer' of ~/.databrickscfg");
}

TEST_F(Login_, TheDefaultProfileOfTheSettings) {
  profiles("[__settings__]\ndefault_profile = ci\n[ci]\nhost = https://ci.test\ntoken = t\n");
  EXPECT_EQ(find().host, "https://ci.test");
  profiles(
      "[DEFAULT]\nhost = https://d.test\nauth_type = databricks-cli\n[__settings__]\ndefault_profile = ci\n"
      "[ci]\nhost = https://ci.test\ntoken = t\n");
  EXPECT_EQ(find().host, "https://ci.test");
}

TEST_F(Login_, NothingAtAll) {
  EXPECT_EQ(failure(), "project-file: cannot use target 'dbx' of mlship.toml:3:1: it has no host");
  section_.values["host"] = std::string("ftp://files");
  EXPECT_EQ(
      failure(),
      "project-file: cannot use target 'dbx' of mlship.toml:3:1: 'ftp://files' is no address of a workspace");
}

}  // namespace
}  // namespace mlship::databricks
