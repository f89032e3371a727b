#include "deployers/databricks/pacer.h"

#include <algorithm>

namespace mlship::databricks {
namespace {

constexpr std::chrono::milliseconds window{2'000};
constexpr std::chrono::milliseconds breath{1'000};  // after a 429 that names no time
constexpr double below = 0.985;                     // of the rate that hurt
constexpr double far = 0.6;                         // of the rate: it is lowered no further at once
constexpr double guessed = 0.3;                     // growth per request taken while the rate is a guess
constexpr double to_ceiling = 0.03;                 // the same below the ceiling
constexpr double beyond = 0.0001;                   // the same above it
constexpr double slowest = 0.2;                     // requests per second

}  // namespace

Pacer::Time Pacer::reserve(Time now) {
  const std::lock_guard lock(mutex_);
  const auto current = static_cast<double>(now.count());
  grow(now);
  // What was not used is not saved up: a burst is what a limit is there to stop.
  const double start = std::max(next_, current);
  if (rate_ > 0) next_ = start + 1'000 / rate_;
  return Time(static_cast<Time::rep>(start + 0.999));
}

void Pacer::grow(Time now) {
  if (rate_ <= 0) return;
  const double seconds = std::max(0.0, static_cast<double>((now - grown_).count()) / 1'000);
  if (guess_) return;  // grows by what is taken
  if (rate_ < ceiling_ * below) {
    rate_ = std::min(ceiling_ * below, rate_ * (1 + seconds * to_ceiling));
  } else {
    rate_ *= 1 + seconds * beyond;
  }
  grown_ = now;
}

void Pacer::accepted(Time now) {
  const std::lock_guard lock(mutex_);
  taken_.push_back(now);
  if (guess_) rate_ += guessed;
  while (!taken_.empty() && taken_.front() + window < now) taken_.pop_front();
}

void Pacer::throttled(Time sent, Time now, Time retry_after) {
  const std::lock_guard lock(mutex_);
  const Time pause = retry_after.count() > 0 ? retry_after : breath;
  if (sent <= slowed_) return;
  // What it took in the last seconds is about what it takes.
  while (!taken_.empty() && taken_.front() + window < now) taken_.pop_front();
  const auto since = taken_.empty() ? 0.0 : static_cast<double>((now - taken_.front()).count());
  const double seen = static_cast<double>(taken_.size()) * 1'000 / std::max(1'000.0, since);
  if (rate_ <= 0 || seen < rate_) rate_ = std::max(seen, rate_ * far);
  guess_ = ceiling_ <= 0;
  ceiling_ = rate_;
  rate_ = std::max(slowest, rate_ * below);
  slowed_ = grown_ = now;
  next_ = std::max(next_, static_cast<double>((now + pause).count()));
}

double Pacer::rate() const {
  const std::lock_guard lock(mutex_);
  return rate_;
}

}  // namespace mlship::databricks
