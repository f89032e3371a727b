#include "core/host/clock.h"

#include <array>
#include <ctime>
#include <thread>

namespace mlship {
namespace {

class SystemClock : public Clock {
 public:
  std::int64_t now() override {
    using std::chrono::system_clock;
    return std::chrono::duration_cast<std::chrono::seconds>(system_clock::now().time_since_epoch()).count();
  }
  std::chrono::milliseconds monotonic() override {
    // Goes on while the machine sleeps: a lease runs out meanwhile.
    timespec t{};
    ::clock_gettime(CLOCK_BOOTTIME, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::milliseconds(t.tv_nsec / 1'000'000);
  }
  void sleep(std::chrono::milliseconds duration) override { std::this_thread::sleep_for(duration); }
};

}  // namespace

std::unique_ptr<Clock> system_clock() {
  return std::make_unique<SystemClock>();
}

std::string rfc3339(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm utc{};
  gmtime_r(&time, &utc);
  std::array<char, 32> text{};
  const size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return {text.data(), length};
}

}  // namespace mlship
