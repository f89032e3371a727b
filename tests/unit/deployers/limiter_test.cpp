#include "deployers/limiter.h"

#include <atomic>
#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/support/memory_ledger.h"

namespace mlship {
namespace {

using namespace std::chrono_literals;

TEST(Limiter, GrowsByOneARoundAndHalvesOnceForEachBurst) {
  Limiter limiter(64);
  EXPECT_EQ(limiter.window(), 8U);
  for (int i = 0; i < 9; ++i) limiter.succeeded();
  EXPECT_EQ(limiter.window(), 9U);
  limiter.throttled(1000ms, 1100ms, 0ms);
  EXPECT_EQ(limiter.window(), 4U);
  // Sent before the decrease: says nothing new.
  limiter.throttled(1050ms, 1200ms, 0ms);
  EXPECT_EQ(limiter.window(), 4U);
  limiter.throttled(1300ms, 1400ms, 0ms);
  EXPECT_EQ(limiter.window(), 2U);
}

TEST(Limiter, NeverBelowOneNorAboveItsMost) {
  Limiter limiter(3);
  for (int i = 0; i < 100; ++i) limiter.succeeded();
  EXPECT_EQ(limiter.window(), 3U);
  for (int i = 0; i < 10; ++i) limiter.throttled(i * 100ms + 1ms, i * 100ms + 50ms, 0ms);
  EXPECT_EQ(limiter.window(), 1U);
  EXPECT_EQ(Limiter(0).most(), 1U);
}

TEST(Limiter, WaitsAsLongAsTheSystemAsks) {
  Limiter limiter(8);
  EXPECT_EQ(limiter.next_start(5s), 5s);
  limiter.throttled(1s, 2s, 30s);
  EXPECT_EQ(limiter.next_start(5s), 32s);
  limiter.throttled(3s, 4s, 1s);  // the longer wish stands
  EXPECT_EQ(limiter.next_start(5s), 32s);
  EXPECT_EQ(limiter.next_start(40s), 40s);
}

TEST(RunLimited, RunsEachTaskOnceAndNeverMoreThanTheWindow) {
  Limiter limiter(6);
  test::ManualClock clock;
  std::vector<std::atomic<int>> done(200);
  std::atomic<int> running = 0, most = 0;
  run_limited(
      done.size(), limiter, clock, [] { return true; },
      [&](size_t i) {
        const int now = ++running;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        ++done[i];
        std::this_thread::yield();
        --running;
      });
  for (const auto& count : done) EXPECT_EQ(count, 1);
  EXPECT_LE(most, 6);
}

TEST(RunLimited, StopsWhenAskedAndThrowsTheFirstException) {
  Limiter limiter(4);
  test::ManualClock clock;
  std::atomic<int> ran = 0;
  run_limited(100, limiter, clock, [&] { return ran < 10; }, [&](size_t) { ++ran; });
  EXPECT_GE(ran, 10);
  EXPECT_LT(ran, 20);
  std::atomic<int> begun = 0;
  const auto failing = [&](size_t) {
    ++begun;
    throw std::runtime_error("the disk is full");
  };
  EXPECT_THROW(run_limited(100, limiter, clock, [] { return true; }, failing), std::runtime_error);
  EXPECT_LE(begun, 4);
}

}  // namespace
}  // namespace mlship
