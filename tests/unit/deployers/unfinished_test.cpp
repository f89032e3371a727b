// Rollouts that did not end: which they are, who may go on with them, and what putting one back covers.
#include <gtest/gtest.h>

#include "deployers/history.h"
#include "deployers/runner.h"
#include "tests/support/memory_ledger.h"

namespace mlship {
namespace {

using test::Fault;
using test::World;

using Texts = std::vector<std::string>;

struct Interrupted : World {
  explicit Interrupted(const Texts& ids = {"a", "b", "c"}) {
    for (const auto& id : ids) edge->add(id, {"churn==1.3.0"});
  }

  static RunContext careful(OnFailure on_failure = OnFailure::revert) {
    RunContext context = World::context();
    context.execution.waves.wave = 1;
    context.execution.max_failures = 0;
    context.execution.on_failure = on_failure;
    context.environment = "prod";
    return context;
  }
  // Interrupted after that many writes of the target.
  RolloutReport begin(int writes, const RunContext& context) { return begin(plan("1.4.0"), writes, context); }
  RolloutReport begin(const Plan& plan, int writes, const RunContext& context) {
    int done = 0;
    for (auto& target : targets) {
      static_cast<test::FakeTarget&>(*target).after_apply = [this, writes, &done] {
        interrupted = interrupted || ++done >= writes;
      };
    }
    Engine e = engine();
    auto report = execute(e, plan, release(plan.to->str()), context);
    for (auto& target : targets) static_cast<test::FakeTarget&>(*target).after_apply = nullptr;
    interrupted = false;
    return report;
  }
  RolloutReport resumed(const std::string& id, const RunContext& context = careful()) {
    Engine e = engine();
    return resume(e, id, context);
  }
  std::string recorded(const std::string& id) { return show(memory, id).entry.state; }
  ErrorCode refusal(const std::function<void()>& act) {
    try {
      act();
    } catch (const Error& e) {
      message = e.message();
      hint = e.hint_text();
      return e.code();
    }
    return ErrorCode::internal;
  }
  std::string message, hint;
};

Outcome outcome_of(const RolloutReport& report, const std::string& object) {
  for (const auto& row : report.results) {
    if (row.object.id == object) return row.outcome;
  }
  ADD_FAILURE() << object << " is not in the report";
  return Outcome::pending;
}

// ---------------------------------------------------------------- putting back

// A service that asks to come later, more often than a write is sent again.
TEST(Revert, WaitsForAServiceThatAsksToComeLater) {
  for (const int times : {1, 3, 10, 30}) {
    Interrupted world({"a", "b", "c"});
    world.edge->next["c"] = {Fault::refused};
    for (const auto* id : {"a", "b"}) {
      world.edge->next[id] = {Fault::none};
      world.edge->next[id].insert(world.edge->next[id].end(), static_cast<size_t>(times), Fault::throttled);
    }
    Engine engine = world.engine();
    const auto report = execute(engine, world.plan("1.4.0"), world.release("1.4.0"), Interrupted::careful());
    EXPECT_EQ(report.state, "reverted") << times;
    EXPECT_EQ(world.texts(), Texts(3, "churn==1.3.0")) << times;
  }
}

// Of one that never stops asking, or has no effect, the end is said.
TEST(Revert, HasAnEndAndSaysWhatStandsThere) {
  for (const auto fault : {Fault::throttled, Fault::lies, Fault::drop_before, Fault::stale}) {
    Interrupted world({"a", "b"});
    world.edge->next["a"] = {Fault::none};
    world.edge->always["a"] = fault;
    world.edge->next["b"] = {Fault::refused};
    Engine engine = world.engine();
    const auto report = execute(engine, world.plan("1.4.0"), world.release("1.4.0"), Interrupted::careful());
    EXPECT_EQ(report.state, "needs-human");
    EXPECT_EQ(world.texts(), (Texts{"churn==1.4.0", "churn==1.3.0"}));
    EXPECT_NE(report.results.at(0).detail.find("the new text still stands there"), std::string::npos)
        << report.results.at(0).detail;
  }
}

// What cannot be read is not written over: it is read again, and put back when it can be.
TEST(Revert, OfAnObjectThatCannotBeReadForAWhile) {
  for (const int reads : {1, 2, 3, 1'000}) {
    Interrupted world({"a", "b"});
    world.edge->next["b"] = {Fault::refused};
    world.edge->on_write = [&](const std::string& id) {
      if (id == "a" && world.edge->writes == 1) world.edge->objects.at("b").unreadable = 0;
    };
    world.edge->activities = [&](const std::string& id) -> Activity {
      if (id == "b") world.edge->objects.at("a").unreadable = reads;
      return {};
    };
    world.edge->pins = false;
    Engine engine = world.engine();
    const auto report = execute(engine, world.plan("1.4.0"), world.release("1.4.0"), Interrupted::careful());
    EXPECT_EQ(report.state, reads < 4 ? "reverted" : "needs-human") << reads;
    EXPECT_EQ(world.edge->writes, reads < 4 ? 2 : 1) << reads;
  }
}

// ---------------------------------------------------------------- settling

TEST(Settle, ReadsAndRecordsAllOfATargetTogether) {
  World world;
  for (int i = 0; i < 40; ++i) world.edge->add("job-" + std::to_string(i), {"churn==1.3.0"});
  auto* far = world.add_target("far");
  for (int i = 0; i < 3; ++i) far->add("far-" + std::to_string(i), {"churn==1.3.0"});
  world.edge->after_apply = [&] {
    if (world.edge->writes == 30) throw test::Killed{};
  };
  EXPECT_THROW(world.rollout("1.4.0"), test::Killed);
  world.edge->after_apply = {};
  const std::string id = world.memory.records.begin()->first;
  const size_t before = world.memory.records.at(id).entries.size();
  const int appends = world.memory.revision;
  Engine engine = world.engine();
  world.edge->objects.at("job-7").unreadable = 1'000;
  settle_dangling(engine, read_view(world.memory, id));
  EXPECT_EQ(world.memory.records.at(id).entries.size(), before + 42);
  EXPECT_EQ(world.memory.revision, appends + 2);  // one for each target
  ASSERT_FALSE(world.diagnostics.warnings.empty());
  EXPECT_NE(world.diagnostics.warnings.back().find("job-7"), std::string::npos);
  world.edge->objects.at("job-7").unreadable = 0;
  EXPECT_TRUE(world.go_on(id).complete());
}

TEST(Revert, CoversWhatTheRunBeforeWrote) {
  for (int written = 1; written < 4; ++written) {
    Interrupted world({"a", "b", "c", "d"});
    const auto id = world.begin(written, Interrupted::careful()).id;
    world.edge->always["d"] = Fault::refused;
    const auto report = world.resumed(id);
    EXPECT_EQ(report.state, "reverted") << written;
    EXPECT_EQ(world.texts(), Texts(4, "churn==1.3.0")) << written;
    EXPECT_THROW(check_holds(world.memory, "churn", *Version::parse("1.4.0")), Error);
  }
}

TEST(Revert, WhatCannotBeReadIsNotPutBack) {
  Interrupted world;
  const auto id = world.begin(2, Interrupted::careful()).id;
  world.edge->objects.at("a").unreadable = 1'000;
  world.edge->always["c"] = Fault::refused;
  const auto report = world.resumed(id);
  EXPECT_EQ(report.state, "needs-human");
  EXPECT_EQ(outcome_of(report, "a"), Outcome::failed);
  EXPECT_EQ(outcome_of(report, "b"), Outcome::reverted);
  EXPECT_EQ(show(world.memory, id).entry.state, "needs-human");
  // It is looked at again, once it can be read.
  world.edge->objects.at("a").unreadable = 0;
  EXPECT_EQ(world.resumed(id).state, "reverted");
  EXPECT_EQ(world.texts(), Texts(3, "churn==1.3.0"));
}

TEST(Revert, WhatSomebodyElseChangedNeedsAPerson) {
  Interrupted world;
  const auto id = world.begin(2, Interrupted::careful()).id;
  world.edge->objects.at("b").texts = {"churn==9.9.9"};
  world.edge->always["c"] = Fault::refused;
  EXPECT_EQ(world.resumed(id).state, "needs-human");
  EXPECT_EQ(world.texts(), (Texts{"churn==1.3.0", "churn==9.9.9", "churn==1.3.0"}));
}

TEST(Revert, WhatIsGoneNeedsAPerson) {
  Interrupted world;
  const auto id = world.begin(2, Interrupted::careful()).id;
  world.edge->objects.erase("a");
  world.edge->always["c"] = Fault::refused;
  EXPECT_EQ(world.resumed(id).state, "needs-human");
}

TEST(Revert, WhatIsElsewhereWaitsForWhoeverHasIt) {
  Interrupted world({"a"});
  auto* other = world.add_target("other");
  other->add("x", {"churn==1.3.0"});
  const auto id = world.begin(2, Interrupted::careful()).id;
  world.memory.append(id, {Json{{"type", "state"}, {"state", "reverting"}, {"seconds", 0}}});
  auto away = std::move(world.targets.back());
  world.targets.pop_back();
  EXPECT_EQ(world.resumed(id).state, "needs-human");
  EXPECT_EQ(world.texts(), Texts{"churn==1.3.0"});
  world.targets.push_back(std::move(away));
  EXPECT_EQ(world.resumed(id).state, "reverted");
  EXPECT_EQ(world.texts(other), Texts{"churn==1.3.0"});
}

// ---------------------------------------------------------------- who may go on

TEST(Resume, AsksForTheEnvironmentItBeganIn) {
  Interrupted world;
  const auto id = world.begin(1, Interrupted::careful()).id;
  const auto entries = world.memory.records.at(id).entries.size();
  RunContext dev = Interrupted::careful();
  dev.environment = "dev";
  EXPECT_EQ(world.refusal([&] { world.resumed(id, dev); }), ErrorCode::usage);
  EXPECT_NE(world.message.find("in environment 'prod', not in 'dev'"), std::string::npos) << world.message;
  EXPECT_EQ(world.hint, "mlship rollout --resume=" + id + " --env prod");
  EXPECT_EQ(world.memory.records.at(id).entries.size(), entries);
  EXPECT_EQ(world.resumed(id).state, "committed");
}

TEST(Resume, NothingIsLeftOfWhatHasEnded) {
  Interrupted done;
  const auto committed = done.rollout("1.4.0").id;
  EXPECT_EQ(done.refusal([&] { done.resumed(committed); }), ErrorCode::stale_plan);

  Interrupted reverted;
  reverted.edge->always["b"] = Fault::refused;
  Engine e = reverted.engine();
  const auto id = execute(e, reverted.plan("1.4.0"), reverted.release("1.4.0"), Interrupted::careful()).id;
  EXPECT_EQ(reverted.recorded(id), "reverted");
  reverted.edge->always.clear();
  EXPECT_EQ(reverted.refusal([&] { reverted.resumed(id); }), ErrorCode::stale_plan);
  EXPECT_EQ(reverted.texts(), Texts(3, "churn==1.3.0"));

  Interrupted passed;
  const auto old = passed.begin(1, Interrupted::careful()).id;
  passed.rollout("1.4.0");
  EXPECT_EQ(passed.recorded(old), "superseded");
  EXPECT_EQ(passed.refusal([&] { passed.resumed(old); }), ErrorCode::stale_plan);
  EXPECT_EQ(passed.hint, "mlship rollout churn:1.4.0");
}

TEST(Resume, ATargetThatIsNotConfiguredHereIsPendingAndNoFailure) {
  for (const auto on_failure : {OnFailure::freeze, OnFailure::revert, OnFailure::go_on}) {
    Interrupted world({"a", "b"});
    auto* other = world.add_target("other");
    other->add("x", {"churn==1.3.0"});
    const auto id = world.begin(1, Interrupted::careful(on_failure)).id;
    auto away = std::move(world.targets.back());
    world.targets.pop_back();
    const auto report = world.resumed(id);
    EXPECT_EQ(outcome_of(report, "x"), Outcome::pending);
    EXPECT_EQ(report.state, "paused");
    EXPECT_FALSE(report.complete());
    EXPECT_EQ(world.texts(), Texts(2, "churn==1.4.0"));
    EXPECT_EQ(unfinished(world.memory, "prod", "churn"), id);
    EXPECT_TRUE(world.memory.held.empty());
    world.targets.push_back(std::move(away));
    EXPECT_EQ(world.resumed(id).state, "committed");
    EXPECT_EQ(world.texts(other), Texts{"churn==1.4.0"});
  }
}

// ---------------------------------------------------------------- which they are

TEST(Unfinished, EachPackageHasItsOwn) {
  Interrupted world;
  const auto churn = world.begin(1, Interrupted::careful()).id;
  world.source.add("fraud", "1.4.0");
  world.edge->add("f", {"fraud==1.3.0"});
  world.edge->add("g", {"fraud==1.3.0"});
  PlanRequest request = world.request("1.4.0");
  request.release = world.source.releases.at("fraud 1.4.0");
  const auto plan = [&] { return make_plan(request, world.targets, world.source, world.diagnostics); };
  Engine e = world.engine();
  EXPECT_TRUE(execute(e, plan(), request.release, World::context()).complete());
  EXPECT_EQ(unfinished(world.memory, "prod", "churn"), churn);
  EXPECT_EQ(unfinished(world.memory, "prod", "fraud"), std::nullopt);
  const auto all = unfinished_rollouts(world.memory, "prod", "");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].package, "churn");
  EXPECT_EQ(world.resumed(churn).state, "committed");
}

TEST(Unfinished, ARunOnOtherTargetsDoesNotGoPastIt) {
  Interrupted world;
  auto* other = world.add_target("other");
  other->add("x", {"churn==1.3.0"});
  Plan edge_only = world.plan("1.4.0");
  std::erase_if(edge_only.operations, [](const Operation& op) { return op.target != "edge"; });
  finish_plan(edge_only);
  const auto dead = world.begin(edge_only, 1, Interrupted::careful()).id;
  for (const auto* version : {"1.4.0", "1.5.0"}) {
    RunContext context = World::context();
    context.converge = world.request(version);
    context.converge->selection.targets = {"other"};
    const Plan plan = make_plan(*context.converge, world.targets, world.source, world.diagnostics);
    Engine e = world.engine();
    EXPECT_TRUE(execute(e, plan, world.release(version), context).complete());
    EXPECT_EQ(unfinished(world.memory, "prod", "churn"), dead);
  }
  EXPECT_EQ(world.resumed(dead).state, "committed");
  EXPECT_EQ(world.texts(), Texts(3, "churn==1.4.0"));
}

TEST(Unfinished, ARunOverSomeOfItsObjectsDoesNotGoPastIt) {
  Interrupted world;
  const auto dead = world.begin(1, Interrupted::careful()).id;
  const auto roll_out = [&](const std::optional<std::string>& jobs) {
    RunContext context = World::context();
    context.converge = world.request("1.4.0");
    context.converge->selection.jobs = jobs;
    const Plan plan = make_plan(*context.converge, world.targets, world.source, world.diagnostics);
    Engine e = world.engine();
    return execute(e, plan, world.release("1.4.0"), context);
  };
  roll_out("b");
  EXPECT_EQ(unfinished(world.memory, "prod", "churn"), dead);
  roll_out(std::nullopt);
  EXPECT_EQ(unfinished(world.memory, "prod", "churn"), std::nullopt);
}

// Runs beside each other begin in an order that their ids need not show.
TEST(Unfinished, IsFoundBelowManyThatEnded) {
  Interrupted world({"a", "b"});
  auto* other = world.add_target("other");
  other->add("x", {"churn==1.2.0"});
  Plan edge_only = world.plan("1.4.0");
  std::erase_if(edge_only.operations, [](const Operation& op) { return op.target != "edge"; });
  finish_plan(edge_only);
  const auto dead = world.begin(edge_only, 1, Interrupted::careful()).id;
  for (int i = 0; i < 30; ++i) {
    other->objects.at("x").texts = {"churn==1.2.0"};
    RunContext context = World::context();
    context.converge = world.request("1.3.0");
    context.converge->selection.targets = {"other"};
    const Plan plan = make_plan(*context.converge, world.targets, world.source, world.diagnostics);
    Engine e = world.engine();
    ASSERT_TRUE(execute(e, plan, world.release("1.3.0"), context).complete());
  }
  world.memory.reads = 0;
  EXPECT_EQ(unfinished(world.memory, "prod", "churn"), dead);
  EXPECT_LT(world.memory.reads, 12);
}

// ---------------------------------------------------------------- what was not recorded did not happen

// Another runner takes over at the very last entry.
struct RefusesTheEnd : test::MemoryLedger {
  void append(const std::string& rollout, const std::vector<Json>& entries) override {
    if (entries.front().value("type", "") == refused) throw Error(ErrorCode::ledger_busy, "taken over");
    MemoryLedger::append(rollout, entries);
  }
  std::string refused;
};

TEST(Unfinished, ARunWhoseLastEntryIsNotAcceptedIsNotCommitted) {
  for (const auto* refused : {"state", "result", "intent"}) {
    Interrupted world;
    RefusesTheEnd ledger;
    ledger.refused = refused;
    world.ledger = &ledger;
    const auto report = world.rollout("1.4.0");
    EXPECT_EQ(report.state, "taken-over") << refused;
    EXPECT_FALSE(report.complete());
  }
}

}  // namespace
}  // namespace mlship
