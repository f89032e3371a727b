#include <gtest/gtest.h>

#include "deployers/attempt.h"
#include "deployers/history.h"
#include "tests/support/memory_ledger.h"

namespace mlship {
namespace {

using test::Fault;
using test::World;

using Texts = std::vector<std::string>;

TEST(Rollback, PutsTheExactTextsBackAndHoldsTheVersion) {
  World world;
  world.edge->add("a", {"churn==1.3", "churn==1.2.0"});  // 1.3 is another spelling of 1.3.0
  world.edge->add("b", {"churn==1.3.0"});
  world.edge->add("c", {"churn==1.4.0"});  // somebody else's work: stays
  world.rollout("1.4.0");
  const auto report = world.rollback().value();
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(world.texts(), (Texts{"churn==1.3", "churn==1.2.0", "churn==1.3.0", "churn==1.4.0"}));
  ASSERT_EQ(world.memory.held.size(), 1U);
  EXPECT_EQ(world.memory.held[0].version.str(), "1.4.0");
  EXPECT_EQ(world.memory.held[0].why, report.id);
  try {
    world.rollout("1.4.0");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::version_held);
    EXPECT_EQ(e.hint_text(), "mlship rollback churn:1.4.0 --release-hold");
  }
  world.memory.release_hold("churn", *Version::parse("1.4.0"), "ada");
  EXPECT_TRUE(world.rollout("1.4.0").complete());
}

TEST(Rollback, RunAgainGoesNoFurtherBack) {
  World world;
  world.edge->add("a", {"churn==1.2.0"});
  const auto first = world.rollout("1.3.0").id;
  const auto second = world.rollout("1.4.0").id;
  world.rollback();
  for (int retried = 0; retried < 2; ++retried) {
    EXPECT_EQ(world.rollback(), std::nullopt);
    EXPECT_EQ(world.texts(), Texts{"churn==1.3.0"});
  }
  EXPECT_EQ(world.memory.held.size(), 1U);
  const Undoable found = undoable(world.memory, "prod", "churn");
  EXPECT_EQ(found.undone, second);
  EXPECT_EQ(found.rollout, first);
  world.run(inverse_plan(world.memory, first, world.targets), "rollback");
  EXPECT_EQ(world.texts(), Texts{"churn==1.2.0"});
  EXPECT_EQ(world.rollback(), std::nullopt);
}

TEST(Rollback, GoesNoFurtherBackWhateverWayTheLastRolloutWasUndone) {
  const auto after = [](const std::function<void(World&, const std::string& last)>& undo) {
    World world;
    for (const auto* id : {"a", "b"}) world.edge->add(id, {"churn==1.2.0"});
    world.rollout("1.3.0");
    const auto last = world.rollout("1.4.0").id;
    undo(world, last);
    EXPECT_EQ(world.rollback(), std::nullopt);
    EXPECT_EQ(world.texts(), (Texts{"churn==1.3.0", "churn==1.3.0"}));
  };
  after(
      [](World& world, const std::string&) { world.run(world.plan("1.3.0", Direction::down), "rollback"); });
  after([](World& world, const std::string& last) {
    for (const auto* one : {"a", "b"})
      world.run(inverse_plan(world.memory, last, world.targets, {{one}, {}, {}}), "rollback");
  });
  after([](World& world, const std::string&) {  // and the rollout before it run again, which finds it done
    world.rollback();
    world.rollout("1.3.0");
  });
  after([](World& world, const std::string& last) {  // or was run in between, where it could not go down
    world.rollout("1.3.0");
    world.run(inverse_plan(world.memory, last, world.targets), "rollback");
  });
}

TEST(Rollback, IsAboutTheRolloutThatCameAfterAnUndoing) {
  World world;
  world.edge->add("a", {"churn==1.2.0"});
  world.rollout("1.3.0");
  world.rollout("1.4.0");
  world.rollback();
  world.rollout("1.5.0");
  EXPECT_TRUE(world.rollback().value().complete());
  EXPECT_EQ(world.texts(), Texts{"churn==1.3.0"});
}

TEST(Rollback, ReversesTheOrder) {
  World world;
  for (const auto* id : {"a", "b", "c"}) world.edge->add(id, {"churn==1.3.0"});
  const auto id = world.rollout("1.4.0").id;
  const Plan plan = inverse_plan(world.memory, id, world.targets);
  ASSERT_EQ(plan.operations.size(), 3U);
  EXPECT_EQ(plan.operations.front().object.id, "c");
  EXPECT_EQ(plan.inverse_of, id);
  EXPECT_TRUE(plan.carriers.empty());
}

TEST(Rollback, LeavesWhatSomebodyElseChangedSinceAndReportsIt) {
  World world;
  world.edge->add("a", {"churn==1.3.0", "churn==1.3.0"});
  world.edge->add("b", {"churn==1.3.0"});
  world.edge->add("c", {"churn==1.3.0"});
  world.rollout("1.4.0");
  world.edge->objects["a"].texts[1] = "churn==1.4.1";
  world.edge->objects["b"].rest = "kept";
  world.edge->objects.erase("c");
  const auto report = world.rollback().value();
  EXPECT_EQ(world.texts(), (Texts{"churn==1.3.0", "churn==1.4.1", "churn==1.3.0"}));
  EXPECT_EQ(world.edge->objects["b"].rest, "kept");
  EXPECT_EQ(report.skipped.size(), 2U);
  EXPECT_EQ(report.skipped[0].reason, Reason::conflict);
  EXPECT_FALSE(report.complete());
  // It is not done: the same command again means the same rollout, and says the same of what is not ours.
  EXPECT_FALSE(world.rollback().value().complete());
  EXPECT_EQ(world.texts(), (Texts{"churn==1.3.0", "churn==1.4.1", "churn==1.3.0"}));
}

// What may stand in the way of a rollback's write; the next one finds the way free.
class RetriedRollback : public ::testing::TestWithParam<Fault> {};

TEST_P(RetriedRollback, UndoesTheSameRolloutAgainAndNotTheOneBefore) {
  World world;
  world.edge->add("a", {"churn==1.2.0"});
  world.edge->add("b", {"churn==1.2.0"});
  world.rollout("1.3.0");
  world.edge->objects["a"].texts[0] = "numpy==1.0";  // the second rollout never sees a
  world.rollout("1.4.0");
  world.edge->objects["a"].texts[0] = "churn==1.3.0";
  world.edge->always["b"] = GetParam();
  EXPECT_FALSE(world.rollback().value().complete());
  EXPECT_EQ(world.memory.held.at(0).version.str(), "1.4.0");
  world.edge->always.clear();
  world.edge->objects["b"].texts[0] = "churn==1.4.0";
  EXPECT_TRUE(world.rollback().value().complete());
  EXPECT_EQ(world.texts(), (Texts{"churn==1.3.0", "churn==1.3.0"}));
}

INSTANTIATE_TEST_SUITE_P(Faults, RetriedRollback,
                         ::testing::Values(Fault::foreign_edit, Fault::refused, Fault::failed, Fault::stale));

TEST(Rollback, OfWhatSomebodyHadInHandsMeanwhileIsTriedAgain) {
  World world;
  world.edge->add("a", {"churn==1.2.0"});
  world.rollout("1.3.0");
  world.rollout("1.4.0");
  world.edge->objects["a"].texts[0] = "churn==1.4.0.dev1";  // an experiment
  EXPECT_FALSE(world.rollback().value().complete());
  world.edge->objects["a"].texts[0] = "churn==1.4.0";
  EXPECT_TRUE(world.rollback().value().complete());
  EXPECT_EQ(world.texts(), Texts{"churn==1.3.0"});
}

TEST(Rollback, AfterARolloutThatChangedNothingHasNothingToUndo) {
  const auto after = [](const std::function<void(World&)>& last) {
    World world;
    world.edge->add("a", {"churn==1.2.0"});
    world.rollout("1.3.0");
    const auto good = world.rollout("1.4.0").id;
    last(world);
    EXPECT_EQ(world.rollback(), std::nullopt);
    EXPECT_EQ(world.texts(), Texts{"churn==1.4.0"});
    EXPECT_TRUE(world.memory.held.empty());
    const Undoable found = undoable(world.memory, "prod", "churn");
    EXPECT_EQ(found.rollout, good);
    EXPECT_FALSE(found.empty.empty());
  };
  after([](World& world) { world.rollout("2.0.0"); });  // outside compat
  after([](World& world) {                              // the same again, and it falls short
    world.edge->add("z", {"churn==1.3.0"});
    world.edge->destination_skips["z"] = Reason::no_permission;
    EXPECT_FALSE(world.rollout("1.4.0").complete());
    world.edge->objects.erase("z");
  });
  after([](World& world) {  // every night, and one record of it is enough
    for (int night = 0; night < 3; ++night) world.rollout("2.0.0");
    EXPECT_EQ(world.memory.records.size(), 3U);
  });
  after([](World& world) {
    world.edge->always["a"] = Fault::refused;
    EXPECT_FALSE(world.rollout("1.5.0").complete());
  });
  after([](World& world) {
    world.edge->destination_skips["a"] = Reason::no_output;
    EXPECT_FALSE(world.rollout("1.5.0").complete());
  });
}

TEST(Rollback, AfterTheSameRolloutAgainUndoesIt) {
  World world;
  world.edge->add("a", {"churn==1.2.0"});
  world.rollout("1.3.0");
  world.rollout("1.4.0");
  EXPECT_TRUE(world.rollout("1.4.0").complete());  // a pipeline run again
  EXPECT_EQ(world.memory.records.size(), 2U);
  EXPECT_TRUE(world.rollback().value().complete());
  EXPECT_EQ(world.texts(), Texts{"churn==1.3.0"});
}

TEST(Rollback, AfterTheRestOfAPartialRolloutFellShortAgainUndoesIt) {
  World world;
  world.edge->add("a", {"churn==1.2.0"});
  world.edge->add("b", {"churn==1.2.0"});
  world.edge->always["b"] = Fault::refused;
  EXPECT_EQ(world.rollout("1.3.0").state, "partial");
  EXPECT_EQ(world.rollout("1.3.0").state, "partial");
  EXPECT_TRUE(world.rollback().value().complete());
  EXPECT_EQ(world.texts(), (Texts{"churn==1.2.0", "churn==1.2.0"}));
}

TEST(Rollback, WithNothingToUndoBeforeIsNotRecordedForEver) {
  World world;
  world.edge->add("a", {"churn==1.4.0"});
  world.rollout("1.4.0");
  EXPECT_TRUE(world.memory.records.empty());
}

TEST(Rollback, HoldsTheVersionThatItCannotLeave) {
  const auto stuck = [](const std::function<void(World&)>& way) {
    World world;
    world.edge->add("a", {"churn==1.3.0"});
    world.rollout("1.4.0");
    way(world);
    EXPECT_FALSE(world.rollback().value().complete());
    ASSERT_EQ(world.memory.held.size(), 1U);
    EXPECT_EQ(world.memory.held[0].version.str(), "1.4.0");
    EXPECT_THROW(check_holds(world.memory, "churn", *Version::parse("1.4.0")), Error);
  };
  stuck([](World& world) { world.edge->missing_places = {"churn==1.3.0"}; });
  stuck([](World& world) { world.edge->objects["a"].texts[0] = "churn==1.4.1"; });
  stuck([](World& world) { world.edge->objects.erase("a"); });
  stuck([](World& world) { world.edge->always["a"] = Fault::refused; });
}

TEST(Rollback, ThatFindsTheOldTextsThereHoldsNothing) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  world.rollout("1.4.0");
  world.edge->objects["a"].texts[0] = "churn==1.3.0";  // by hand
  EXPECT_TRUE(world.rollback().value().complete());
  EXPECT_TRUE(world.memory.held.empty());
}

TEST(Rollback, OfSomeObjectsLeavesTheRestOfTheSameRolloutForTheNextOne) {
  World world;
  world.edge->add("a", {"churn==1.2.0"});
  world.edge->add("b", {"churn==1.2.0"});
  world.rollout("1.3.0");
  const auto id = world.rollout("1.4.0").id;
  Plan plan = inverse_plan(world.memory, id, world.targets);
  plan.operations.resize(1);
  finish_plan(plan);
  world.run(plan, "rollback");
  EXPECT_EQ(world.texts(), (Texts{"churn==1.4.0", "churn==1.3.0"}));
  world.rollback();
  EXPECT_EQ(world.texts(), (Texts{"churn==1.3.0", "churn==1.3.0"}));
}

TEST(Rollback, OnlyUndoesWhatTheRolloutDid) {
  World world;
  for (const auto* id : {"a", "b"}) world.edge->add(id, {"churn==1.3.0"});
  world.edge->always["b"] = Fault::refused;
  world.rollout("1.4.0");
  world.edge->objects["b"].texts[0] = "churn==1.4.0";  // done by hand afterwards
  world.edge->always.clear();
  world.rollback();
  EXPECT_EQ(world.texts(), (Texts{"churn==1.3.0", "churn==1.4.0"}));
}

TEST(Rollback, WhereNothingCanBeReadTheReasonIsAnErrorAndElseARow) {
  World world;
  for (const auto* id : {"a", "b"}) world.edge->add(id, {"churn==1.3.0"});
  const auto id = world.rollout("1.4.0").id;
  for (auto& [name, object] : world.edge->objects) object.unreadable = 2;
  EXPECT_THROW(inverse_plan(world.memory, id, world.targets), Error);
  world.edge->objects["a"].unreadable = 0;
  world.edge->objects["b"].unreadable = 2;
  const Plan plan = inverse_plan(world.memory, id, world.targets);
  EXPECT_EQ(plan.operations.size(), 1U);
  ASSERT_EQ(plan.skipped.size(), 1U);
  EXPECT_EQ(plan.skipped[0].reason, Reason::unresolvable);
}

TEST(Rollback, WhatIsNotSelectedIsNotEvenRead) {
  World world;
  auto* far = world.add_target("far");
  world.edge->add("a", {"churn==1.3.0"});
  world.edge->add("b", {"churn==1.3.0"});
  far->add("c", {"churn==1.3.0"});
  const auto id = world.rollout("1.4.0").id;
  far->objects["c"].unreadable = 1000;
  const Plan here = inverse_plan(world.memory, id, world.targets, {{}, {}, {"edge"}});
  EXPECT_EQ(here.operations.size(), 2U);
  EXPECT_TRUE(here.skipped.empty());
  const Plan one = inverse_plan(world.memory, id, world.targets, {"b", {}, {}});
  ASSERT_EQ(one.operations.size(), 1U);
  EXPECT_EQ(one.operations[0].object.id, "b");
}

// Three objects on 1.3.0 and a rollout of 1.4.0 that ends after its first write: the rollout's id.
std::string cut_short(World& world) {
  for (const auto* id : {"a", "b", "c"}) world.edge->add(id, {"churn==1.3.0"});
  world.edge->after_apply = [&] { world.interrupted = true; };
  const auto id = world.rollout("1.4.0").id;
  world.edge->after_apply = {};
  world.interrupted = false;
  return id;
}

TEST(Rollback, KnowsWhatRunsThatWereCutShortChangedBeforeIt) {
  World world;
  const auto first = cut_short(world);
  const auto second = world.rollout("1.4.0").id;
  const auto before = [&](const std::string& id) {
    return cut_short_before(world.memory, {"prod", "churn"}, id);
  };
  ASSERT_EQ(before(second).size(), 1U);
  EXPECT_EQ(before(second)[0].id, first);
  EXPECT_EQ(before(second)[0].objects, 1U);
  EXPECT_TRUE(before(first).empty());
  world.run(inverse_plan(world.memory, first, world.targets), "rollback");
  EXPECT_TRUE(before(second).empty());
}

TEST(Rollback, WhatEndedBeforeItBeganHidesNoRunThatWasCutShort) {
  World world;
  const auto first = cut_short(world);
  for (const auto* version : {"1.5.0", "2.0.0"}) {
    Plan asked;
    asked.environment = "prod";
    asked.package = "churn";
    asked.to = Version::parse(version);
    record_failed(world.memory, world.clock, world.diagnostics, asked, World::context());
  }
  EXPECT_EQ(world.memory.records.size(), 2U);
  const auto second = world.rollout("1.4.0").id;
  const auto before = cut_short_before(world.memory, {"prod", "churn"}, second);
  ASSERT_EQ(before.size(), 1U);
  EXPECT_EQ(before[0].id, first);
}

TEST(Rollback, WhatWasRefusedEverywhereHidesNoRunThatWasCutShort) {
  for (const auto fault : {Fault::refused, Fault::failed, Fault::foreign_edit}) {
    World world;
    const auto first = cut_short(world);
    world.edge->always = {{"b", fault}, {"c", fault}};
    world.rollout("1.4.0");
    world.edge->always = {};
    for (const auto* id : {"b", "c"}) world.edge->objects[id].texts = {"churn==1.3.0"};
    const auto last = world.rollout("1.4.0").id;
    ASSERT_EQ(world.memory.records.size(), 3U);
    const auto before = cut_short_before(world.memory, {"prod", "churn"}, last);
    ASSERT_EQ(before.size(), 1U);
    EXPECT_EQ(before[0].id, first);
  }
}

TEST(Rollback, OldArtifactsAreCheckedFirst) {
  World world;
  world.edge->add("a", {"churn==1.2.0"});
  world.edge->add("b", {"churn==1.3.0"});
  world.rollout("1.4.0");
  world.edge->missing_places = {"churn==1.2.0"};
  const auto report = world.rollback().value();
  EXPECT_EQ(world.texts(), (Texts{"churn==1.4.0", "churn==1.3.0"}));
  ASSERT_EQ(report.skipped.size(), 1U);
  EXPECT_EQ(report.skipped[0].reason, Reason::no_output);
}

TEST(Rollback, OfARolloutThatWentOnMeanwhileIsRefused) {
  World world;
  for (const auto* id : {"a", "b"}) world.edge->add(id, {"churn==1.3.0"});
  world.edge->after_apply = [&] { world.interrupted = true; };
  const auto id = world.rollout("1.4.0").id;
  world.edge->after_apply = {};
  world.interrupted = false;
  RunContext context = World::context("rollback");
  context.undoes = {touched_operations(world.memory, id), {}};
  const Plan plan = inverse_plan(world.memory, id, world.targets);
  world.go_on(id);
  Engine engine = world.engine();
  try {
    execute(engine, plan, {}, context);
    FAIL() << "half of it would stay";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::stale_plan);
  }
  EXPECT_EQ(world.texts(), (Texts{"churn==1.4.0", "churn==1.4.0"}));
  context.undoes = {touched_operations(world.memory, id), {}};
  EXPECT_TRUE(execute(engine, inverse_plan(world.memory, id, world.targets), {}, context).complete());
  EXPECT_EQ(world.texts(), (Texts{"churn==1.3.0", "churn==1.3.0"}));
}

TEST(Rollback, ByIdAndNeverOfARollback) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  const auto id = world.rollout("1.4.0").id;
  const auto back = world.run(inverse_plan(world.memory, id, world.targets), "rollback");
  EXPECT_TRUE(inverse_plan(world.memory, id, world.targets).operations.empty());
  EXPECT_THROW(inverse_plan(world.memory, back.id, world.targets), Error);
  EXPECT_THROW(inverse_plan(world.memory, "nope", world.targets), Error);
}

TEST(Rollback, AHostileLedgerTextIsNotWrittenIntoAJob) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  const auto id = world.rollout("1.4.0").id;
  Plan plan = parse_plan(world.memory.records.at(id).plan);
  for (const std::string& text :
       {std::string("churn==1.2.0"), std::string("evil==1.3.0"), std::string("rm -rf /")}) {
    plan.operations[0].changes[0].from = text;
    finish_plan(plan);
    world.memory.records.at(id).plan = canonical_plan(plan);
    const Plan inverse = inverse_plan(world.memory, id, world.targets);
    EXPECT_TRUE(inverse.operations.empty()) << text;
    EXPECT_EQ(inverse.skipped.at(0).reason, Reason::conflict);
  }
}

TEST(RollbackTo, GoesDownAndRestoresTheLedgersTexts) {
  World world;
  world.edge->add("a", {"churn==1.3"});
  world.edge->add("b", {"churn==1.2.0"});
  world.rollout("1.4.0");
  world.rollout("1.5.0");
  world.edge->add("old", {"churn==1.2.0"});
  world.edge->add("new", {"churn==2.0.0"});
  const Plan plan = world.plan("1.3.0", Direction::down);
  const auto report = world.run(plan, "rollback");
  EXPECT_EQ(report.state, "committed");
  // a had 1.3, spelled so; b was never at 1.3.0: generated; old stands below, new is another major version.
  EXPECT_EQ(world.texts(), (Texts{"churn==1.3", "churn==1.3.0", "churn==2.0.0", "churn==1.2.0"}));
  std::set<std::string> held;
  for (const auto& hold : world.memory.held) held.insert(hold.version.str());
  EXPECT_EQ(held, std::set<std::string>{"1.5.0"});
  EXPECT_EQ(world.rollback(), std::nullopt);  // the rollouts above 1.3.0 are history
}

TEST(RollbackTo, WhatSharesANameKeepsItsOwnTextWhereIdsLast) {
  World world;
  world.edge->lasting_ids = true;
  world.edge->add("jobs/31", {"churn==1.3"}).info.name = "nightly";
  world.edge->add("jobs/32", {"churn==1.3.0.0"}).info.name = "nightly";
  world.rollout("1.4.0");
  world.edge->add("jobs/33", {"churn==1.4.0"}).info.name = "nightly";
  EXPECT_TRUE(world.run(world.plan("1.3.0", Direction::down), "rollback").complete());
  EXPECT_EQ(world.texts(), (Texts{"churn==1.3", "churn==1.3.0.0", "churn==1.3.0"}));
}

TEST(RollbackTo, CatchesWhatMovesUpMeanwhile) {
  World world;
  for (const auto* id : {"a", "b"}) world.edge->add(id, {"churn==1.4.0"});
  world.edge->objects["b"].texts[0] = "churn==1.2.0";
  world.edge->after_apply = [&] {
    if (world.edge->writes == 1) world.edge->objects["b"].texts[0] = "churn==1.4.0";
  };
  Engine engine = world.engine();
  RunContext context = World::context("rollback");
  context.converge = world.request("1.3.0", Direction::down);
  const Plan plan = world.plan("1.3.0", Direction::down);
  EXPECT_TRUE(execute(engine, plan, world.release("1.3.0"), context).complete());
  EXPECT_EQ(world.texts(), (Texts{"churn==1.3.0", "churn==1.3.0"}));
}

TEST(RollbackTo, MovesOnlyWhatItsPolicyAllowsAndRegistryOrLedgerKnow) {
  World world;
  world.edge->add("by-hand", {"churn==1.9.0"});
  world.edge->add("major", {"churn==2.0.0"});
  world.edge->add("ours", {"churn==1.5.0"});
  world.edge->add("pinned", {"churn==1.5.0 --hash=sha256:00"});
  world.edge->add("unknown-major", {"churn==2.1.0"});
  const auto reasons = [](const Plan& plan) {
    std::map<std::string, std::string> all;
    for (const auto& row : plan.skipped) all[row.object.id] = to_string(row.reason);
    return all;
  };
  using Reasons = std::map<std::string, std::string>;
  const Plan plan = world.plan("1.4.0", Direction::down);
  ASSERT_EQ(plan.operations.size(), 1U);
  EXPECT_EQ(plan.operations[0].object.id, "ours");
  EXPECT_EQ(reasons(plan), (Reasons{{"by-hand", "newer"},
                                    {"major", "other-major"},
                                    {"pinned", "hash-pinned"},
                                    {"unknown-major", "other-major"}}));
  PlanRequest request = world.request("1.4.0", Direction::down);
  request.compat = Compat::any;
  const Plan all = make_plan(request, world.targets, world.source, world.diagnostics);
  EXPECT_EQ(all.operations.size(), 2U);
  EXPECT_EQ(reasons(all),
            (Reasons{{"by-hand", "newer"}, {"pinned", "hash-pinned"}, {"unknown-major", "newer"}}));
}

TEST(RollbackTo, MovesAVersionThatOnlyTheLedgerKnows) {
  World world;
  world.edge->add("a", {"churn==1.4.7"});  // no registry has it
  world.rollout("1.5.0");
  world.edge->add("b", {"churn==1.4.7"});
  EXPECT_TRUE(world.run(world.plan("1.4.0", Direction::down), "rollback").complete());
  EXPECT_EQ(world.texts(), (Texts{"churn==1.4.0", "churn==1.4.0"}));
}

TEST(RollbackTo, LeavesRolloutsThatItDidNotTouchToBeUndone) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  world.edge->add("b", {"churn==2.0.0"});
  world.source.add("churn", "2.0.1");
  const auto theirs = world.rollout("2.0.1").id;
  world.rollout("1.4.0");
  EXPECT_TRUE(world.run(world.plan("1.3.0", Direction::down), "rollback").complete());
  EXPECT_EQ(undoable(world.memory, "prod", "churn").rollout, theirs);
}

TEST(RollbackTo, AHeldVersionIsRefusedWithTheCommandThatReleasesIt) {
  World world;
  world.memory.put_hold({"churn", *Version::parse("1.4.0"), "x", 1});
  try {
    check_holds(world.memory, "churn", *Version::parse("1.4.0"), Direction::down);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::version_held);
    EXPECT_EQ(e.message(), "cannot roll churn back to 1.4.0: it is held since it was rolled back");
    EXPECT_EQ(e.hint_text(), "mlship rollback churn:1.4.0 --release-hold");
  }
}

TEST(RollbackTo, NothingAboveIsNothingToDo) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  EXPECT_TRUE(world.plan("1.3.0", Direction::down).operations.empty());
  EXPECT_EQ(world.plan("1.4.0", Direction::down).skipped.at(0).reason, Reason::older);
}

TEST(RollbackTo, WorksWithoutALedgerHistory) {
  World world;
  world.edge->add("a", {"churn==1.5.0"});  // shipped before mlship was there
  EXPECT_TRUE(world.run(world.plan("1.4.0", Direction::down), "rollback").complete());
  EXPECT_EQ(world.texts(), Texts{"churn==1.4.0"});
}

}  // namespace
}  // namespace mlship
