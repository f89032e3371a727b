#include <gtest/gtest.h>

#include "deployers/plan.h"
#include "deployers/selectors.h"
#include "tests/support/fake_target.h"

namespace mlship {
namespace {

struct Case {
  const char* text;
  const char* to;
  Policy policy;
  Direction direction;
  const char* reason;  // "" = it moves
};

constexpr Policy usual{};
constexpr Policy minor{Compat::minor, false, false};
constexpr Policy any{Compat::any, false, false};
constexpr Policy early{Compat::major, true, false};

class HoldBack : public ::testing::TestWithParam<Case> {};

TEST_P(HoldBack, GivesTheReasonOfTheClosedList) {
  const Case& c = GetParam();
  const auto reason =
      hold_back(test::fake_reference(c.text, Scheme::pep440), *Version::parse(c.to), c.policy, c.direction);
  EXPECT_EQ(reason ? to_string(*reason) : "", c.reason) << c.text << " -> " << c.to;
}

INSTANTIATE_TEST_SUITE_P(
    Table, HoldBack,
    ::testing::Values(Case{"churn==1.3.0", "1.4.0", usual, Direction::up, ""},
                      Case{"churn==1.0.9", "1.0.10", usual, Direction::up, ""},
                      Case{"churn==1.0.10", "1.0.9", usual, Direction::up, "newer"},
                      Case{"churn==1.4", "1.4.0", usual, Direction::up, "same-version"},
                      Case{"churn==1.3.0", "2.0.0", usual, Direction::up, "other-major"},
                      Case{"churn==1.3.0", "2.0.0", any, Direction::up, ""},
                      Case{"churn==1.3.0", "1.4.0", minor, Direction::up, "other-major"},
                      Case{"churn==1.3.0", "1.3.1", minor, Direction::up, ""},
                      Case{"churn==0.3.0", "0.4.0", usual, Direction::up, "other-major"},
                      Case{"churn==0.3.0", "0.3.9", usual, Direction::up, ""},
                      Case{"churn==1.3.0", "1!1.4.0", usual, Direction::up, "other-major"},
                      Case{"churn==1.3.0", "1.4.0rc1", usual, Direction::up, "pre-release"},
                      Case{"churn==1.3.0", "1.4.0rc1", early, Direction::up, ""},
                      Case{"churn==1.4.0rc1", "1.4.0", usual, Direction::up, ""},
                      Case{"churn==1.5.0", "1.4.0", any, Direction::up, "newer"},
                      Case{"churn>=1,<2", "1.4.0", usual, Direction::up, "range"},
                      Case{"churn", "1.4.0", usual, Direction::up, "range"},
                      Case{"churn @ git+https://git.test/churn@v1", "1.4.0", usual, Direction::up, "opaque"},
                      Case{"churn==1.3.0 --hash=sha256:00", "1.4.0", usual, Direction::up, "hash-pinned"},
                      // What would not move anyway does not fall short for its hash.
                      Case{"churn==1.5.0 --hash=sha256:00", "1.4.0", usual, Direction::up, "newer"},
                      Case{"churn==1.4.0", "1.3.0", usual, Direction::down, ""},
                      Case{"churn==2.0.0", "1.3.0", usual, Direction::down, "other-major"},
                      Case{"churn==2.0.0", "1.3.0", any, Direction::down, ""},
                      Case{"churn==0.4.0", "0.3.0", usual, Direction::down, "other-major"},
                      Case{"churn==0.3.9", "0.3.0", usual, Direction::down, ""},
                      Case{"churn==1.4.0", "1.3.0", minor, Direction::down, "other-major"},
                      Case{"churn==1.4.0", "1.4.0rc1", usual, Direction::down, ""},
                      Case{"churn==2.0.0rc1", "2.0.0rc2", early, Direction::up, ""},
                      Case{"churn==1.9.0", "2.0.0rc2", early, Direction::up, "other-major"},
                      Case{"churn==2.0.0", "2.0.0rc2", early, Direction::up, "newer"},
                      Case{"churn==1.3.0", "1.3.0", usual, Direction::down, "same-version"},
                      Case{"churn==1.2.0", "1.3.0", usual, Direction::down, "older"}));

TEST(HoldBackTest, AReferenceWithoutAVersionIsUnpinnedAndByDigestAloneUnresolvable) {
  Reference image;
  image.form = Form::image;
  EXPECT_EQ(hold_back(image, *Version::parse("1.4.0"), usual, Direction::up), Reason::unpinned);
  image.digest = sha256("x");
  EXPECT_EQ(hold_back(image, *Version::parse("1.4.0"), usual, Direction::up), Reason::unresolvable);
}

TEST(Selects, JobsAndServicesAndBoth) {
  const ObjectInfo job{"f:1", "nightly", "cron-entry", "@daily", "", ObjectClass::job};
  const ObjectInfo service{"f:2", "api", "unit", "", "", ObjectClass::service};
  const ObjectInfo file{"f:3", "list", "file", "", "", ObjectClass::both};
  const Selection everything;
  Selection jobs;
  jobs.jobs = "";
  Selection named;
  named.jobs = "night*";
  Selection services;
  services.services = "";
  const auto has = [](const Selection& selection, const ObjectInfo& object) {
    return Chosen(selection).has(object);
  };
  for (const auto* object : {&job, &service, &file}) EXPECT_TRUE(has(everything, *object));
  EXPECT_TRUE(has(jobs, job) && !has(jobs, service) && has(jobs, file));
  EXPECT_TRUE(has(named, job) && !has(named, file));
  EXPECT_TRUE(!has(services, job) && has(services, service) && has(services, file));
}

TEST(Selectors, ANameOrAnIdMeansThatObjectAlone) {
  const auto object = [](const std::string& id, const std::string& name) {
    ObjectInfo info;
    info.id = id;
    info.name = name;
    return info;
  };
  const std::vector<ObjectInfo> there{object("jobs/1", "[prod] a*"),
                                      object("jobs/2", "p abc"),
                                      object("jobs/3", "a"),
                                      object("jobs/12", "nightly"),
                                      object("jobs/4", "12"),
                                      object("jobs/5", "nightly"),
                                      object("/etc/cron.d/x:1", "x:a[1]"),
                                      object("jobs/6", "x:a1"),
                                      object("policies/7", "a?c"),
                                      object("jobs/8", "abc"),
                                      object("jobs/9", "jobs/8")};
  const auto meant = [&](const std::string& selector) {
    Selectors selectors(std::span(&selector, 1));
    for (const auto& each : there) selectors.saw(each);
    std::string ids;
    for (const auto& each : there) {
      if (selectors.mean(each)) ids += (ids.empty() ? "" : " ") + each.id;
    }
    return ids;
  };
  EXPECT_EQ(meant("[prod] a*"), "jobs/1");
  EXPECT_EQ(meant("a?c"), "policies/7");
  EXPECT_EQ(meant("x:a[1]"), "/etc/cron.d/x:1");
  EXPECT_EQ(meant("jobs/8"), "jobs/8");  // an id before a name
  EXPECT_EQ(meant("12"), "jobs/4");      // a name before a number
  EXPECT_EQ(meant("7"), "policies/7");
  EXPECT_EQ(meant("nightly"), "jobs/12 jobs/5");  // who share the name
  EXPECT_EQ(meant("jobs/5"), "jobs/5");
  EXPECT_EQ(meant("a[b]*"), "jobs/8");  // a pattern
  EXPECT_EQ(meant("\\[prod\\] *"), "jobs/1");
  EXPECT_EQ(meant("a\\**"), "");
  EXPECT_EQ(meant("[[]prod*"), "jobs/1");
  EXPECT_EQ(meant("1"), "jobs/1");
}

TEST(FellShort, StrictMakesAnOlderReferenceLeftBehindFallShort) {
  Skipped row;
  row.reason = Reason::other_major;
  EXPECT_FALSE(fell_short(row));
  row.strict = true;
  EXPECT_TRUE(fell_short(row));
  EXPECT_TRUE(fell_short(Reason::no_output));
}

}  // namespace
}  // namespace mlship
