#include "deployers/databricks/pacer.h"

#include <algorithm>

namespace mlship::databricks {
namespace {

constexpr std::chrono::milliseconds window{2'000};
constexpr std::chrono::milliseconds breath{1'000};  // after a 429 that names no time
constexpr double guessed = 0.15;                    // growth per request taken while the rate is a guess
constexpr double below = 0.99;                      // of what the service was seen to take
constexpr double far = 0.5;                         // of the rate: it is lowered no further at once
constexpr double to_ceiling = 0.004;                // growth per second, of the rate, below the ceiling
constexpr double beyond = 0.0002;                   // the same above it
constexpr double slowest = 0.2;                     // requests per second

double seconds_of(Pacer::Time time) {
  return static_cast<double>(time.count()) / 1'000;
}

}  // namespace

Pacer::Time Pacer::reserve(Time now) {
  const std::lock_guard lock(mutex_);
  grow(now);
  // What was not used is not saved up: a burst is what a limit is there to stop.
  const double start =
      std::max({next_, static_cast<double>(now.count()), static_cast<double>(resume_.count())});
  if (rate_ > 0) next_ = start + 1'000 / rate_;
  return Time(static_cast<Time::rep>(start + 0.999));
}

Pacer::Time Pacer::resume() const {
  const std::lock_guard lock(mutex_);
  return resume_;
}

void Pacer::grow(Time now) {
  const double seconds = std::max(0.0, seconds_of(now - grown_));
  grown_ = now;
  if (rate_ <= 0 || guess_) return;  // a guess grows by what is taken
  rate_ *= 1 + seconds * (rate_ < ceiling_ ? to_ceiling : beyond);
}

void Pacer::accepted(Time now) {
  const std::lock_guard lock(mutex_);
  taken_.push_back(now);
  while (!taken_.empty() && taken_.front() + window < now) taken_.pop_front();
  ++since_;
  if (guess_) rate_ += guessed;
}

double Pacer::taken_lately(Time now) {
  while (!taken_.empty() && taken_.front() + window < now) taken_.pop_front();
  const double seconds = taken_.empty() ? 0 : seconds_of(now - taken_.front());
  return static_cast<double>(taken_.size()) / std::max(1.0, seconds);
}

// A service that fills a bucket of requests has it empty at every 429: what it took between two of them is
// what it takes, unless the bucket was full in between. What it took lately is at least that.
void Pacer::throttled(Time sent, Time now, Time retry_after) {
  const std::lock_guard lock(mutex_);
  if (sent <= slowed_) return;
  const double lately = taken_lately(now);
  if (rate_ <= 0) {
    guess_ = true;
    rate_ = lately;
  } else {
    guess_ = false;
    const double between = since_ / std::max(0.001, seconds_of(now - slowed_));
    rate_ = std::clamp(between, rate_ * far, rate_) * below;
  }
  ceiling_ = lately * below;
  rate_ = std::max(slowest, rate_);
  since_ = 0;
  slowed_ = grown_ = now;
  resume_ = now + (retry_after.count() > 0 ? retry_after : breath);
  next_ = static_cast<double>(resume_.count());
}

double Pacer::rate() const {
  const std::lock_guard lock(mutex_);
  return rate_;
}

}  // namespace mlship::databricks
