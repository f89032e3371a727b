#include <gtest/gtest.h>

#include "tests/support/memory_ledger.h"

namespace mlship {
namespace {

using test::Fault;
using test::World;

const ObjectResult& result_of(const RolloutReport& report, const std::string& object) {
  for (const auto& r : report.results) {
    if (r.object.id == object) return r;
  }
  throw std::runtime_error("no result for " + object);
}

std::vector<std::string> types(const RolloutRecord& record) {
  std::vector<std::string> all;
  for (const auto& e : record.entries) all.push_back(e.at("type"));
  return all;
}

TEST(Rollout, WritesIntentsBeforeResultsAndEnds) {
  World world;
  world.edge->needs_carrier = true;
  world.edge->add("a", {"churn==1.3.0"});
  const auto report = world.rollout("1.4.0");
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.state, "committed");
  EXPECT_EQ(result_of(report, "a").outcome, Outcome::updated);
  EXPECT_EQ(result_of(report, "a").to, "churn==1.4.0");
  EXPECT_EQ(types(world.memory.read(report.id)),
            (std::vector<std::string>{"carrier-intent", "carrier", "intent", "result", "state"}));
  EXPECT_TRUE(world.edge->carriers.contains("tree:churn==1.4.0"));
}

struct FaultCase {
  const char* name;
  Fault fault;
  Outcome outcome;
  const char* text;  // what stands there afterwards
};
void PrintTo(const FaultCase& c, std::ostream* out) {
  *out << c.name << ": " << to_string(c.outcome) << ", leaves " << c.text;
}
class Faults : public ::testing::TestWithParam<FaultCase> {};

TEST_P(Faults, EachIsOneObjectsOutcomeAndStopsNoOther) {
  World world;
  for (const auto* id : {"a", "b", "c"}) world.edge->add(id, {"churn==1.3.0"});
  world.edge->always["b"] = GetParam().fault;
  const auto report = world.rollout("1.4.0");
  EXPECT_EQ(result_of(report, "b").outcome, GetParam().outcome) << result_of(report, "b").detail;
  EXPECT_EQ(world.edge->objects["b"].texts[0], GetParam().text);
  EXPECT_EQ(result_of(report, "a").outcome, Outcome::updated);
  EXPECT_EQ(result_of(report, "c").outcome, Outcome::updated);
  EXPECT_EQ(report.complete(), GetParam().outcome == Outcome::updated);
  EXPECT_EQ(report.state, report.complete() ? "committed" : "partial");
}

INSTANTIATE_TEST_SUITE_P(
    Table, Faults,
    ::testing::Values(FaultCase{"drop_after", Fault::drop_after, Outcome::updated, "churn==1.4.0"},
                      FaultCase{"drop_before", Fault::drop_before, Outcome::failed, "churn==1.3.0"},
                      FaultCase{"refused", Fault::refused, Outcome::refused, "churn==1.3.0"},
                      FaultCase{"failed", Fault::failed, Outcome::failed, "churn==1.3.0"},
                      FaultCase{"throws", Fault::throws, Outcome::failed, "churn==1.3.0"},
                      FaultCase{"lies", Fault::lies, Outcome::failed, "churn==1.3.0"},
                      FaultCase{"other_text", Fault::other_text, Outcome::conflict, "churn==6.6.6"},
                      FaultCase{"foreign_edit", Fault::foreign_edit, Outcome::conflict, "churn==9.9.9"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Rollout, ALostReplyIsReadBeforeItIsSentAgain) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  world.edge->next["a"] = {Fault::drop_before, Fault::drop_after};
  EXPECT_TRUE(world.rollout("1.4.0").complete());
  EXPECT_EQ(world.edge->writes, 1);
}

TEST(Rollout, AForeignEditBetweenPlanAndRolloutIsAConflictAndKept) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  world.edge->add("b", {"churn==1.3.0"});
  const Plan plan = world.plan("1.4.0");
  world.edge->objects["a"].texts[0] = "churn==1.3.7";
  world.edge->objects["b"].rest = "an unrelated edit";
  const auto report = world.run(plan);
  EXPECT_EQ(result_of(report, "a").outcome, Outcome::conflict);
  EXPECT_EQ(world.edge->objects["a"].texts[0], "churn==1.3.7");
  EXPECT_EQ(result_of(report, "b").outcome, Outcome::updated);
  EXPECT_NE(result_of(report, "b").detail.find("other edits"), std::string::npos);
  EXPECT_EQ(world.edge->objects["b"].rest, "an unrelated edit");
}

TEST(Rollout, WhatIsNewAlreadyIsUnchangedAndAGoneObjectAConflict) {
  World world;
  for (const auto* id : {"a", "b"}) world.edge->add(id, {"churn==1.3.0"});
  const Plan plan = world.plan("1.4.0");
  world.edge->objects["a"].texts[0] = "churn==1.4.0";
  world.edge->objects.erase("b");
  const auto report = world.run(plan);
  EXPECT_EQ(result_of(report, "a").outcome, Outcome::unchanged);
  EXPECT_EQ(result_of(report, "b").outcome, Outcome::conflict);
  EXPECT_EQ(world.edge->writes, 0);
}

TEST(Rollout, AMissingCarrierFailsWhatNeedsItAndWritesNoPointer) {
  World world;
  auto* other = world.add_target("other");
  other->add("z", {"churn==1.3.0"});
  world.edge->add("a", {"churn==1.3.0"});
  world.edge->needs_carrier = true;
  world.edge->carrier_fails = true;
  const auto report = world.rollout("1.4.0");
  EXPECT_EQ(result_of(report, "a").outcome, Outcome::failed);
  EXPECT_NE(result_of(report, "a").detail.find("no space left"), std::string::npos);
  EXPECT_EQ(result_of(report, "z").outcome, Outcome::updated);
  EXPECT_EQ(world.edge->writes, 0);
}

TEST(Rollout, AnEmptyPlanRecordsNothing) {
  World world;
  const auto report = world.rollout("1.4.0");
  EXPECT_TRUE(report.complete());
  EXPECT_TRUE(world.memory.records.empty());
}

TEST(Rollout, ASkippedReferenceThatFellShortIsNotComplete) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  world.edge->add("b", {"churn==1.3.0 --hash=sha256:00"});
  const auto report = world.rollout("1.4.0");
  EXPECT_EQ(report.state, "partial");
  EXPECT_EQ(report.skipped.size(), 1U);
}

TEST(Rollout, AnInterruptFinishesTheWriteInFlight) {
  World world;
  for (const auto* id : {"a", "b", "c"}) world.edge->add(id, {"churn==1.3.0"});
  world.edge->after_apply = [&] { world.interrupted = true; };
  const auto report = world.rollout("1.4.0");
  EXPECT_EQ(report.state, "interrupted");
  EXPECT_EQ(result_of(report, "a").outcome, Outcome::updated);
  EXPECT_EQ(result_of(report, "b").outcome, Outcome::pending);
  EXPECT_EQ(unfinished(world.memory, "prod", "churn"), report.id);
  world.edge->after_apply = {};
  world.interrupted = false;
  EXPECT_TRUE(world.go_on(report.id).complete());
  EXPECT_EQ(unfinished(world.memory, "prod", "churn"), std::nullopt);
}

TEST(Rollout, ConvergesOnJobsThatAppearMeanwhile) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  int made = 0;
  world.edge->after_apply = [&] {
    if (made < 2) world.edge->add("new-" + std::to_string(made++), {"churn==1.2.0"});
  };
  Engine engine = world.engine();
  RunContext context = World::context();
  context.converge = world.request("1.4.0");
  const auto report = execute(engine, world.plan("1.4.0"), world.release("1.4.0"), context);
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.results.size(), 3U);
  EXPECT_EQ(world.texts(), (std::vector<std::string>(3, "churn==1.4.0")));
  EXPECT_TRUE(world.rollback()->complete());  // what convergence added is undone too
  EXPECT_EQ(world.texts(), (std::vector<std::string>{"churn==1.3.0", "churn==1.2.0", "churn==1.2.0"}));
}

TEST(Rollout, AResumedRunSaysWhatIsSkippedNow) {
  World world;
  for (const auto* id : {"a", "b", "mended", "still"}) world.edge->add(id, {"churn==1.3.0"});
  world.edge->destination_skips = {{"mended", Reason::no_output}, {"still", Reason::no_output}};
  world.edge->after_apply = [&] { world.interrupted = true; };
  Engine engine = world.engine();
  RunContext context = World::context();
  context.converge = world.request("1.4.0");
  const auto first = execute(engine, world.plan("1.4.0"), world.release("1.4.0"), context);
  EXPECT_EQ(first.skipped.size(), 2U);
  world.edge->after_apply = {};
  world.interrupted = false;
  world.edge->destination_skips.erase("mended");
  const auto second = world.go_on(first.id);
  ASSERT_EQ(second.skipped.size(), 1U);
  EXPECT_EQ(second.skipped[0].object.id, "still");
  EXPECT_EQ(result_of(second, "mended").outcome, Outcome::updated);
}

TEST(Rollout, ConvergenceEndsAndDoesNotRetryConflicts) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  world.edge->add("stuck", {"churn==1.3.0"});
  world.edge->always["stuck"] = Fault::refused;
  int made = 0;
  world.edge->after_apply = [&] { world.edge->add("new-" + std::to_string(made++), {"churn==1.2.0"}); };
  Engine engine = world.engine();
  RunContext context = World::context();
  context.converge = world.request("1.4.0");
  const auto report = execute(engine, world.plan("1.4.0"), world.release("1.4.0"), context);
  EXPECT_EQ(report.state, "partial");
  EXPECT_EQ(report.results.size(), 5U);  // a, stuck and three passes of one
  ASSERT_EQ(report.skipped.size(), 1U);
  EXPECT_EQ(report.skipped[0].reason, Reason::busy);
}

TEST(Rollout, AFullDiskEndsTheRunWithTheCommandThatGoesOn) {
  for (int n = 1; n < 8; ++n) {
    World world;
    for (const auto* id : {"a", "b"}) world.edge->add(id, {"churn==1.3.0"});
    world.memory.fails_after = n;
    try {
      EXPECT_TRUE(world.rollout("1.4.0").complete());
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::disk_full);
      const auto id = unfinished(world.memory, "prod", "churn").value();
      EXPECT_EQ(e.hint_text(), "mlship rollout --resume=" + id);
      EXPECT_TRUE(world.go_on(id).complete());
    }
    EXPECT_EQ(world.texts(), (std::vector<std::string>(2, "churn==1.4.0")));
  }
}

TEST(Rollout, IdsSortByTimeEvenWithinASecondOrWhenTheClockGoesBack) {
  World world;
  world.edge->add("a", {"churn==1.2.0"});
  const auto first = world.rollout("1.3.0").id;
  world.clock.time = 1;
  const auto second = world.rollout("1.4.0").id;
  EXPECT_LT(first, second);
  EXPECT_EQ(last_rollout(world.memory, "prod", "churn"), second);
}

}  // namespace
}  // namespace mlship
