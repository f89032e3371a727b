// What a ledger holds is not believed: which of its texts may be written, and that no other ever is.
#include "deployers/gate.h"

#include <gtest/gtest.h>

#include "deployers/history.h"
#include "tests/support/memory_ledger.h"

namespace mlship {
namespace {

using test::World;

struct Row {
  std::string from, to;
};

// `from` stands in the object and names 1.4.0, `to` is said to name 1.3.0.
std::string verdict(const Row& row) {
  const test::FakeTarget target("edge");
  Plan plan;
  plan.package = "churn";
  plan.direction = Direction::down;
  return gate(target, {"1:1", row.from, row.to, Form::pin, "1.4.0", "1.3.0", {}}, plan);
}

TEST(Gate, AnotherVersionInTheSamePlacePasses) {
  for (const auto& row : std::vector<Row>{
           {"churn==1.4.0", "churn==1.3.0"},
           {"churn==1.4.0", "churn==1.3"},
           {"/opt/mlship/churn/1.4.0", "/opt/mlship/churn/1.3.0"},
           {"/opt/./mlship/churn/1.4.0", "/opt/./mlship/churn/1.3.0"},
           {"/opt/mlship/./churn/1.4.0", "/opt/mlship/./churn/1.3.0"},
           {"/opt//mlship/churn/./1.4.0", "/opt//mlship/churn/./1.3.0"},
           {"/srv/libs/churn-1.4.0-py3-none-any.whl", "/srv/libs/churn-1.3.0-cp310-cp310-linux_x86_64.whl"},
           {"host:5000/ml/churn:1.4.0", "host:5000/ml/churn:1.3.0"},
           {"com.acme:churn:1.4.0", "com.acme:churn:1.3.0"}}) {
    EXPECT_EQ(verdict(row), "") << row.from << " <- " << row.to;
  }
}

TEST(Gate, NothingElseDoes) {
  for (const auto& row : std::vector<Row>{
           {"/opt/mlship/churn/1.4.0", "/tmp/evil/churn/1.3.0"},
           {"/opt/mlship/churn/1.4.0", "/opt/mlship/../../tmp/churn/1.3.0"},
           {"/opt/mlship/churn/1.4.0", "/opt/mlship/churn/1.3.0/../../evil"},
           {"/opt/mlship/churn/1.4.0", "/opt/evil/9.9"},
           {"/opt/mlship/churn/1.4.0", "/opt/mlship/churn/1.3.0\n* * * * * root sh"},
           {"/opt/mlship/churn/1.4.0", "/opt/mlship/churn/1.3.0;reboot"},
           {"/opt/mlship/churn/1.4.0", "/opt/mlship/churn/$(reboot)/churn/1.3.0"},
           {"/opt/mlship/churn/1.4.0", "/bin/sh -c reboot /opt/mlship/churn/1.3.0"},
           {"/srv/libs/churn-1.4.0-py3-none-any.whl", "/tmp/churn-1.3.0-py3-none-any.whl"},
           {"/srv/libs/churn-1.4.0-py3-none-any.whl", "https://evil.test/churn-1.3.0-py3-none-any.whl"},
           {"churn==1.4.0", "churn @ https://evil.test/churn-1.3.0-py3-none-any.whl"},
           {"churn==1.4.0", "churn==1.3.0 --index-url http://evil.test"},
           {"churn==1.4.0", "churn==1.3.0\nevil==1"},
           {"/opt/mlship/churn/1.4.0", "/opt/mlship/churn/1.3.0\treboot"},
           {"/srv/libs/churn-1.4.0-py3-none-any.whl",
            "/bin/sh\t-c reboot /srv/libs/churn-1.3.0-py3-none-any.whl"},
           {"/srv/libs/churn-1.4.0-py3-none-any.whl", "rm -r /; /srv/libs/churn-1.3.0-py3-none-any.whl"},
           {"churn==1.4.0", "churn-plus==1.3.0"},
           {"churn==1.4.0", "evil==6.6.6"},
           {"churn==1.4.0", "churn==1.2.0"},
           {"churn==1.4.0", "churn>=1.3.0"},
           {"churn==1.4.0", ""},
           {"host/ml/churn:1.4.0", "evil.test/ml/churn:1.3.0"},
           {"com.acme:churn:1.4.0", "com.evil:churn:1.3.0"},
           // What is to be replaced is no reference to the package.
           {"/usr/bin/backup", "/opt/mlship/churn/1.3.0"},
           {"fraud==1.4.0", "churn==1.3.0"},
           {"churn==1.5.0", "churn==1.3.0"}}) {
    EXPECT_NE(verdict(row), "") << row.from << " <- " << row.to;
  }
}

// A workspace: files may lie in several places of it.
class Shelves : public test::FakeTarget {
 public:
  Shelves() : FakeTarget("shelves") {}
  [[nodiscard]] bool may_point_to(const std::string& path, bool old) const override {
    return path.starts_with("/Volumes/lib/") || path.starts_with("file:///Volumes/lib/") ||
           (old && (path.starts_with("/Volumes/") || path.starts_with("file:///dbfs/")));
  }
};

std::string on_shelves(const Row& row) {
  const Shelves target;
  Plan plan;
  plan.package = "churn";
  plan.direction = Direction::down;
  return gate(target, {"a", row.from, row.to, Form::wheel, "1.4.0", "1.3.0", {}}, plan);
}

const std::string old_wheel = "churn-1.3.0-py3-none-any.whl", new_wheel = "churn-1.4.0-py3-none-any.whl";

TEST(Gate, AnyPlaceThatTheGrammarReadsPassesBack) {
  for (const std::string folder :
       {"/Volumes/tab\there/", "/Volumes/churn @ x/n54/", "/Volumes/ churn==1.1.0 /", "/Volumes/\x01/",
        "file:///dbfs/libs/ab/", "/Volumes/churn-1.1.0-py3-none-any.whl/", "/Volumes/it's \"both\"/",
        "/Volumes/-r x/", "/Volumes/# churn/", "  /Volumes/blank ahead/"}) {
    EXPECT_EQ(on_shelves({"/Volumes/lib/" + new_wheel, folder + old_wheel}), "") << folder;
    EXPECT_EQ(on_shelves({"file:///Volumes/lib/" + new_wheel, folder + old_wheel}), "") << folder;
  }
  EXPECT_EQ(on_shelves({"/Volumes/lib/" + new_wheel, "/Volumes/a b/" + old_wheel + " "}), "");
  EXPECT_EQ(on_shelves({"file:///Volumes/lib/" + new_wheel, "file:///dbfs/" + old_wheel + "?t=a#egg=churn"}),
            "");
  EXPECT_EQ(on_shelves({"/Volumes/lib/churn-1.4.0.jar", "/Volumes/tab\there/churn-1.3.0.jar"}), "");
}

TEST(Gate, NoPlaceThatTheTargetDoesNotAllowDoes) {
  for (const auto& to :
       std::vector<std::string>{"/tmp/tab\there/" + old_wheel, "churn @ https://evil.test/" + old_wheel,
                                "churn @ x/Volumes/" + old_wheel, "/Volumes/a\n/Volumes/" + old_wheel,
                                "file:///dbfs/" + old_wheel + "?a --index-url http://evil.test",
                                "--find-links /Volumes/" + old_wheel,
                                "/Volumes/x/fraud-1.3.0-py3-none-any.whl", "/Volumes/x/" + new_wheel}) {
    EXPECT_NE(on_shelves({"/Volumes/lib/" + new_wheel, to}), "") << to;
  }
}

// The recorded plan with other texts, as somebody may push it to a ledger that is shared.
void tamper(World& world, const std::string& id, const std::function<void(Change&)>& change) {
  RolloutRecord& record = world.memory.records.at(id);
  Plan plan = parse_plan(record.plan);
  for (auto& op : plan.operations) {
    for (auto& c : op.changes) change(c);
  }
  finish_plan(plan);
  record.plan = canonical_plan(plan);
}

const std::vector<std::string> hostile = {"evil==6.6.6", "churn==1.3.0 --index-url http://evil.test",
                                          "churn @ https://evil.test/churn-1.3.0-py3-none-any.whl",
                                          "churn==1.3.0\n* * * * * root sh", "/tmp/churn/1.3.0"};

TEST(HostileLedger, WritesNothingWhileReverting) {
  for (const auto& text : hostile) {
    World world;
    world.edge->add("a", {"churn==1.3.0"});
    const auto id = world.rollout("1.4.0").id;
    tamper(world, id, [&](Change& c) { c.from = text; });
    world.memory.append(id, {Json{{"type", "state"}, {"state", "reverting"}, {"seconds", 0}}});
    const auto report = world.go_on(id);
    EXPECT_EQ(report.state, "needs-human") << text;
    EXPECT_EQ(report.results.at(0).outcome, Outcome::conflict) << text;
    EXPECT_EQ(world.texts(), std::vector<std::string>{"churn==1.4.0"});
  }
}

TEST(HostileLedger, WritesNothingOnTheWayForward) {
  for (const auto& text : hostile) {
    World world;
    world.edge->add("a", {"churn==1.3.0"});
    const auto id = world.rollout("1.4.0").id;
    world.memory.append(id, {Json{{"type", "state"}, {"state", "interrupted"}, {"seconds", 0}}});
    world.edge->objects.at("a").texts = {"churn==1.3.0"};
    tamper(world, id, [&](Change& c) { c.to = text, c.to_version = "1.3.0"; });
    const auto report = world.go_on(id);
    EXPECT_EQ(report.results.at(0).outcome, Outcome::conflict) << text;
    EXPECT_EQ(world.texts(), std::vector<std::string>{"churn==1.3.0"});
  }
}

TEST(HostileLedger, WritesNothingOnTheWayBack) {
  for (const auto& text : hostile) {
    World world;
    world.edge->add("a", {"churn==1.3.0"});
    const auto id = world.rollout("1.4.0").id;
    tamper(world, id, [&](Change& c) { c.from = text; });
    const Plan plan = inverse_plan(world.memory, id, world.targets);
    EXPECT_TRUE(plan.operations.empty()) << text;
    ASSERT_EQ(plan.skipped.size(), 1U);
    EXPECT_EQ(plan.skipped[0].reason, Reason::conflict);
  }
}

// An object of another program, named by a plan that was pushed: it is no reference, so it is not touched.
TEST(HostileLedger, ReplacesNothingThatIsNoReference) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  world.edge->add("b", {"numpy==1.26"});
  const auto id = world.rollout("1.4.0").id;
  world.memory.append(id, {Json{{"type", "state"}, {"state", "interrupted"}, {"seconds", 0}}});
  RolloutRecord& record = world.memory.records.at(id);
  Plan plan = parse_plan(record.plan);
  plan.operations[0].object.id = plan.operations[0].object.name = "b";
  plan.operations[0].changes[0].from = "numpy==1.26";
  finish_plan(plan);
  record.plan = canonical_plan(plan);
  EXPECT_EQ(world.go_on(id).results.at(0).outcome, Outcome::conflict);
  EXPECT_EQ(world.edge->objects.at("b").texts, std::vector<std::string>{"numpy==1.26"});
}

}  // namespace
}  // namespace mlship
