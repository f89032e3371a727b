#include <gtest/gtest.h>

#include "core/host/http.h"

namespace mlship {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int never = -1;

struct Case {
  const char* what;
  RetryInput input;
  int pause_ms;  // with jitter 1; never: give up
};

RetryInput input(int attempt, int status, bool transient = false, bool idempotent = true) {
  RetryInput in;
  in.attempt = attempt;
  in.status = status;
  in.transient = transient;
  in.idempotent = idempotent;
  in.jitter = 1;
  return in;
}
RetryInput after(RetryInput in, int wait) {
  in.retry_after = seconds(wait);
  return in;
}
RetryInput spent(RetryInput in, int ms) {
  in.spent = milliseconds(ms);
  return in;
}

const Case cases[] = {
    {"doubles", input(1, 503), 250},
    {"doubles", input(2, 503), 500},
    {"doubles", input(4, 503), 2000},
    {"the fifth try was the last", input(5, 503), never},
    {"no answer that may pass", input(1, 0, true), 250},
    {"no answer that will not pass (TLS)", input(1, 0, false), never},
    {"no answer to a POST: it may have been done", input(1, 0, true, false), never},
    {"408", input(1, 408), 250},
    {"425", input(1, 425), 250},
    {"429", input(1, 429), 250},
    {"429 did nothing, even to a POST", input(1, 429, false, false), 250},
    {"500", input(1, 500), 250},
    {"500 to a POST", input(1, 500, false, false), never},
    {"502", input(1, 502), 250},
    {"504", input(1, 504), 250},
    {"503 to a POST", input(1, 503, false, false), never},
    {"503 with Retry-After to a POST", after(input(1, 503, false, false), 1), 1000},
    {"501 will not pass", input(1, 501), never},
    {"200 is done", input(1, 200), never},
    {"304 is done", input(1, 304), never},
    {"400", input(1, 400), never},
    {"401", input(1, 401), never},
    {"403", input(1, 403), never},
    {"404", input(1, 404), never},
    {"409", input(1, 409), never},
    {"412", input(1, 412), never},
    {"Retry-After wins when longer", after(input(1, 429), 7), 7000},
    {"the own pause wins when longer", after(input(4, 429), 1), 2000},
    {"Retry-After beyond the budget", after(input(1, 429), 301), never},
    {"the budget is spent", spent(input(2, 503), 299'600), never},
    {"the budget is nearly spent", spent(input(1, 503), 299'700), 250},
};

TEST(HttpRetry, Table) {
  for (const auto& c : cases) {
    const auto pause = retry_pause(c.input, {});
    EXPECT_EQ(pause ? static_cast<int>(pause->count()) : never, c.pause_ms)
        << c.what << " " << c.input.status;
  }
}

TEST(HttpRetry, JitterStaysBetweenHalfAndAll) {
  RetryInput in = input(3, 503);
  in.jitter = 0;
  EXPECT_EQ(retry_pause(in, {}), milliseconds(500));
  in.jitter = 0.5;
  EXPECT_EQ(retry_pause(in, {}), milliseconds(750));
}

TEST(HttpRetry, PauseIsCapped) {
  RetryPolicy policy;
  policy.max_attempts = 2000;
  EXPECT_EQ(retry_pause(input(1500, 503), policy), milliseconds(20'000));
}

TEST(HttpRetry, RetryAfter) {
  // 784111777 is the date of RFC 9110's examples.
  EXPECT_EQ(parse_retry_after("120", 0), seconds(120));
  EXPECT_EQ(parse_retry_after("0", 0), seconds(0));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 - 30), seconds(30));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 + 30), seconds(0));
  EXPECT_EQ(parse_retry_after("99999999999", 0), seconds(7 * 24 * 3600));
  for (const char* bad : {"", "-1", "soon", "1.5", "120 s", "Sun, 06 Nov 1994 08:49:37 CET"}) {
    EXPECT_EQ(parse_retry_after(bad, 0), std::nullopt) << bad;
  }
}

TEST(HttpError, EachStatusIsItsOwnError) {
  struct Row {
    int status;
    ErrorCode code;
  };
  for (const Row row :
       {Row{400, ErrorCode::network}, Row{401, ErrorCode::unauthorized}, Row{403, ErrorCode::forbidden},
        Row{404, ErrorCode::not_found}, Row{409, ErrorCode::http_conflict}, Row{410, ErrorCode::not_found},
        Row{412, ErrorCode::http_precondition}, Row{429, ErrorCode::rate_limited},
        Row{500, ErrorCode::server_error}, Row{503, ErrorCode::server_error}}) {
    EXPECT_EQ(http_error({row.status, {}, "", ""}, "fetch x").code(), row.code) << row.status;
  }
  const Error error = http_error({404, {}, "", ""}, "fetch https://index.test/simple/numpy/");
  EXPECT_EQ(error.message(), "cannot fetch https://index.test/simple/numpy/: it is not there (HTTP 404)");
}

TEST(HttpError, ShowsTheServersWordsWithoutControlCharacters) {
  const Error error =
      http_error({400, {{"content-type", "text/plain"}}, "no such\x1b[2J\npackage\n", ""}, "fetch x");
  ASSERT_EQ(error.facts().size(), 1U);
  EXPECT_EQ(error.facts()[0].value, "no such [2J package");
  EXPECT_TRUE(http_error({400, {{"content-type", "text/html"}}, "<html>", ""}, "fetch x").facts().empty());
}

}  // namespace
}  // namespace mlship
