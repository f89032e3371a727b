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

// When the write may not leave; the request that it would be is never seen.
TEST_F(Api_, AWriteGoesAtOnceAfterItsReadingOrNotAtAll) {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  struct Row {
    seconds passed;
    bool slowed, stopped, sent;
  };
  for (const Row& row : {Row{seconds(0), false, false, true}, Row{seconds(5), false, false, true},
                         Row{seconds(30), false, false, false}, Row{seconds(0), true, false, false},
                         Row{seconds(0), false, true, false}}) {
    testing::ScriptedHttp http;
    Host host{env_, clock_, http, *process_};
    Api api{TargetSection{"dbx", "databricks", {}, {}}, host};
    bool stop = false;
    api.heed([&] { return stop; });
    api.take_turn();
    Call write = get(Repeat::reread);
    write.read_at = clock_.monotonic();
    clock_.advance(row.passed);
    size_t before = 0;
    if (row.slowed) {  // somebody else's request
      Call other{"GET", "/other"};
      other.repeat = Repeat::reread;
      http.on("GET", "https://w.test/other", 429, "", {{"retry-after", "30"}});
      EXPECT_THROW(api.call(other), Error);
      before = 1;
    }
    stop = row.stopped;
    http.on("GET", url, 200, "{}");
    bool sent = true;
    try {
      api.call(write);
    } catch (const NotSent& e) {
      sent = false;
      EXPECT_EQ(e.stopped, row.stopped);
    }
    EXPECT_EQ(sent, row.sent);
    EXPECT_EQ(http.requests.size(), before + (row.sent ? 1 : 0));
  }
}

TEST_F(Api_, AWaitEndsWhenTheRunIsStopped) {
  for (const int status : {429, 503, 409}) {
    testing::ScriptedHttp http;
    testing::ManualClock clock;
    Host host{env_, clock, http, *process_};
    Api api{TargetSection{"dbx", "databricks", {}, {}}, host};
    http.on("GET", url, status, R"({"error_code":"ABORTED","message":"later"})", {{"retry-after", "200"}});
    api.heed([&] { return !http.requests.empty(); });
    try {
      api.call(get());
      FAIL();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::interrupted) << status;
    }
    EXPECT_LT(clock.monotonic(), std::chrono::seconds(2)) << status;
  }
}

TEST_F(Api_, KnowsHowFarTheWorkspacesClockIsAhead) {
  http_.on("GET", url, 200, "{}", {{"date", "Wed, 21 Oct 2026 07:28:00 GMT"}});
  api_.call(get());
  EXPECT_EQ(api_.seconds_ahead(), 1'792'567'680 - clock_.now());
}

TEST_F(Api_, AConflictThatPassesIsWaitedForOthersAreNot) {
  const std::vector<std::pair<std::string, bool>> rows = {
      {R"({"error_code":"RESOURCE_CONFLICT","message":"x"})", true},
      {R"({"error_code":"ABORTED","message":"x"})", true},
      {R"({"error_code":"409","message":"A concurrent request is in progress. Please wait."})", true},
      {R"({"error_code":"RESOURCE_ALREADY_EXISTS","message":"please wait"})", false},
      {R"({"error_code":"ALREADY_EXISTS","message":"x"})", false},
      {R"({"message":"x"})", false}};
  for (const auto& [body, passes] : rows) {
    testing::ScriptedHttp http;
    Host host{env_, clock_, http, *process_};
    Api api{TargetSection{"dbx", "databricks", {}, {}}, host};
    http.on("GET", url, 409, body).on("GET", url, 200, "{}");
    bool done = true;
    try {
      api.call(get());
    } catch (const Error& e) {
      done = false;
      EXPECT_EQ(e.code(), ErrorCode::http_conflict);
    }
    EXPECT_EQ(done, passes) << body;
  }
}

TEST_F(Api_, AWebPageIsNoAnswer) {
  for (const std::string body :
       {"<html><head><title> Sign in </title></head></html>", "\n<!DOCTYPE html><TITLE>Sign in</TITLE>",
        "\xEF\xBB\xBF<html><title>Sign in"}) {
    testing::ScriptedHttp http;
    Host host{env_, clock_, http, *process_};
    Api api{TargetSection{"dbx", "databricks", {}, {}}, host};
    http.on("GET", url, 200, body);
    try {
      api.call(get());
      FAIL() << body;
    } catch (const Error& e) {
      EXPECT_EQ(e.exit_code(), ExitCode::network);
      EXPECT_NE(e.message().find("a proxy or login page answered"), std::string::npos) << e.message();
      EXPECT_FALSE(e.hint_text().empty());
    }
  }
}

TEST_F(Api_, ATokenThatIsNotAcceptedWantsANewOne) {
  struct Row {
    int status;
    std::string message;
    bool token;
  };
  for (const Row& row : {Row{403, "Invalid access token.", true}, Row{403, "Token expired at 7", true},
                         Row{403, "The token was revoked", true}, Row{401, "", true},
                         Row{403, "User does not have Manage permission on job 17", false},
                         Row{403, "Personal access tokens are disabled for this workspace", false}}) {
    testing::ScriptedHttp http;
    Host host{env_, clock_, http, *process_};
    Api api{TargetSection{"dbx", "databricks", {}, {}}, host};
    http.on("GET", url, row.status, Json{{"error_code", 403}, {"message", row.message}}.dump());
    try {
      api.call(get());
      FAIL() << row.message;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), row.token ? ErrorCode::unauthorized : ErrorCode::forbidden) << row.message;
      EXPECT_EQ(e.hint_text().find("make a new token and set DATABRICKS_TOKEN") == 0, row.token)
          << e.hint_text();
    }
  }
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
