// Who gets to see credentials, and how often a token is asked for (distribution: docs/spec/auth/token.md).
#include "registry/oci_auth.h"

#include "registry/oci_client.h"
#include "tests/support/docker_registry.h"
#include "tests/support/fakes.h"
#include "tests/support/registry_fixture.h"

namespace mlship {
namespace {

using test::error_of;
using test::fact;

constexpr auto tags = "https://registry.team.test/v2/ml/churn/tags/list";
const Scopes pull = {"repository:ml/churn:pull"};

class OciAuthTest : public ::testing::Test {
 protected:
  void challenge(const std::string& realm) {
    http_.on("GET", tags, 401, "",
             {{"www-authenticate",
               "Bearer realm=\"" + realm + "\",service=\"reg\",scope=\"repository:ml/churn:pull\""}});
    http_.on("GET", tags, 200, "{}");
  }
  void log_in() {
    testing::write_docker_login(around_.folder() / "home/.docker", "registry.team.test", "me", "pass");
  }
  HttpResponse ask(OciClient& client) {
    HttpRequest request;
    request.url = tags;
    return client.send(request, pull);
  }
  OciClient client(const std::vector<std::string>& token_hosts = {}) {
    return OciClient({"oci://registry.team.test/ml", std::nullopt, "", token_hosts}, host_);
  }

  test::Surroundings around_;
  testing::ManualClock clock_;
  testing::ScriptedHttp http_;
  Host host_{around_.env, clock_, http_, *around_.process};
};

TEST_F(OciAuthTest, BasicIsSentAtOnceToItsOwnRegistry) {
  log_in();
  http_.on("GET", tags, 200, "{}");
  auto c = client();
  EXPECT_EQ(ask(c).status, 200);
  ASSERT_TRUE(http_.requests.at(0).basic);
  EXPECT_EQ(http_.requests.at(0).basic->user, "me");
}

TEST_F(OciAuthTest, ATokenServerOfTheSameOwnerGetsThem) {
  log_in();
  challenge("https://auth.team.test/token?x=1");
  const std::string token = "https://auth.team.test/token?x=1&service=reg&scope=repository:ml/churn:pull";
  http_.on("GET", token, 200, R"({"access_token":"t1"})");
  auto c = client();
  EXPECT_EQ(ask(c).status, 200);
  EXPECT_EQ(http_.lines(), (std::vector<std::string>{std::string("GET ") + tags, "GET " + token,
                                                     std::string("GET ") + tags}));
  EXPECT_TRUE(http_.requests[1].basic);
  EXPECT_FALSE(http_.requests[2].basic) << "a token instead of the password";
  EXPECT_EQ(http_.requests[2].headers.find("Authorization")->second, "Bearer t1");
}

TEST_F(OciAuthTest, ATokenServerOfSomebodyElseDoesNot) {
  log_in();
  challenge("https://auth.evil.test/token");
  auto c = client();
  const auto error = error_of([&] { ask(c); });
  EXPECT_EQ(error.code(), ErrorCode::unauthorized);
  EXPECT_EQ(fact(error, "registry"), "registry.team.test");
  EXPECT_EQ(fact(error, "token host"), "auth.evil.test");
  EXPECT_NE(error.hint_text().find("token-hosts = [\"auth.evil.test\"]"), std::string::npos)
      << error.hint_text();
  EXPECT_EQ(http_.requests.size(), 1U);
}

TEST_F(OciAuthTest, UnlessItIsListed) {
  log_in();
  challenge("https://auth.vendor.test/token");
  http_.on("GET", "https://auth.vendor.test/token?service=reg&scope=repository:ml/churn:pull", 200,
           R"({"token":"t"})");
  auto c = client({"auth.vendor.test"});
  EXPECT_EQ(ask(c).status, 200);
}

TEST_F(OciAuthTest, OrNotOverTls) {
  log_in();
  challenge("http://registry.team.test/token");
  auto c = client({"registry.team.test"});
  const auto error = error_of([&] { ask(c); });
  EXPECT_EQ(error.code(), ErrorCode::unauthorized);
  EXPECT_NE(error.message().find("over plain HTTP"), std::string::npos) << error.message();
}

TEST_F(OciAuthTest, WithoutCredentialsAnybodyMayGiveATokenOverTls) {
  challenge("https://auth.vendor.test/token");
  http_.on("GET", "https://auth.vendor.test/token?service=reg&scope=repository:ml/churn:pull", 200,
           R"({"token":"t"})");
  auto c = client();
  EXPECT_EQ(ask(c).status, 200);
  EXPECT_FALSE(http_.requests[1].basic);
}

TEST_F(OciAuthTest, ATokenIsUsedUntilShortlyBeforeItsEnd) {
  challenge("https://registry.team.test/token");
  http_.on("GET", "https://registry.team.test/token?service=reg&scope=repository:ml/churn:pull", 200,
           R"({"token":"t"})");
  auto c = client();
  ask(c);
  EXPECT_EQ(http_.requests.size(), 3U);
  clock_.advance(std::chrono::seconds(45));
  ask(c);
  EXPECT_EQ(http_.requests.size(), 4U) << "60 seconds when it does not say";
  clock_.advance(std::chrono::seconds(10));
  ask(c);
  EXPECT_EQ(http_.requests.size(), 6U);
}

TEST_F(OciAuthTest, AnIdentityTokenIsExchangedInABodyThatFollowsNoRedirect) {
  fs::make_folders(around_.folder() / "home/.docker");
  fs::write_atomic(around_.folder() / "home/.docker/config.json",
                   R"({"auths":{"registry.team.test":{"identitytoken":"re fresh&"}}})");
  challenge("https://auth.team.test/token");
  http_.on("POST", "https://auth.team.test/token", 200, R"({"access_token":"t"})");
  auto c = client();
  EXPECT_EQ(ask(c).status, 200);
  const auto& post = http_.requests.at(1);
  EXPECT_FALSE(post.follow);
  EXPECT_NE(post.body.find("grant_type=refresh_token"), std::string::npos);
  EXPECT_NE(post.body.find("refresh_token=re%20fresh%26"), std::string::npos) << post.body;
}

TEST_F(OciAuthTest, PlainHttpOffLoopbackCarriesNone) {
  log_in();
  const std::string plain = "http://registry.team.test/v2/x";
  http_.on("GET", plain, 401, "", {{"www-authenticate", "Basic realm=\"x\""}});
  OciClient c({"oci://registry.team.test/ml", true, "", {}}, host_);
  HttpRequest request;
  request.url = plain;
  const auto response = c.send(request, pull);
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(http_.requests.size(), 1U);
  EXPECT_FALSE(http_.requests[0].basic);
  EXPECT_EQ(fact(c.error(response, "look"), "why"), "plain HTTP carries no credentials off this machine");
}

TEST(Challenge, IsReadAsItIsWritten) {
  const auto c = parse_challenge(R"(bEARER Realm="https://a/\"b\"", service=x,scope="a,b" , error="e")");
  ASSERT_TRUE(c);
  EXPECT_EQ(c->scheme, "bearer");
  EXPECT_EQ(c->parameters.at("realm"), "https://a/\"b\"");
  EXPECT_EQ(c->parameters.at("service"), "x");
  EXPECT_EQ(c->parameters.at("scope"), "a,b");
  EXPECT_FALSE(parse_challenge(""));
  EXPECT_TRUE(parse_challenge("Bearer realm=\"unterminated")->parameters.contains("realm"));
}

}  // namespace
}  // namespace mlship
