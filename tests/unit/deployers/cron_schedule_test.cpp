#include "deployers/cron_schedule.h"

#include <cstdlib>
#include <ctime>

#include <gtest/gtest.h>

#include "core/host/clock.h"

namespace mlship {
namespace {

// The tests say which time zone this machine is in.
class CronSchedule : public ::testing::Test {
 protected:
  static void zone(const char* name) {
    ::setenv("TZ", name, 1);  // NOLINT(concurrency-mt-unsafe): no other thread runs
    ::tzset();
  }
  void TearDown() override {
    ::unsetenv("TZ");  // NOLINT(concurrency-mt-unsafe)
    ::tzset();
  }
  static std::string next(std::string_view schedule, std::int64_t after) {
    const auto at = next_cron_run(schedule, after);
    return at ? rfc3339(*at) : "never";
  }
};

constexpr std::int64_t thursday = 1'795'692'645;  // 2026-11-26T11:30:45Z

TEST_F(CronSchedule, IsTheFirstMinuteThatFits) {
  zone("UTC");
  EXPECT_EQ(rfc3339(thursday), "2026-11-26T11:30:45Z");
  EXPECT_EQ(next("* * * * *", thursday), "2026-11-26T11:31:00Z");
  EXPECT_EQ(next("30 11 * * *", thursday), "2026-11-27T11:30:00Z");
  EXPECT_EQ(next("5 2 * * *", thursday), "2026-11-27T02:05:00Z");
  EXPECT_EQ(next("*/20 9-17 * * mon-fri", thursday), "2026-11-26T11:40:00Z");
  EXPECT_EQ(next("0 9-17/4 * * 1-5", thursday), "2026-11-26T13:00:00Z");
  EXPECT_EQ(next("0 0 1 Jan *", thursday), "2027-01-01T00:00:00Z");
  EXPECT_EQ(next("0 0 29 2 *", thursday), "2028-02-29T00:00:00Z");
  EXPECT_EQ(next("0 12 * * 7", thursday), "2026-11-29T12:00:00Z");
  EXPECT_EQ(next("@hourly", thursday), "2026-11-26T12:00:00Z");
  EXPECT_EQ(next("@monthly", thursday), "2026-12-01T00:00:00Z");
  EXPECT_EQ(next("7,50 * * * *", thursday), "2026-11-26T11:50:00Z");
}

TEST_F(CronSchedule, DayOrWeekdayWhenBothAreRestricted) {
  zone("UTC");
  EXPECT_EQ(next("0 0 1 * fri", thursday), "2026-11-27T00:00:00Z");
  EXPECT_EQ(next("0 0 28 * mon", thursday), "2026-11-28T00:00:00Z");
  EXPECT_EQ(next("0 0 */2 * mon", thursday), "2026-12-07T00:00:00Z");  // `*` first: both must fit
}

TEST_F(CronSchedule, IsInLocalTimeOverTheChangesOfTheClock) {
  zone("Europe/Berlin");
  EXPECT_EQ(next("0 6 * * *", thursday), "2026-11-27T05:00:00Z");
  const std::int64_t before_spring = 1'806'188'400;  // 2027-03-27T23:00:00Z, midnight there
  EXPECT_EQ(rfc3339(before_spring), "2027-03-27T23:00:00Z");
  EXPECT_EQ(next("0 6 * * *", before_spring), "2027-03-28T04:00:00Z");
  EXPECT_EQ(next("30 2 * * *", before_spring), "2027-03-29T00:30:00Z");  // there is no 02:30 on that day
}

TEST_F(CronSchedule, WhatIsNotByTheClockIsNever) {
  zone("UTC");
  for (const auto* schedule :
       {"", "@reboot", "0 0 30 2 *", "60 * * * *", "* * * *", "5-1 * * * *", "*/0 * * * *", "0 0 * * someday",
        "CRON_TZ=Asia/Tokyo 0 6 * * *", "~ * * * *"}) {
    EXPECT_EQ(next(schedule, thursday), "never") << schedule;
  }
}

}  // namespace
}  // namespace mlship
