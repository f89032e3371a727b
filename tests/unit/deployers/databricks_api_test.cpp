// The forms of the service's errors, and what is sent again.
#include <gtest/gtest.h>

#include "core/host/process.h"
#include "deployers/databricks/api.h"
#include "tests/support/fakes.h"

namespace mlship::databricks {
namespace {

HttpResponse answer(int status, std::string body, std::multimap<std::string, std::string> headers = {}) {
  return {status, std::move(headers), std::move(body), ""};
}

struct ErrorRow {
  int status;
  std::string body;
  ErrorCode code;
  std::string said;
};

TEST(Complaint_, EveryFormOfTheService) {
  const std::vector<ErrorRow> rows = {
      {400, R"({"error_code":"INVALID_PARAMETER_VALUE","message":"Job 17 does not exist."})",
       ErrorCode::not_found, "INVALID_PARAMETER_VALUE: Job 17 does not exist."},
      {400, R"({"error_code":"INVALID_PARAMETER_VALUE","message":"Missing field"})", ErrorCode::http_refused,
       "INVALID_PARAMETER_VALUE: Missing field"},
      {400, R"({"error_code":"RESOURCE_ALREADY_EXISTS","message":"x"})", ErrorCode::http_conflict,
       "RESOURCE_ALREADY_EXISTS: x"},
      {404, R"({"error_code":404,"message":"No API found"})", ErrorCode::not_found, "404: No API found"},
      {403, R"({"error_code":"PERMISSION_DENIED","message":"no","details":[]})", ErrorCode::forbidden,
       "PERMISSION_DENIED: no"},
      {500, R"({"error":"InternalError: oops"})", ErrorCode::server_error, "InternalError: oops"},
      {409, R"({"detail":"taken","status":"409","scimType":"uniqueness"})", ErrorCode::http_conflict,
       "uniqueness: taken"},
      {401, R"({"error":"invalid_client","error_description":"Client authentication failed"})",
       ErrorCode::unauthorized, "Client authentication failed"},
      {400, "MALFORMED_REQUEST: vpc_endpoints malformed", ErrorCode::http_refused,
       "MALFORMED_REQUEST: vpc_endpoints malformed"},
      {503, "<html><body><pre>TEMPORARILY_UNAVAILABLE: later</pre></body></html>", ErrorCode::server_error,
       "TEMPORARILY_UNAVAILABLE: later"},
      {408, "", ErrorCode::server_error, ""},
      {502, "<html><h1>Bad Gateway</h1></html>", ErrorCode::server_error, ""},
      {403, "", ErrorCode::forbidden, ""},
      {302, "", ErrorCode::forbidden, ""},
      {429, R"({"error_code":"REQUEST_LIMIT_EXCEEDED","message":"slow down"})", ErrorCode::rate_limited,
       "REQUEST_LIMIT_EXCEEDED: slow down"},
  };
  for (const auto& row : rows) {
    const Error error = api_error(answer(row.status, row.body), "read job 17");
    EXPECT_EQ(error.code(), row.code) << row.body;
    EXPECT_TRUE(error.message().starts_with("cannot read job 17: ")) << error.message();
    ASSERT_EQ(error.facts().empty(), row.said.empty()) << row.body;
    if (!row.said.empty()) {
      EXPECT_EQ(error.facts()[0].value, row.said);
    }
  }
}

TEST(Complaint_, ALongMessageIsCutAndCannotCommandATerminal) {
  const Error error = api_error(
      answer(400, R"({"error_code":"X","message":"\u001b[2J)" + std::string(5'000, 'a') + "\"}"), "x");
  EXPECT_LT(error.facts()[0].value.size(), 400U);
  EXPECT_EQ(error.facts()[0].value.find('\x1b'), std::string::npos);
}

class Api_ : public ::testing::Test {
 protected:
  Call get(Repeat repeat = Repeat::any) {
    Call call{"GET", "/api/2.2/jobs/get", {{"job_id", "17"}}};
    call.doing = "read job 17";
    call.repeat = repeat;
    return call;
  }
  static constexpr const char* url = "https://w.test/api/2.2/jobs/get?job_id=17";

  Env env_{{{"HOME", "/nowhere"}, {"DATABRICKS_HOST", "https://w.test"}, {"DATABRICKS_TOKEN", "dapi1"}}};
  testing::ManualClock clock_;
  testing::ScriptedHttp http_;
  std::unique_ptr<Process> process_ = system_process();
  Host host_{env_, clock_, http_, *process_};
  Api api_{TargetSection{"dbx", "databricks", {}, {}}, host_};
};

TEST_F(Api_, SendsTheTokenAndReadsTheDocument) {
  http_.on("GET", url, 200, R"({"job_id":17})");
  EXPECT_EQ(api_.call(get()), Json({{"job_id", 17}}));
  EXPECT_EQ(http_.requests[0].headers.find("Authorization")->second, "Bearer dapi1");
  EXPECT_FALSE(http_.requests[0].follow);
}

TEST_F(Api_, AReadingGoesOnThroughWhatPasses) {
  http_.on("GET", url, 503, "").on("GET", url, 429, "", {{"retry-after", "7"}}).unreachable("GET", url);
  http_.on("GET", url, 200, "{}");
  EXPECT_EQ(api_.call(get()), Json::object());
  EXPECT_EQ(http_.requests.size(), 4U);
  EXPECT_GE(clock_.monotonic(), std::chrono::seconds(7));
}

TEST_F(Api_, AWriteIsSentAgainOnlyWhereItWasRefused) {
  http_.on("GET", url, 429, "").on("GET", url, 503, "").on("GET", url, 200, "{}");
  EXPECT_THROW(api_.call(get(Repeat::once)), Error);
  EXPECT_EQ(http_.requests.size(), 2U);
}

TEST_F(Api_, WhatWasMadeOfAReadingIsNotSentAgainWithoutAnother) {
  http_.on("GET", url, 429, "");
  try {
    api_.call(get(Repeat::reread));
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::rate_limited);
  }
  EXPECT_EQ(http_.requests.size(), 1U);
}

TEST_F(Api_, AServiceThatAsksToComeBackTomorrowIsNotWaitedFor) {
  http_.on("GET", url, 429, "", {{"retry-after", "86400"}});
  EXPECT_THROW(api_.call(get()), Error);
  EXPECT_LT(clock_.monotonic(), std::chrono::minutes(6));
}

TEST_F(Api_, AWorkspaceThatHasNeverAnsweredIsGivenUpSoon) {
  http_.unreachable("GET", url);
  EXPECT_THROW(api_.call(get()), Error);
  EXPECT_EQ(http_.requests.size(), 3U);
}

TEST_F(Api_, GivesUpAfterFiveMinutes) {
  http_.on("GET", url, 503, "");
  try {
    api_.call(get());
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::server_error);
  }
  EXPECT_GT(clock_.monotonic(), std::chrono::minutes(5));
  EXPECT_LT(clock_.monotonic(), std::chrono::minutes(6));
}

TEST(ApiOAuth_, RenewsATokenBeforeItEndsAndWhenItEndedEarly) {
  const Env env{{{"HOME", "/nowhere"},
                 {"DATABRICKS_HOST", "https://w.test"},
                 {"DATABRICKS_CLIENT_ID", "id"},
                 {"DATABRICKS_CLIENT_SECRET", "secret"}}};
  testing::ManualClock clock;
  testing::ScriptedHttp http;
  const auto process = system_process();
  Host host{env, clock, http, *process};
  Api api{TargetSection{"dbx", "databricks", {}, {}}, host};
  const std::string token = "https://w.test/oidc/v1/token", me = "https://w.test/api/2.0/preview/scim/v2/Me";
  http.on("POST", token, 200, R"({"access_token":"one","expires_in":3600})");
  http.on("POST", token, 200, R"({"access_token":"two","expires_in":3600})");
  http.on("POST", token, 200, R"({"access_token":"three","expires_in":3600})");
  http.on("GET", me, 200, "{}").on("GET", me, 200, "{}").on("GET", me, 401, "{}").on("GET", me, 200, "{}");
  Call call{"GET", "/api/2.0/preview/scim/v2/Me"};
  call.doing = "say who this is";
  api.call(call);
  EXPECT_EQ(http.requests.back().headers.find("Authorization")->second, "Bearer one");
  clock.advance(std::chrono::minutes(59) + std::chrono::seconds(1));
  api.call(call);
  EXPECT_EQ(http.requests.back().headers.find("Authorization")->second, "Bearer two");
  api.call(call);
  EXPECT_EQ(http.requests.back().headers.find("Authorization")->second, "Bearer three");
  for (const auto& request : http.requests) {
    if (request.method == "POST") {
      EXPECT_EQ(request.basic->user, "id");
    }
  }
}

}  // namespace
}  // namespace mlship::databricks
