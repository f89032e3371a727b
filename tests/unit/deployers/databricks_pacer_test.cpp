// The pace against a service that takes R requests per second and answers 429 to more.
#include <algorithm>
#include <queue>

#include <gtest/gtest.h>

#include "deployers/databricks/pacer.h"

namespace mlship::databricks {
namespace {

using Time = Pacer::Time;

// A bucket of `burst` requests that fills by `rate` a second, as gateways have it.
struct Service {
  double rate, burst;
  double tokens = burst;
  Time last{0};
  bool takes(Time now) {
    tokens = std::min(burst, tokens + rate * static_cast<double>((now - last).count()) / 1000);
    last = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  }
};

struct Result {
  double rate = 0;   // accepted per second
  double again = 0;  // part of the requests that came twice
  double seconds = 0;
};

// `workers` that each send the next request when the answer to their last has come, `latency` later.
Result run(Service service, int requests, int workers, Time latency, bool says_when) {
  Pacer pacer;
  struct Event {
    Time at;
    int kind;  // 0: a worker wants to send; 1: an answer
    Time sent;
    bool taken;
    bool operator<(const Event& other) const { return at > other.at; }
  };
  std::priority_queue<Event> events;
  int left = requests, accepted = 0, refused = 0;
  for (int i = 0; i < workers; ++i) events.push({Time(0), 0, Time(0), false});
  Time now{0};
  while (accepted < requests && !events.empty()) {
    const Event event = events.top();
    events.pop();
    now = event.at;
    if (event.kind == 0) {
      if (left == 0) continue;
      --left;
      const Time start = std::max(now, pacer.reserve(now));
      events.push({start, 2, start, false});
    } else if (event.kind == 2 && now < pacer.resume()) {
      const Time start = std::max(now, pacer.reserve(now));
      events.push({start, 2, start, false});
    } else if (event.kind == 2) {
      events.push({now + latency, 1, now, service.takes(now)});
    } else {
      if (event.taken) {
        ++accepted;
        pacer.accepted(now);
      } else {
        ++refused;
        ++left;
        pacer.throttled(event.sent, now, says_when ? Time(1'000) : Time(0));
      }
      events.push({now, 0, now, false});
    }
  }
  const double seconds = static_cast<double>(now.count()) / 1000;
  return {accepted / seconds, static_cast<double>(refused) / requests, seconds};
}

TEST(Pacer_, IsNotInTheWayOfAServiceThatNeverMinds) {
  const Result r = run({1e9, 1e9}, 1'000, 10, Time(50), false);
  EXPECT_NEAR(r.rate, 200, 5);
  EXPECT_EQ(r.again, 0);
}

// databricks.md: 0.95 of the limit with at most 1 % retries.
TEST(Pacer_, LearnsFifteenRequestsASecond) {
  for (const double burst : {15.0, 30.0}) {
    for (const bool says_when : {true, false}) {
      const Result r = run({15, burst}, 2'000, 10, Time(50), says_when);
      EXPECT_GE(r.rate, 0.95 * 15) << "burst " << burst;
      EXPECT_LE(r.again, 0.01) << "burst " << burst;
    }
  }
}

TEST(Pacer_, LearnsAHundredRequestsASecond) {
  const Result r = run({100, 100}, 20'000, 10, Time(50), true);
  EXPECT_GE(r.rate, 0.95 * 100);
  EXPECT_LE(r.again, 0.01);
}

TEST(Pacer_, APauseTheServiceAsksForIsKept) {
  Pacer pacer;
  pacer.throttled(Time(10), Time(60), Time(5'000));
  EXPECT_GE(pacer.reserve(Time(61)), Time(5'060));
}

}  // namespace
}  // namespace mlship::databricks
