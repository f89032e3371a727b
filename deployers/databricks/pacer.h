// How fast a service takes requests, learned from what it says: as fast as there is work until it asks to
// slow down, then just below the rate it was seen to bear, looking carefully whether it bears more. Told the
// time, so pure; shared by threads, so it locks.
#pragma once

#include <chrono>
#include <deque>
#include <mutex>

namespace mlship::databricks {

class Pacer {
 public:
  using Time = std::chrono::milliseconds;  // Clock::monotonic

  // Takes the next free start, `now` or later: the caller waits for it, and asks again when resume() is later
  // by then.
  Time reserve(Time now);
  // Nothing may start before.
  [[nodiscard]] Time resume() const;
  void accepted(Time now);
  // 429 for a request that started at `sent`. `retry_after`: 0 when the service named none. What was sent
  // before the last slowing down says nothing new about the rate.
  void throttled(Time sent, Time now, Time retry_after);
  // Requests per second; 0: no limit is known.
  [[nodiscard]] double rate() const;

 private:
  void grow(Time now);
  [[nodiscard]] double taken_lately(Time now);

  mutable std::mutex mutex_;
  std::deque<Time> taken_;  // when the last requests were accepted, two seconds of them
  double since_ = 0;        // accepted since the rate was lowered last
  double rate_ = 0;
  double ceiling_ = 0;  // the most that the service can be thought to bear
  double next_ = 0;     // ms: the next free start
  bool guess_ = false;  // the rate was lowered once: too little was seen to tell
  Time resume_{0};
  Time slowed_{-1};  // when the rate was lowered last
  Time grown_{0};
};

}  // namespace mlship::databricks
