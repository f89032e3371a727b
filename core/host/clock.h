// Time, so that tests own it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace mlship {

class Clock {
 public:
  virtual ~Clock() = default;
  // Seconds since 1970-01-01T00:00:00Z.
  virtual std::int64_t now() = 0;
  // Never goes back; for durations and timeouts.
  virtual std::chrono::milliseconds monotonic() = 0;
  virtual void sleep(std::chrono::milliseconds duration) = 0;
};

std::unique_ptr<Clock> system_clock();

// "2026-11-21T09:38:54Z" (RFC 3339, UTC, whole seconds).
std::string rfc3339(std::int64_t seconds);

}  // namespace mlship
