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

  // Takes the next free start, `now` or later: the caller waits for it.
  Time reserve(Time now);
  void accepted(Time now);
  // 429 for a request that started at `sent`. `retry_after`: 0 when the service named none. What was sent
  // before the last slowing down says nothing new about the rate.
  void throttled(Time sent, Time now, Time retry_after);
  // Requests per second; 0: no limit is known.
  [[nodiscard]] double rate() const;

 private:
  void grow(Time now);

  mutable std::mutex mutex_;
  std::deque<Time> taken_;  // when the last requests were accepted, two seconds of them
  double rate_ = 0;
  double ceiling_ = 0;  // the rate at which it hurt last
  double next_ = 0;     // ms: the next free start
  bool guess_ = false;  // too little was seen to tell: the rate grows fast until it hurts again
  Time slowed_{-1};     // when it was last
  Time grown_{0};
};

}  // namespace mlship::databricks
