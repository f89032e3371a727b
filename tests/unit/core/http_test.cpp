#include "core/host/http.h"

#include <atomic>

#include <gtest/gtest.h>

#include "core/host/clock.h"
#include "core/host/env.h"
#include "tests/support/fakes.h"
#include "tests/support/loopback_server.h"

namespace mlship {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::LoopbackServer;
using testing::ManualClock;
using testing::Reply;
using testing::reply;
using testing::WireRequest;

class HttpTest : public ::testing::Test {
 protected:
  HttpResponse get(const std::string& url) {
    HttpRequest request;
    request.url = url;
    return http_->send(request);
  }
  // What the request ends with when it throws.
  Error failure(const HttpRequest& request) {
    try {
      (void)http_->send(request);
    } catch (const Error& e) {
      return e;
    }
    return {ErrorCode::internal, "no error"};
  }
  void use(const HttpOptions& options, Clock& clock) { http_ = curl_http(env_, clock, options); }

  Env env_;
  ManualClock clock_;
  std::unique_ptr<Http> http_ = curl_http(env_, clock_);
};

TEST_F(HttpTest, GetsABodyAndHeaders) {
  LoopbackServer server([](const WireRequest&) { return reply(200, "hello", "X-Thing:  a b \r\n"); });
  const auto response = get(server.url("/x?y=1"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(response.header("x-thing"), "a b");
  EXPECT_EQ(response.url, server.url("/x?y=1"));
  EXPECT_EQ(server.requests().at(0).target, "/x?y=1");
  EXPECT_TRUE(server.requests().at(0).headers.at("user-agent").starts_with("mlship/"));
}

TEST_F(HttpTest, SendsBodiesOfEveryMethod) {
  LoopbackServer server([](const WireRequest&) { return reply(201); });
  for (const std::string method : {"PUT", "POST", "PATCH", "DELETE"}) {
    HttpRequest request;
    request.method = method;
    request.url = server.url();
    request.headers.emplace("Content-Type", "text/x");
    request.body = method == "DELETE" ? "" : std::string(300'000, 'x');
    EXPECT_EQ(http_->send(request).status, 201);
    EXPECT_EQ(server.requests().back().method, method);
    EXPECT_EQ(server.requests().back().body, request.body);
    EXPECT_EQ(server.requests().back().headers.at("content-type"), "text/x");
    EXPECT_FALSE(server.requests().back().has("expect"));
  }
  HttpRequest empty;
  empty.method = "POST";
  empty.url = server.url();
  (void)http_->send(empty);
  EXPECT_EQ(server.requests().back().headers.at("content-length"), "0");
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpTest, EveryStatusIsAnAnswer) {
  LoopbackServer server([](const WireRequest&) { return reply(404, "gone"); });
  EXPECT_EQ(get(server.url()).status, 404);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(HttpTest, BusyThenFine) {
  std::atomic<int> count = 0;
  LoopbackServer server([&](const WireRequest&) { return ++count < 3 ? reply(503) : reply(200, "ok"); });
  EXPECT_EQ(get(server.url()).body, "ok");
  EXPECT_EQ(clock_.slept.size(), 2U);
}

TEST_F(HttpTest, HonoursRetryAfter) {
  std::atomic<int> count = 0;
  LoopbackServer server(
      [&](const WireRequest&) { return ++count < 2 ? reply(429, "", "Retry-After: 42\r\n") : reply(200); });
  EXPECT_EQ(get(server.url()).status, 200);
  ASSERT_EQ(clock_.slept.size(), 1U);
  EXPECT_EQ(clock_.slept[0], seconds(42));
}

TEST_F(HttpTest, GivesTheLastStatusWhenTriesAreSpent) {
  LoopbackServer server([&](const WireRequest&) { return reply(502); });
  EXPECT_EQ(get(server.url()).status, 502);
  EXPECT_EQ(server.requests().size(), 5U);
}

TEST_F(HttpTest, APostIsNotSentTwice) {
  LoopbackServer server([&](const WireRequest&) { return Reply{"", true, {}, {}}; });
  HttpRequest request;
  request.method = "POST";
  request.url = server.url();
  request.body = "x";
  EXPECT_EQ(failure(request).code(), ErrorCode::network);
  EXPECT_EQ(server.requests().size(), 1U);
}

// Answers GETs, does what anything else asks, and closes the connection without a byte.
Reply lost_reply(const WireRequest& request) {
  return request.method == "GET" ? reply(200) : Reply{"", true, {}, {}};
}

TEST_F(HttpTest, AWriteOnAKeptConnectionThatDiesIsNotSentTwice) {
  struct Row {
    std::string method, body;
    bool once;
  };
  for (const Row& row :
       {Row{"POST", "x", false}, Row{"PATCH", std::string(200'000, 'x'), false}, Row{"POST", "", false},
        Row{"POST", "x", true}, Row{"PUT", "x", true}, Row{"DELETE", "", true}, Row{"POST", "", true}}) {
    LoopbackServer server(lost_reply);
    ASSERT_EQ(get(server.url()).status, 200);  // the connection is kept
    HttpRequest request;
    request.method = row.method;
    request.url = server.url();
    request.body = row.body;
    request.once = row.once;
    EXPECT_EQ(failure(request).code(), ErrorCode::network) << row.method;
    EXPECT_EQ(server.requests().size(), 2U) << row.method << " with " << row.body.size() << " bytes";
  }
}

TEST_F(HttpTest, WhatMayArriveTwiceIsSentAgainAfterAPause) {
  LoopbackServer server(lost_reply);
  ASSERT_EQ(get(server.url()).status, 200);
  HttpRequest request;
  request.method = "PUT";
  request.url = server.url();
  request.body = "x";
  EXPECT_EQ(failure(request).code(), ErrorCode::network);
  EXPECT_EQ(server.requests().size(), 1U + 5U);
  EXPECT_EQ(clock_.slept.size(), 4U);
}

TEST_F(HttpTest, WritesThatAreSentOnceShareAConnection) {
  LoopbackServer server([](const WireRequest&) { return reply(200); });
  for (int i = 0; i < 20; ++i) {
    HttpRequest request;
    request.method = "POST";
    request.url = server.url();
    request.body = "x";
    request.once = true;
    EXPECT_EQ(http_->send(request).status, 200);
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpTest, NobodyWaitsForAnAnswerThatIsNotWantedAnyMore) {
  const auto clock = system_clock();
  use({}, *clock);
  LoopbackServer server([](const WireRequest&) { return Reply{"", true, milliseconds(20'000), {}}; });
  HttpRequest request;
  request.url = server.url();
  request.once = true;
  request.abandon = [] { return true; };
  const auto begun = clock->monotonic();
  EXPECT_EQ(failure(request).code(), ErrorCode::network);
  EXPECT_LT(clock->monotonic() - begun, milliseconds(10'000));
}

TEST_F(HttpTest, NobodyListens) {
  int port = 0;
  {
    port = LoopbackServer([](const WireRequest&) { return reply(200); }).port();
  }
  HttpRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(port) + "/secret?token=hunter2";
  const Error error = failure(request);
  EXPECT_EQ(error.exit_code(), ExitCode::network);
  EXPECT_TRUE(
      error.message().starts_with("cannot reach http://127.0.0.1:" + std::to_string(port) + "/secret: "))
      << error.message();
  EXPECT_EQ(error.facts().at(0).value, "5");
}

TEST_F(HttpTest, RedirectWithinTheOriginKeepsCredentials) {
  LoopbackServer server([](const WireRequest& r) {
    return r.target == "/a/b" ? reply(307, "", "Location: ../c\r\n") : reply(200, "here");
  });
  HttpRequest request;
  request.method = "PUT";
  request.body = "data";
  request.url = server.url("/a/b");
  request.basic = Credentials{"me", Secret("hunter2")};
  EXPECT_EQ(http_->send(request).body, "here");
  const auto last = server.requests().back();
  EXPECT_EQ(last.target, "/c");
  EXPECT_EQ(last.method, "PUT");
  EXPECT_EQ(last.body, "data");
  EXPECT_EQ(last.headers.at("authorization"), "Basic bWU6aHVudGVyMg==");
}

TEST_F(HttpTest, RedirectToAnotherPortDropsCredentialsForEver) {
  std::string back;
  LoopbackServer other([&](const WireRequest&) { return reply(302, "", "Location: " + back + "\r\n"); });
  LoopbackServer server([&](const WireRequest& r) {
    return r.target == "/start" ? reply(302, "", "Location: " + other.url("/away") + "\r\n") : reply(200);
  });
  back = server.url("/back");
  HttpRequest request;
  request.url = server.url("/start");
  request.basic = Credentials{"me", Secret("hunter2")};
  request.headers.emplace("AUTHORIZATION", "Bearer hunter2");
  request.headers.emplace("Cookie", "hunter2");
  request.headers.emplace("X-Other", "kept");
  const auto response = http_->send(request);
  EXPECT_EQ(response.url, back);
  EXPECT_TRUE(server.requests().at(0).has("cookie"));
  EXPECT_EQ(server.requests().at(0).headers.at("authorization"), "Bearer hunter2");
  for (const auto& r : {other.requests().at(0), server.requests().at(1)}) {
    EXPECT_FALSE(r.has("authorization")) << r.target;
    EXPECT_FALSE(r.has("cookie"));
    EXPECT_TRUE(r.has("x-other"));
  }
}

TEST_F(HttpTest, PostBecomesGetAt303) {
  LoopbackServer server([](const WireRequest& r) {
    return r.target == "/a" ? reply(303, "", "Location: /b\r\n") : reply(200);
  });
  HttpRequest request;
  request.method = "POST";
  request.body = "data";
  request.headers.emplace("Content-Type", "text/plain");
  request.url = server.url("/a");
  (void)http_->send(request);
  EXPECT_EQ(server.requests().back().method, "GET");
  EXPECT_EQ(server.requests().back().body, "");
  EXPECT_FALSE(server.requests().back().has("content-type"));
}

TEST_F(HttpTest, RedirectsThatAreRefused) {
  std::string location;
  LoopbackServer server([&](const WireRequest&) { return reply(302, "", "Location: " + location + "\r\n"); });
  HttpRequest request;
  request.url = server.url();
  location = "/round";
  EXPECT_NE(failure(request).message().find("redirected more than 10 times"), std::string::npos);
  location = "file:///etc/passwd";
  EXPECT_NE(failure(request).message().find("not an http or https URL"), std::string::npos);
  location = "http://index.test/x";
  EXPECT_EQ(failure(request).code(), ErrorCode::tls);
}

TEST_F(HttpTest, PlainHttpIsForLoopback) {
  HttpRequest request;
  for (const char* url : {"http://index.test/", "http://127.0.0.1.index.test/", "http://10.0.0.1/"}) {
    request.url = url;
    const Error error = failure(request);
    EXPECT_EQ(error.message(), "cannot reach " + std::string(url) + ": plain HTTP is for loopback only");
    EXPECT_EQ(error.hint_text(), "write https:// instead of http://");
  }
  for (const char* url : {"ftp://index.test/", "not a url", "file:///etc/passwd", ""}) {
    request.url = url;
    EXPECT_EQ(failure(request).code(), ErrorCode::network) << url;
  }
}

TEST_F(HttpTest, PlainHttpElsewhereCarriesNoCredentials) {
  // The proxy stands for the network off loopback.
  LoopbackServer proxy([](const WireRequest&) { return reply(200, "by proxy"); });
  env_ = Env({{"http_proxy", proxy.url()}});
  HttpRequest request;
  request.url = "http://index.test/x";
  request.plain_http = true;
  request.basic = Credentials{"me", Secret("hunter2")};
  request.headers.emplace("Authorization", "Bearer hunter2");
  EXPECT_EQ(http_->send(request).body, "by proxy");
  EXPECT_EQ(proxy.requests().at(0).target, "http://index.test/x");
  EXPECT_FALSE(proxy.requests().at(0).has("authorization"));
}

TEST_F(HttpTest, LoopbackNeverGoesThroughAProxy) {
  LoopbackServer proxy([](const WireRequest&) { return reply(200, "by proxy"); });
  LoopbackServer server([](const WireRequest&) { return reply(200, "direct"); });
  env_ = Env({{"http_proxy", proxy.url()}, {"ALL_PROXY", proxy.url()}});
  EXPECT_EQ(get(server.url()).body, "direct");
}

TEST_F(HttpTest, UserinfoOfAUrlIsNotRepeated) {
  LoopbackServer server([](const WireRequest&) { return reply(200); });
  const std::string port = std::to_string(server.port());
  const auto response = get("http://me:hunter2@127.0.0.1:" + port + "/x");
  EXPECT_EQ(response.url, server.url("/x"));
  EXPECT_EQ(server.requests().at(0).headers.at("authorization"), "Basic bWU6aHVudGVyMg==");
}

constexpr auto strong = "ETag: \"one\"\r\nAccept-Ranges: bytes\r\n";

// The first answer breaks off after five bytes of eleven.
Reply broken(const std::string& extra) {
  return {"HTTP/1.1 200 X\r\nContent-Length: 11\r\n" + extra + "\r\nhello", true, {}, {}};
}

struct Sink {
  std::string text;
  int restarts = 0;
  HttpRequest request(const std::string& url) {
    HttpRequest out;
    out.url = url;
    out.sink = [this](std::string_view data) { text += data; };
    out.restart = [this] {
      text.clear();
      ++restarts;
    };
    return out;
  }
};

TEST_F(HttpTest, ABrokenBodyIsResumed) {
  LoopbackServer server([](const WireRequest& r) {
    if (!r.has("range")) return broken(strong);
    Reply out = reply(206, " world", "Content-Range: bytes 5-10/11\r\n");
    return out;
  });
  Sink sink;
  const auto response = http_->send(sink.request(server.url()));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(sink.text, "hello world");
  EXPECT_EQ(sink.restarts, 0);
  EXPECT_EQ(server.requests().at(1).headers.at("range"), "bytes=5-");
  EXPECT_EQ(server.requests().at(1).headers.at("if-range"), "\"one\"");
}

TEST_F(HttpTest, AChangedBodyIsReadAgainFromTheStart) {
  LoopbackServer server(
      [](const WireRequest& r) { return r.has("range") ? reply(200, "other bytes") : broken(strong); });
  Sink sink;
  (void)http_->send(sink.request(server.url()));
  EXPECT_EQ(sink.text, "other bytes");
  EXPECT_EQ(sink.restarts, 1);
}

TEST_F(HttpTest, ARangeThatIsRefusedStartsAgain) {
  std::atomic<int> count = 0;
  LoopbackServer server([&](const WireRequest& r) {
    if (r.has("range")) return reply(416);
    return ++count == 1 ? broken(strong) : reply(200, "other bytes");
  });
  Sink sink;
  (void)http_->send(sink.request(server.url()));
  EXPECT_EQ(sink.text, "other bytes");
}

TEST_F(HttpTest, WithoutAStrongETagItStartsAgain) {
  for (const std::string extra :
       {"", "ETag: \"one\"\r\n", "Accept-Ranges: bytes\r\n", "ETag: W/\"one\"\r\nAccept-Ranges: bytes\r\n"}) {
    std::atomic<int> count = 0;
    LoopbackServer server([&](const WireRequest& r) {
      EXPECT_FALSE(r.has("range"));
      return ++count == 1 ? broken(extra) : reply(200, "hello world");
    });
    Sink sink;
    (void)http_->send(sink.request(server.url()));
    EXPECT_EQ(sink.text, "hello world");
    EXPECT_EQ(sink.restarts, 1);
  }
}

TEST_F(HttpTest, ABodyThatBreaksAgainAndAgainArrivesWhileThereIsProgress) {
  const std::string whole = "0123456789abcdefghij";
  LoopbackServer server([&](const WireRequest& r) {
    const size_t from = r.has("range") ? std::stoul(r.headers.at("range").substr(6)) : 0;
    const std::string status = from == 0 ? "200" : "206";
    return Reply{"HTTP/1.1 " + status + " X\r\nContent-Length: " + std::to_string(whole.size() - from) +
                     "\r\n" + strong + "Content-Range: bytes " + std::to_string(from) + "-19/20\r\n\r\n" +
                     whole[from],
                 true,
                 {},
                 {}};
  });
  Sink sink;
  EXPECT_EQ(http_->send(sink.request(server.url())).status, 200);
  EXPECT_EQ(sink.text, whole);
  EXPECT_EQ(server.requests().size(), 20U);
}

TEST_F(HttpTest, SilenceIsAStallAndTriedAgain) {
  const auto clock = system_clock();
  HttpOptions options;
  options.stall_timeout = milliseconds(300);
  options.retry.first = milliseconds(1);
  use(options, *clock);
  std::atomic<int> count = 0;
  LoopbackServer server([&](const WireRequest&) {
    if (++count > 1) return reply(200, "hello world");
    Reply out = broken("");
    out.silence = seconds(20);
    out.close = false;
    return out;
  });
  Sink sink;
  const auto start = clock->monotonic();
  (void)http_->send(sink.request(server.url()));
  EXPECT_EQ(sink.text, "hello world");
  EXPECT_LT(clock->monotonic() - start, seconds(10));
}

TEST_F(HttpTest, ASlowServerThatKeepsSendingIsNoStall) {
  const auto clock = system_clock();
  HttpOptions options;
  options.stall_timeout = milliseconds(100);
  options.retry.max_attempts = 1;
  options.answer_timeout = seconds(10);
  use(options, *clock);
  LoopbackServer server([&](const WireRequest&) {
    Reply out = reply(201);
    out.delay = milliseconds(600);  // commits the blob meanwhile
    return out;
  });
  HttpRequest request;
  request.method = "PUT";
  request.body = "blob";
  request.url = server.url();
  EXPECT_EQ(http_->send(request).status, 201);
}

TEST_F(HttpTest, LargeAnswersAreCut) {
  LoopbackServer server(
      [](const WireRequest& r) { return reply(r.target == "/error" ? 500 : 200, std::string(5000, 'x')); });
  HttpRequest request;
  request.url = server.url();
  request.max_body = 4999;
  EXPECT_NE(failure(request).message().find("larger than 4999 bytes"), std::string::npos);
  request.max_body = 5000;
  EXPECT_EQ(http_->send(request).body.size(), 5000U);
}

TEST_F(HttpTest, AnExceptionOfTheSinkComesOut) {
  LoopbackServer server([](const WireRequest&) { return reply(200, "hello"); });
  HttpRequest request;
  request.url = server.url();
  request.sink = [](std::string_view) { throw Error(ErrorCode::disk_full, "cannot write x: no space"); };
  EXPECT_EQ(failure(request).code(), ErrorCode::disk_full);
  EXPECT_EQ(server.requests().size(), 1U);
  request.sink = nullptr;
  EXPECT_EQ(http_->send(request).body, "hello");
}

TEST_F(HttpTest, ErrorBodiesDoNotReachTheSink) {
  LoopbackServer server([](const WireRequest&) { return reply(404, "no such thing"); });
  Sink sink;
  EXPECT_EQ(http_->send(sink.request(server.url())).body, "no such thing");
  EXPECT_EQ(sink.text, "");
}

TEST_F(HttpTest, RunsInParallelOverFewConnections) {
  LoopbackServer server([](const WireRequest& r) {
    Reply out = reply(200, r.target);
    out.delay = milliseconds(20);
    return out;
  });
  std::vector<Transfer> transfers;
  std::vector<std::string> bodies(40);
  for (size_t i = 0; i < bodies.size(); ++i) {
    HttpRequest request;
    request.url = server.url("/" + std::to_string(i));
    transfers.push_back({request, [&bodies, i](HttpResponse response) { bodies[i] = response.body; }});
  }
  http_->run(std::move(transfers), 4);
  for (size_t i = 0; i < bodies.size(); ++i) EXPECT_EQ(bodies[i], "/" + std::to_string(i));
  EXPECT_LE(server.connections(), 5);
  EXPECT_GE(server.most_at_once(), 2);
  EXPECT_LE(server.most_at_once(), 4);
}

TEST_F(HttpTest, TheFirstErrorStopsTheRest) {
  LoopbackServer server([](const WireRequest& r) {
    if (r.target == "/0") return Reply{"", true, {}, {}};
    return reply(200);
  });
  HttpOptions options;
  options.retry.max_attempts = 1;
  use(options, clock_);
  std::vector<Transfer> transfers;
  std::atomic<int> done = 0;
  for (int i = 0; i < 50; ++i) {
    HttpRequest request;
    request.url = server.url("/" + std::to_string(i));
    transfers.push_back({request, [&done](const HttpResponse&) { ++done; }});
  }
  EXPECT_THROW(http_->run(std::move(transfers), 1), Error);
  EXPECT_EQ(done, 0);
  // And the client is as good as new.
  EXPECT_EQ(get(server.url("/1")).status, 200);
}

TEST_F(HttpTest, DoneMaySendRequestsOfItsOwn) {
  LoopbackServer server([](const WireRequest& r) { return reply(200, r.target); });
  std::string inner;
  std::vector<Transfer> transfers;
  HttpRequest request;
  request.url = server.url("/outer");
  transfers.push_back({request, [&](const HttpResponse&) { inner = get(server.url("/inner")).body; }});
  http_->run(std::move(transfers), 2);
  EXPECT_EQ(inner, "/inner");
}

TEST_F(HttpTest, AHeaderCannotSmuggleAnother) {
  HttpRequest request;
  request.url = "http://127.0.0.1:1/";
  request.headers.emplace("X-A", "b\r\nX-Evil: 1");
  EXPECT_EQ(failure(request).code(), ErrorCode::internal);
}

}  // namespace
}  // namespace mlship
