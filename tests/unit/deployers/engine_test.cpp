// How a rollout goes about it: waves, failures, proof, running work, dependencies, many writes at once.
#include <gtest/gtest.h>

#include "core/host/fs.h"
#include "tests/support/memory_ledger.h"

namespace mlship {
namespace {

using test::Fault;
using test::World;
using Texts = std::vector<std::string>;

RolloutReport roll(World& world, const Execution& execution, std::span<const ObjectSection> objects = {}) {
  Engine engine = world.engine();
  engine.objects = objects;
  RunContext context = World::context();
  context.execution = execution;
  return execute(engine, world.plan("1.4.0"), world.release("1.4.0"), context);
}

std::map<std::string, Outcome> outcomes(const RolloutReport& report) {
  std::map<std::string, Outcome> all;
  for (const auto& r : report.results) all[r.object.id] = r.outcome;
  return all;
}

Execution careful(OnFailure on_failure, size_t wave = 1, size_t max_failures = 0) {
  Execution e;
  e.waves.wave = wave;
  e.on_failure = on_failure;
  e.max_failures = max_failures;
  return e;
}

struct Three : World {
  Three() {
    for (const auto* id : {"a", "b", "c"}) edge->add(id, {"churn==1.3.0"});
  }
};

TEST(Failures, FreezeLeavesTheRestAndResumingGoesOn) {
  Three world;
  world.edge->always["b"] = Fault::refused;
  const auto report = roll(world, careful(OnFailure::freeze));
  EXPECT_EQ(report.state, "paused");
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(world.texts(), (Texts{"churn==1.4.0", "churn==1.3.0", "churn==1.3.0"}));
  EXPECT_EQ(outcomes(report).at("c"), Outcome::pending);
  world.edge->always.clear();
  const auto later = world.go_on(unfinished(world.memory, "prod", "churn").value());
  EXPECT_TRUE(later.complete());
  EXPECT_EQ(world.texts(), Texts(3, "churn==1.4.0"));
}

TEST(Failures, RevertPutsEverythingBackAndHoldsTheVersion) {
  Three world;
  world.edge->always["b"] = Fault::refused;
  const auto report = roll(world, careful(OnFailure::revert));
  EXPECT_EQ(report.state, "reverted");
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(world.texts(), Texts(3, "churn==1.3.0"));
  EXPECT_EQ(outcomes(report).at("a"), Outcome::reverted);
  EXPECT_THROW(check_holds(world.memory, "churn", *Version::parse("1.4.0")), Error);
  EXPECT_EQ(unfinished(world.memory, "prod", "churn"), std::nullopt);
  EXPECT_EQ(last_rollout(world.memory, "prod", "churn"), std::nullopt);
}

TEST(Failures, ContinueAndAHigherLimitGoOn) {
  for (const auto& execution : {careful(OnFailure::go_on), careful(OnFailure::revert, 1, 1)}) {
    Three world;
    world.edge->always["b"] = Fault::refused;
    EXPECT_EQ(roll(world, execution).state, "partial");
    EXPECT_EQ(world.texts(), (Texts{"churn==1.4.0", "churn==1.3.0", "churn==1.4.0"}));
  }
}

TEST(Failures, ARevertThatMeetsAForeignEditKeepsItAndAsksForAPerson) {
  Three world;
  world.edge->always["c"] = Fault::refused;
  world.edge->after_apply = [&] {
    if (world.edge->writes == 2) world.edge->objects["a"].texts[0] = "churn==9.9.9";
  };
  const auto report = roll(world, careful(OnFailure::revert));
  EXPECT_EQ(report.state, "needs-human");
  EXPECT_EQ(world.texts(), (Texts{"churn==9.9.9", "churn==1.3.0", "churn==1.3.0"}));
  EXPECT_EQ(outcomes(report).at("a"), Outcome::conflict);
  EXPECT_EQ(outcomes(report).at("b"), Outcome::reverted);
}

TEST(Failures, AKilledRevertGoesOnReverting) {
  for (int step = 1;; ++step) {
    Three world;
    world.edge->always["c"] = Fault::refused;
    world.steps.kill_at(step);
    bool killed = false;
    try {
      roll(world, careful(OnFailure::revert));
    } catch (const test::Killed&) {
      killed = true;
    }
    world.steps.reset();
    if (!killed) break;
    const auto id = unfinished(world.memory, "prod", "churn");
    if (!id) continue;
    try {
      world.go_on(*id);
    } catch (const Error& e) {
      // The hold was put, the revert was not recorded: rolling back is what is left.
      EXPECT_EQ(e.code(), ErrorCode::version_held);
      world.rollback();
    }
    EXPECT_EQ(world.edge->objects["c"].texts[0], "churn==1.3.0");
    EXPECT_EQ(world.edge->objects["a"].texts[0], world.edge->objects["b"].texts[0]) << "step " << step;
  }
}

TEST(Busy, WhatRunsOrIsAboutToRunIsLeftAloneAndSaidSo) {
  Three world;
  world.edge->pins = false;
  world.edge->activities = [&](const std::string& id) -> Activity {
    if (id == "a") return {true, std::nullopt};
    if (id == "b") return {false, world.clock.time + 30};
    return {false, world.clock.time + 3600};
  };
  const auto report = roll(world, {});
  EXPECT_EQ(world.texts(), (Texts{"churn==1.3.0", "churn==1.3.0", "churn==1.4.0"}));
  ASSERT_EQ(report.skipped.size(), 2U);
  EXPECT_EQ(report.skipped[0].reason, Reason::busy);
  EXPECT_EQ(report.skipped[0].detail, "it is running");
  EXPECT_NE(report.skipped[1].detail.find("it runs at"), std::string::npos);
  EXPECT_FALSE(report.complete());
}

TEST(Busy, WhatHasEndedAtTheEndOfTheWaveIsChanged) {
  Three world;
  world.edge->pins = false;
  world.edge->activities = [&](const std::string& id) -> Activity {
    return {id == "a" && world.edge->writes == 0, std::nullopt};
  };
  EXPECT_TRUE(roll(world, {}).complete());
  EXPECT_EQ(world.texts(), Texts(3, "churn==1.4.0"));
}

TEST(Busy, WorkThatIsPinnedIsNotDisturbed) {
  Three world;
  world.edge->activities = [](const std::string&) -> Activity { return {true, std::nullopt}; };
  EXPECT_TRUE(roll(world, {}).complete());
}

TEST(Dependencies, AFailureStopsWhatComesAfterItOnly) {
  Three world;
  world.edge->needed["b"] = {"a"};
  world.edge->always["a"] = Fault::refused;
  Execution execution;
  execution.waves.with_dependencies = true;
  const auto report = roll(world, execution);
  EXPECT_EQ(world.texts(), (Texts{"churn==1.3.0", "churn==1.3.0", "churn==1.4.0"}));
  EXPECT_EQ(outcomes(report).at("b"), Outcome::pending);
  EXPECT_NE(report.results.back().detail.find("waits for a"), std::string::npos)
      << report.results.back().detail;
}

Execution proving(Proof proof, OnFailure on_failure = OnFailure::go_on) {
  Execution e = careful(on_failure, 0);
  e.proof = {proof, 2, std::chrono::seconds(60)};
  return e;
}

TEST(Prove, ARunThatReportsTheNewVersionIsTheProof) {
  Three world;
  world.edge->starts = [](const std::string&) { return true; };
  world.edge->evidence = [&](const std::string&) {
    return std::vector<RunEvidence>{{world.clock.time, 5, true, "scored with churn 1.4.0.", ""}};
  };
  const auto report = roll(world, proving(Proof::run));
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.results[0].proof, "healthy");
}

TEST(Prove, OldRunsAndOtherVersionsSayNothing) {
  Three world;
  world.edge->starts = [](const std::string&) { return true; };
  const std::int64_t before = world.clock.time;
  world.edge->evidence = [&](const std::string&) {
    return std::vector<RunEvidence>{{before, 5, false, "churn 1.4.0", "failed long ago"},
                                    {world.clock.time, 5, true, "churn 11.4.0", ""}};
  };
  const auto report = roll(world, proving(Proof::run));
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(report.results[0].proof, "inconclusive");
  EXPECT_EQ(report.results[0].outcome, Outcome::updated);
}

// A system whose clock is `ahead`, with one run that was started for the proof and whatever else is listed.
std::string proof_of(std::int64_t ahead, const RunEvidence& own, Proof proof = Proof::run) {
  Three world;
  world.edge->starts = [](const std::string&) { return true; };
  world.edge->ahead = ahead;
  if (proof == Proof::run) world.edge->run_id = "run-7";
  world.edge->named_run = [&, own] {
    RunEvidence run = own;
    run.started += world.clock.time + ahead;
    return run;
  };
  world.edge->evidence = [&](const std::string&) {
    return std::vector<RunEvidence>(2, world.edge->named_run());
  };
  return roll(world, proving(proof)).results[0].proof;
}

TEST(Prove, TheRunThatWasStartedIsTheEvidenceWhateverTheClocksSay) {
  for (const std::int64_t ahead : {-86'400, -20, -1, 0, 1, 3'600}) {
    EXPECT_EQ(proof_of(ahead, {-5, 5, true, "churn 1.4.0", ""}), "healthy") << ahead;
    EXPECT_EQ(proof_of(ahead, {0, 5, false, "churn 1.4.0", "KeyError"}), "unhealthy") << ahead;
    EXPECT_EQ(proof_of(ahead, {0, 5, false, "", "KeyError"}), "unhealthy") << ahead;
    EXPECT_EQ(proof_of(ahead, {0, 5, true, "churn 1.3.0", ""}), "inconclusive") << ahead;
    EXPECT_EQ(proof_of(ahead, {0, 5, true, "", ""}), "unproven") << ahead;
    EXPECT_EQ(proof_of(ahead, {0, std::nullopt, false, "", "CANCELED", "", true}), "inconclusive") << ahead;
  }
}

TEST(Prove, RunsOfOthersAreComparedByTheClockOfTheirSystem) {
  for (const std::int64_t ahead : {-86'400, -20, 0, 3'600}) {
    EXPECT_EQ(proof_of(ahead, {0, 5, true, "churn 1.4.0", ""}, Proof::soak), "healthy") << ahead;
    EXPECT_EQ(proof_of(ahead, {-120, 5, true, "churn 1.4.0", ""}, Proof::soak), "inconclusive") << ahead;
  }
}

TEST(Prove, WordsAreComparedAsVersions) {
  struct Row {
    std::string text, version;
    Scheme scheme = Scheme::pep440;
    bool same = true;
  };
  for (const Row& row :
       std::vector<Row>{{"1.4.0", "1.4.0"},
                        {"v1.4.0", "1.4.0"},
                        {"scored with churn 1.4.0.", "1.4.0"},
                        {"churn==1.4.0,", "1.4.0"},
                        {"{\"version\":\"1.4.0\"}", "1.4.0"},
                        {"/opt/mlship/churn/1.4.0/bin/score", "1.4.0"},
                        {"/Volumes/m/l/churn-1.4.0-py3-none-any.whl", "1.4.0"},
                        {"1.4", "1.4.0"},
                        {"1.4.0rc1", "1.4.0rc1"},
                        {"1.4.0-rc.1", "1.4.0rc1"},
                        {"churn_1.4.0+cpu", "1.4.0+cpu"},
                        {"v1.4.0-rc.1", "1.4.0-rc.1", Scheme::semver},
                        {"1.4.0-rc.1", "1.4.0", Scheme::semver, false},
                        {"1.4.0+build.7", "1.4.0", Scheme::semver, false},
                        {"1.4.0+cpu", "1.4.0", Scheme::pep440, false},
                        {"1!1.4.0", "1.4.0", Scheme::pep440, false},
                        {"churn-1.4.0.post1", "1.4.0", Scheme::pep440, false},
                        {"1.4.0.dev3", "1.4.0", Scheme::pep440, false},
                        {"11.4.0 1.4.01 1.4.0.1 x1.4.0", "1.4.0", Scheme::pep440, false},
                        {"/V/churn-1.4.0+cpu-py3-none-any.whl", "1.4.0", Scheme::pep440, false},
                        {"/V/other-1.4.0-py3-none-any.whl", "1.4.0", Scheme::pep440, false},
                        {"", "1.4.0", Scheme::pep440, false}}) {
    Plan plan;
    plan.package = "churn";
    plan.to = Version::parse(row.version, row.scheme);
    ASSERT_TRUE(plan.to);
    EXPECT_EQ(reports_new(row.text, plan), row.same) << row.text << " as " << row.version;
  }
}

TEST(Prove, ABadRunIsAFailureAndItsLogIsKeptBeforeItIsReverted) {
  Three world;
  world.edge->starts = [](const std::string&) { return true; };
  world.edge->evidence = [&](const std::string&) {
    return std::vector<RunEvidence>{{world.clock.time, 5, false, "churn 1.4.0", "KeyError: 'age'"}};
  };
  const auto report = roll(world, proving(Proof::run, OnFailure::revert));
  EXPECT_EQ(report.state, "reverted");
  EXPECT_EQ(world.texts(), Texts(3, "churn==1.3.0"));
  std::string log;
  for (const auto& entry : world.memory.read(report.id).entries) {
    if (entry.value("proof", "") == "unhealthy") log = entry.at("detail");
  }
  EXPECT_NE(log.find("KeyError: 'age'"), std::string::npos);
}

TEST(Prove, WithoutAWayToRunItIsUnproven) {
  Three world;
  const auto report = roll(world, proving(Proof::run));
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(report.results[0].proof, "unproven");
  EXPECT_NE(report.results[0].detail.find("probe"), std::string::npos);
}

TEST(Prove, SoakWaitsForNaturalRunsAndComparesTheirTime) {
  Three world;
  const std::int64_t before = world.clock.time;
  const auto runs = [&](std::int64_t seconds) {
    return [&world, before, seconds](const std::string&) {
      std::vector<RunEvidence> all{{before, 10, true, "churn 1.3.0", ""}};
      for (int i = 0; i < 2; ++i) all.push_back({world.clock.time, seconds, true, "churn 1.4.0", ""});
      return all;
    };
  };
  world.edge->evidence = runs(29);
  EXPECT_TRUE(roll(world, proving(Proof::soak)).complete());
  Three slow;
  const std::int64_t then = slow.clock.time;
  slow.edge->evidence = [&](const std::string&) {
    return std::vector<RunEvidence>{{then, 10, true, "churn 1.3.0", ""},
                                    {slow.clock.time, 31, true, "churn 1.4.0", ""}};
  };
  const auto report = roll(slow, proving(Proof::soak));
  EXPECT_EQ(report.results[0].proof, "unhealthy");
  EXPECT_NE(report.results[0].detail.find("it took 31 s; its last good runs took 10 s at most"),
            std::string::npos)
      << report.results[0].detail;
}

TEST(Prove, AnInterruptEndsTheProbeAndResumingProvesAgain) {
  Three world;
  ObjectSection all;
  all.glob = "*";
  all.probe = "sleep 3600";
  const std::vector<ObjectSection> objects = {all};
  world.process.runs = [&](const ProcessRequest& request) -> ProcessResult {
    EXPECT_FALSE(request.stop());
    world.interrupted = true;
    EXPECT_TRUE(request.stop());
    throw Error(ErrorCode::interrupted, "cannot finish /bin/sh: interrupted");
  };
  const auto report = roll(world, proving(Proof::run), objects);
  EXPECT_EQ(report.state, "interrupted");
  world.interrupted = false;
  int probes = 0;
  world.process.runs = [&](const ProcessRequest&) -> ProcessResult {
    return {0, "1.4.0", std::to_string(++probes)};
  };
  Engine engine = world.engine();
  engine.objects = objects;
  EXPECT_TRUE(resume(engine, report.id, World::context()).complete());
  EXPECT_EQ(probes, 3);
}

// A ledger whose lease is lost at a moment that the test says.
struct LosingLedger : test::MemoryLedger {
  using MemoryLedger::MemoryLedger;
  std::function<bool()> lost;
  struct Losing : Lease {
    explicit Losing(LosingLedger& of) : ledger(of) {}
    [[nodiscard]] bool valid() override { return !ledger.lost(); }
    LosingLedger& ledger;
  };
  std::unique_ptr<Lease> acquire(const LeaseRequest&) override { return std::make_unique<Losing>(*this); }
};

// A real probe that would go on for ten minutes, whatever it does with its outputs and children.
TEST(Prove, ARunningProbeEndsWithTheLeaseOrTheRun) {
  for (const auto* rest : {"sleep 600", "exec >&- 2>&-; sleep 600", "trap '' TERM INT; (sleep 600 & wait)"}) {
    for (const bool lease : {true, false}) {
      Three world;
      const fs::TempFolder folder{std::filesystem::temp_directory_path()};
      const Path begun = folder.path() / "begun";
      LosingLedger ledger;
      ledger.lost = [&] {
        if (!lease && fs::exists(begun)) world.interrupted = true;
        return lease && fs::exists(begun);
      };
      const auto programs = system_process();
      Host host{world.env, world.clock, world.http, *programs};
      Engine engine{world.targets, ledger, world.source, host, world.diagnostics, world.interrupted};
      ObjectSection all;
      all.glob = "*";
      all.probe = "touch '" + begun.string() + "'; " + rest;
      const std::vector<ObjectSection> objects = {all};
      engine.objects = objects;
      RunContext context = World::context();
      context.execution = proving(Proof::run);
      context.execution.proof.patience = std::chrono::seconds(600);
      const auto start = std::chrono::steady_clock::now();
      const auto report = execute(engine, world.plan("1.4.0"), world.release("1.4.0"), context);
      EXPECT_EQ(report.state, lease ? "taken-over" : "interrupted") << rest;
      EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30)) << rest;
    }
  }
}

TEST(Flight, ManyWritesAtOnceAndSlowerWhenAsked) {
  World world;
  world.edge->in_flight = 16;
  for (int i = 0; i < 120; ++i) world.edge->add("job-" + std::to_string(i), {"churn==1.3.0"});
  std::atomic<int> asked = 0;
  world.edge->throttles = [&] { return ++asked % 10 == 0; };
  world.edge->retry_after = std::chrono::milliseconds(2'000);
  const auto begun = world.clock.time;
  EXPECT_TRUE(roll(world, {}).complete());
  EXPECT_EQ(world.texts(), Texts(120, "churn==1.4.0"));
  EXPECT_LE(world.edge->most_seen_in_flight, 16U);
  EXPECT_GE(world.clock.time - begun, 2);
}

TEST(Flight, OneAppendHoldsTheIntentsOfAWave) {
  World world;
  for (int i = 0; i < 30; ++i) world.edge->add("job-" + std::to_string(i), {"churn==1.3.0"});
  const auto report = roll(world, careful(OnFailure::freeze, 10));
  const auto entries = world.memory.read(report.id).entries;
  size_t in_a_row = 0, most = 0;
  for (const auto& entry : entries) {
    in_a_row = entry.at("type") == "intent" ? in_a_row + 1 : 0;
    most = std::max(most, in_a_row);
  }
  EXPECT_EQ(most, 10U);
}

TEST(Lease, ARunnerThatLostItWritesNothingMoreAndSaysSo) {
  Three world;
  test::LeaseState lease;
  test::FencedLedger ledger(world.memory, lease);
  world.ledger = &ledger;
  world.edge->after_apply = [&] { ++lease.fence; };
  const auto report = roll(world, careful(OnFailure::go_on));
  EXPECT_EQ(report.state, "taken-over");
  EXPECT_EQ(world.edge->writes, 1);
  EXPECT_EQ(world.texts(), (Texts{"churn==1.4.0", "churn==1.3.0", "churn==1.3.0"}));
  EXPECT_FALSE(report.complete());
}

TEST(Lease, WithoutTokensAWriteThatRacedATakeoverIsPointedOut) {
  Three world;
  test::LeaseState lease;
  test::FencedLedger ledger(world.memory, lease);
  world.ledger = &ledger;
  world.edge->tokens = false;
  world.edge->after_apply = [&] { ++lease.fence; };
  const auto report = roll(world, careful(OnFailure::go_on));
  EXPECT_NE(report.results[0].detail.find("no concurrency token"), std::string::npos)
      << report.results[0].detail;
}

TEST(Execution, IsRecordedAndResumingGoesAboutItTheSameWay) {
  Three world;
  world.edge->after_apply = [&] { world.interrupted = true; };
  const auto report = roll(world, careful(OnFailure::freeze));
  EXPECT_EQ(report.state, "interrupted");
  world.edge->after_apply = {};
  world.interrupted = false;
  world.edge->always["b"] = Fault::refused;
  EXPECT_EQ(world.go_on(report.id).state, "paused");  // one wave each, as it began
  EXPECT_EQ(world.edge->objects["c"].texts[0], "churn==1.3.0");
}

}  // namespace
}  // namespace mlship
