// How much is in flight at once: additive increase, multiplicative decrease. Pure but for the time it is
// told; shared by the workers of one target, so it locks.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>

#include "core/host/clock.h"

namespace mlship {

class Limiter {
 public:
  using Time = std::chrono::milliseconds;  // Clock::monotonic

  // `most`: requests in flight that the system is known to bear at the very most; at least 1.
  explicit Limiter(size_t most);

  [[nodiscard]] size_t most() const { return static_cast<size_t>(most_); }
  // Requests that may be in flight now, 1 … most.
  [[nodiscard]] size_t window() const;
  // When the next request may start: `now`, or later while the system asked for a pause.
  [[nodiscard]] Time next_start(Time now) const;

  void succeeded();
  // 429, Retry-After or a timeout of a request that was sent at `sent`. Answers to what was sent before the
  // last decrease say nothing new.
  void throttled(Time sent, Time now, std::chrono::milliseconds retry_after);

 private:
  mutable std::mutex mutex_;
  const double most_;
  double window_;
  double ceiling_;  // where it hurt last: beyond it the window grows slowly
  Time decreased_{-1};
  Time resume_{0};
};

// Sleeps, but not on once `stop` says so, which is asked several times a second; false then.
bool sleep_unless(const std::function<bool()>& stop, Clock& clock, std::chrono::milliseconds duration);

// Runs task(0) … task(count - 1), as many at once as the limiter allows; inline when that is one. `more` is
// asked before each; the first exception stops the rest and is thrown.
void run_limited(size_t count, Limiter& limiter, Clock& clock, const std::function<bool()>& more,
                 const std::function<void(size_t)>& task);

}  // namespace mlship
