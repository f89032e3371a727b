// Imitations of the seams of core/host: a clock that moves when told, an Http that answers from a script.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "core/host/clock.h"
#include "core/host/http.h"

namespace mlship::testing {

// sleep() returns at once and moves the time on; `slept` tells what was asked for.
class ManualClock : public Clock {
 public:
  explicit ManualClock(std::int64_t now = 1'795'253'934) : start_(now) {}

  std::int64_t now() override { return start_ + passed_.count() / 1000; }
  std::chrono::milliseconds monotonic() override { return passed_; }
  void sleep(std::chrono::milliseconds duration) override {
    slept.push_back(duration);
    passed_ += duration;
  }
  void advance(std::chrono::milliseconds duration) { passed_ += duration; }

  std::vector<std::chrono::milliseconds> slept;

 private:
  std::int64_t start_;
  std::chrono::milliseconds passed_{0};
};

// Answers each request with the next response given for its "METHOD URL"; the last one stays. A request
// nobody scripted is Error(internal): tests prove that code asks only for what it should.
class ScriptedHttp : public Http {
 public:
  ScriptedHttp& on(const std::string& method, const std::string& url, HttpResponse response);
  ScriptedHttp& on(const std::string& method, const std::string& url, int status, std::string body = "",
                   std::multimap<std::string, std::string> headers = {});
  // No answer at all: Error(network).
  ScriptedHttp& unreachable(const std::string& method, const std::string& url);

  HttpResponse send(const HttpRequest& request) override;
  // One after the other, in order.
  void run(std::vector<Transfer> transfers, int parallel) override;

  // What was asked, in order; bodies and headers as sent.
  std::vector<HttpRequest> requests;
  [[nodiscard]] std::vector<std::string> lines() const;  // "GET https://index.test/simple/"

 private:
  struct Answer {
    HttpResponse response;
    bool unreachable = false;
  };
  std::map<std::string, std::deque<Answer>> answers_;
};

}  // namespace mlship::testing
