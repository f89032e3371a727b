#include "deployers/limiter.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <thread>
#include <vector>

namespace mlship {
namespace {

constexpr double decrease = 0.5;
constexpr double slow_start_limit = 8;            // requests in flight that no system minds
constexpr double slow_growth = 0.2;               // of the usual, beyond where it hurt
constexpr std::chrono::milliseconds breath{500};  // after a 429 that names no time
constexpr std::chrono::milliseconds slice{200};   // of a pause, between looks whether to go on at all

// The workers' shared place: which task is next, how many run.
class Crew {
 public:
  Crew(size_t count, Limiter& limiter, Clock& clock, const std::function<bool()>& more,
       const std::function<void(size_t)>& task)
      : count_(count), limiter_(limiter), clock_(clock), more_(more), task_(task) {}

  void work() {
    while (const auto index = take()) {
      std::exception_ptr thrown;
      try {
        task_(*index - 1);
      } catch (...) {
        thrown = std::current_exception();
      }
      give_back(thrown);
    }
  }

  void rethrow() const {
    if (thrown_) std::rethrow_exception(thrown_);
  }

 private:
  // The task's number from 1; 0 when there is no more.
  struct Number {
    size_t value;
    explicit operator bool() const { return value != 0; }
    size_t operator*() const { return value; }
  };
  Number take() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return done() || running_ < limiter_.window(); });
      if (done() || !more_()) {
        count_ = next_;
        changed_.notify_all();
        return {0};
      }
      const auto now = clock_.monotonic();
      const auto start = limiter_.next_start(now);
      if (start <= now) break;
      lock.unlock();
      clock_.sleep(std::min(start - now, slice));
      lock.lock();
    }
    ++running_;
    return {++next_};
  }

  void give_back(const std::exception_ptr& thrown) {
    const std::lock_guard lock(mutex_);
    --running_;
    if (thrown && !thrown_) thrown_ = thrown;
    changed_.notify_all();
  }

  [[nodiscard]] bool done() const { return next_ >= count_ || thrown_; }

  size_t count_;
  Limiter& limiter_;
  Clock& clock_;
  const std::function<bool()>& more_;
  const std::function<void(size_t)>& task_;
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t next_ = 0;
  size_t running_ = 0;
  std::exception_ptr thrown_;
};

}  // namespace

Limiter::Limiter(size_t most)
    : most_(static_cast<double>(std::max<size_t>(most, 1))),
      window_(std::min(most_, slow_start_limit)),
      ceiling_(most_) {}

size_t Limiter::window() const {
  const std::lock_guard lock(mutex_);
  return static_cast<size_t>(window_);
}

Limiter::Time Limiter::next_start(Time now) const {
  const std::lock_guard lock(mutex_);
  return std::max(now, resume_);
}

void Limiter::succeeded() {
  const std::lock_guard lock(mutex_);
  const double step = 1 / window_;
  window_ = std::min(most_, window_ + (window_ < ceiling_ ? step : step * slow_growth));
}

void Limiter::throttled(Time sent, Time now, std::chrono::milliseconds retry_after) {
  const std::lock_guard lock(mutex_);
  resume_ = std::max(resume_, now + (retry_after.count() > 0 ? retry_after : breath));
  if (sent <= decreased_) return;
  ceiling_ = window_;
  window_ = std::max(1.0, window_ * decrease);
  decreased_ = now;
}

bool sleep_unless(const std::function<bool()>& stop, Clock& clock, std::chrono::milliseconds duration) {
  while (duration.count() > 0) {
    if (stop && stop()) return false;
    clock.sleep(std::min(duration, slice));
    duration -= slice;
  }
  return !stop || !stop();
}

void run_limited(size_t count, Limiter& limiter, Clock& clock, const std::function<bool()>& more,
                 const std::function<void(size_t)>& task) {
  Crew crew(count, limiter, clock, more, task);
  const size_t most = std::min(count, limiter.most());
  std::vector<std::jthread> others;
  for (size_t i = 1; i < most; ++i) others.emplace_back([&crew] { crew.work(); });
  crew.work();
  others.clear();  // joins
  crew.rethrow();
}

}  // namespace mlship
