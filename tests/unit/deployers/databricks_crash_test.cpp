// A rollout of forty objects killed at every request, before and after it is done; every reply lost; objects
// that cannot be read; slow 429s; a second runner at every request, of the same package and of another in
// another environment. What is there afterwards is all new, all old, or exactly the conflicts listed. The
// ledger is in memory, so that no push to it can come late: model_test.cpp and tests/e2e/late_push_test.py
// have those.
#include <functional>
#include <set>

#include "deployers/databricks/canonical.h"
#include "tests/unit/deployers/databricks_fixture.h"

namespace mlship {
namespace {

using test::DbxWorld;

// Does something at the n-th request; a dead client sends nothing more, whatever thread it is.
class HookedHttp : public Http {
 public:
  // slow: 429 with Retry-After, after a while; not_now: 409 for a write; late: no answer, and it is done when
  // two more requests have been.
  enum class At { never, kill_before, kill_after, lose_before, lose_after, call, slow, not_now, late };
  explicit HookedHttp(Http& inner) : inner_(inner) {}

  void arm(At what, int request, std::function<void()> call = {}) {
    what_ = what;
    left_ = request;
    call_ = std::move(call);
    dead_ = false;
    sent_ = 0;
  }
  [[nodiscard]] int sent() const { return sent_; }

  HttpResponse send(const HttpRequest& request) override {
    if (dead_) throw test::Killed{};
    ++sent_;
    const bool now = what_ != At::never && --left_ == 0;
    if (left_ == -2 && late_) (void)inner_.send(*std::exchange(late_, std::nullopt));
    if (!now) return answer(request);
    if (what_ == At::call) {
      call_();
      return answer(request);
    }
    if (what_ == At::slow || (what_ == At::not_now && request.method != "GET")) return refuse(request);
    if (what_ == At::late) {
      late_ = request;
      lost();
    }
    if (what_ == At::not_now) return answer(request);
    if (what_ == At::kill_before) die();
    if (what_ == At::lose_before) lost();
    const HttpResponse done = inner_.send(request);
    if (what_ == At::kill_after) die();
    if (what_ == At::lose_after) lost();
    return done;
  }
  void run(std::vector<Transfer>, int) override { throw Error(ErrorCode::internal, "not used"); }

 private:
  // And meanwhile somebody does something else.
  HttpResponse refuse(const HttpRequest& request) {
    if (call_) call_();
    const bool slow = what_ == At::slow;
    std::multimap<std::string, std::string> headers;
    if (slow) headers.emplace("retry-after", "20");
    const std::string code = slow ? "REQUEST_LIMIT_EXCEEDED" : "RESOURCE_CONFLICT";
    return {slow ? 429 : 409, headers, R"({"error_code":")" + code + R"(","message":"later"})", request.url};
  }
  HttpResponse answer(const HttpRequest& request) {
    HttpResponse done = inner_.send(request);
    if (dead_) throw test::Killed{};
    return done;
  }
  [[noreturn]] void die() {
    dead_ = true;
    throw test::Killed{};
  }
  [[noreturn]] static void lost() {
    throw Error(ErrorCode::network, "cannot reach the workspace: the connection broke");
  }

  Http& inner_;
  At what_ = At::never;
  std::atomic<int> left_ = 0, sent_ = 0;
  std::function<void()> call_;
  std::optional<HttpRequest> late_;
  std::atomic<bool> dead_ = false;
};

// Forty objects of several kinds, all at 1.3.0.
struct Fleet {
  DbxWorld world;
  HookedHttp http{world.http};
  Host host{world.env, world.clock, http, world.process};

  Fleet() {
    world.source.add("1.5.0");
    const std::string wheel = "/Volumes/main/ml/old/churn-1.3.0-py3-none-any.whl";
    const std::string egg = "dbfs:/FileStore/churn-1.3.0-py3.9.egg";
    world.workspace.edit([&](auto& state) {
      state.put_file(wheel, "old", 1);
      state.put_file(egg, "old egg", 1);
    });
    for (int i = 0; i < 34; ++i) {
      Json tasks = Json::array();
      tasks.push_back({{"task_key", "a"}, {"libraries", {{{"whl", wheel}}}}});
      if (i % 5 == 0) tasks.push_back({{"task_key", "b"}, {"libraries", {{{"egg", egg}}}}});
      if (i % 7 == 0) tasks.push_back({{"task_key", "c"}, {"notebook_task", {{"notebook_path", "/n"}}}});
      world.add_job({{"name", "job " + std::to_string(i)}, {"tasks", tasks}});
    }
    for (int i = 0; i < 4; ++i) {
      const std::string id = "p" + std::to_string(i);
      world.workspace.replace("pipelines/" + id,
                              {{"pipeline_id", id},
                               {"name", id},
                               {"last_modified", 1'700'000'000'000},
                               {"spec", {{"id", id}, {"name", id}, {"libraries", {{{"whl", wheel}}}}}}});
    }
    for (int i = 0; i < 2; ++i) {
      const std::string id = "P" + std::to_string(i);
      world.workspace.replace(
          "policies/" + id,
          {{"policy_id", id}, {"name", id}, {"definition", "{}"}, {"libraries", {{{"whl", wheel}}}}});
    }
    restart();
  }

  void restart() {
    world.targets.clear();
    world.targets.push_back(databricks::make_workspace(world.section, world.project, host));
  }

  [[nodiscard]] Json everything() const {
    Json out;
    world.workspace.look([&](const dbx_State& state) {
      for (const auto& [id, job] : state.jobs)
        out["jobs/" + std::to_string(id)] = databricks::canonical(job.at("settings"));
      for (const auto& [id, p] : state.pipelines)
        out["pipelines/" + id] = databricks::canonical(p.at("spec"));
      for (const auto& [id, p] : state.policies)
        out["policies/" + id] = databricks::canonical(p.at("libraries"));
    });
    return out;
  }
  using dbx_State = testing::dbx::State;

  // How many mentions of a version there are.
  [[nodiscard]] size_t mentions(const std::string& version) const {
    const std::string all = everything().dump();
    size_t n = 0;
    for (size_t at = all.find("churn-" + version); at != std::string::npos;
         at = all.find("churn-" + version, at + 1))
      ++n;
    return n;
  }
};

using At = HookedHttp::At;

// What an undisturbed rollout sends.
int requests_of_a_rollout() {
  Fleet fleet;
  const Plan plan = fleet.world.plan("1.4.0");
  fleet.http.arm(At::never, 0);
  EXPECT_TRUE(fleet.world.run(plan).complete());
  return fleet.http.sent();
}

// The next run goes on: `rollout --resume`, or the command again.
RolloutReport finish(Fleet& fleet, const std::string& version) {
  fleet.restart();
  if (const auto open = unfinished(fleet.world.ledger, "prod", "churn")) return fleet.world.go_on(*open);
  return fleet.world.rollout(version);
}

TEST(DatabricksCrash, KilledAtEveryRequestTheNextRunFinishesAndARollbackIsEqual) {
  const int requests = requests_of_a_rollout();
  int runs = 0;
  for (const At how : {At::kill_before, At::kill_after}) {
    for (int k = 1; k <= requests; ++k) {
      Fleet fleet;
      const Json before = fleet.everything();
      const Plan plan = fleet.world.plan("1.4.0");
      fleet.http.arm(how, k);
      bool killed = false;
      try {
        fleet.world.run(plan);
      } catch (const test::Killed&) {
        killed = true;
      }
      EXPECT_TRUE(killed) << k;
      fleet.http.arm(At::never, 0);
      const auto report = finish(fleet, "1.4.0");
      ASSERT_TRUE(report.complete()) << "request " << k << ": " << report.state;
      ASSERT_EQ(fleet.mentions("1.3.0"), 0U) << "request " << k;
      if (k % 10 == 0) {
        fleet.restart();
        const auto id = last_rollout(fleet.world.ledger, "prod", "churn");
        ASSERT_TRUE(id);
        ASSERT_TRUE(
            fleet.world.run(inverse_plan(fleet.world.ledger, *id, fleet.world.targets), false).complete())
            << k;
        ASSERT_TRUE(fleet.everything() == before) << "request " << k << ": " << fleet.everything();
      }
      ++runs;
    }
  }
  EXPECT_GE(runs, 150);
  std::printf("killed at %d requests, before and after each: %d runs\n", requests, runs);
}

TEST(DatabricksCrash, EveryRequestOrReplyLostTheRolloutGoesOn) {
  const int requests = requests_of_a_rollout();
  for (const At how : {At::lose_before, At::lose_after}) {
    for (int k = 1; k <= requests; ++k) {
      Fleet fleet;
      const Plan plan = fleet.world.plan("1.4.0");
      fleet.http.arm(how, k);
      const auto report = fleet.world.run(plan);
      ASSERT_TRUE(report.complete()) << "request " << k << ": " << report.state;
      ASSERT_EQ(fleet.mentions("1.3.0"), 0U) << "request " << k;
    }
  }
  EXPECT_GE(requests, 75);
  std::printf("lost at %d requests, before and after each: %d runs\n", requests, 2 * requests);
}

// One object after the other, so that nothing but the wait lies between a reading and its write.
RolloutReport one_by_one(Fleet& fleet, const Plan& plan) {
  Engine engine = fleet.world.engine();
  RunContext context{"rollout", "ada", "ci-1", {}, {}, {}};
  context.execution.waves.wave = 1;
  return execute(engine, plan, fleet.world.source.at("1.4.0"), context);
}

// Somebody sets max_retries of the very tasks that are to change while a request is told to come later, or
// its answer does not come.
TEST(DatabricksCrash, WhatIsWaitedForIsReadAgainAndNobodysEditIsLost) {
  size_t points = 0, writes = 0;
  for (const At how : {At::slow, At::not_now, At::late}) {
    for (int k = 2;; k += 5) {
      Fleet fleet;
      const Plan plan = fleet.world.plan("1.4.0");
      fleet.http.arm(how, k, [&] {
        fleet.world.clock.sleep(std::chrono::seconds(30));
        fleet.world.workspace.edit([](auto& state) {
          for (auto& [id, job] : state.jobs) job["settings"]["tasks"][0]["max_retries"] = 7;
        });
      });
      const auto report = one_by_one(fleet, plan);
      if (fleet.http.sent() < k) break;
      ++points;
      ASSERT_TRUE(report.complete()) << "request " << k << ": " << report.state;
      ASSERT_EQ(fleet.mentions("1.3.0"), 0U) << "request " << k;
      const std::string all = fleet.everything().dump();
      if (all.find("max_retries\":7") == std::string::npos) continue;
      ++writes;
      size_t kept = 0;
      for (size_t at = all.find("max_retries\":7"); at != std::string::npos;
           at = all.find("max_retries\":7", at + 1))
        ++kept;
      ASSERT_EQ(kept, 34U) << "request " << k << ": somebody's edit is gone";
    }
  }
  EXPECT_GE(points, 60U);
  EXPECT_GE(writes, 25U);
  std::printf(
      "told to come later, or answered late, at %zu requests; edits meanwhile at %zu of them, all kept\n",
      points, writes);
}

// The first runner is stopped in the middle for so long that its lease runs out; a second rolls another
// version out, to the end; then the first wakes.
TEST(DatabricksCrash, ASecondRolloutAtEveryRequestLeavesOneVersionOrReportedObjects) {
  const int requests = requests_of_a_rollout();
  size_t mixed = 0;
  for (int k = 1; k <= requests; ++k) {
    Fleet fleet;
    test::LeaseState lease;
    test::FencedLedger first(fleet.world.ledger, lease), second(fleet.world.ledger, lease);
    Engine engine{fleet.world.targets,    first, fleet.world.source, fleet.host, fleet.world.diagnostics,
                  fleet.world.interrupted};
    const Plan plan = fleet.world.plan("1.4.0");
    RolloutReport other;
    fleet.http.arm(At::call, k, [&] {
      lease.expired = true;
      Targets targets;
      Host host{fleet.world.env, fleet.world.clock, fleet.world.http, fleet.world.process};
      targets.push_back(databricks::make_workspace(fleet.world.section, fleet.world.project, host));
      Engine e{targets, second, fleet.world.source, host, fleet.world.diagnostics, fleet.world.interrupted};
      const Plan p =
          make_plan(fleet.world.request("1.5.0"), targets, fleet.world.source, fleet.world.diagnostics);
      RunContext context{"rollout", "bob", "ci-9", {}, {}, {}};
      context.converge = fleet.world.request("1.5.0");
      other = execute(e, p, fleet.world.source.at("1.5.0"), context);
    });
    RunContext context{"rollout", "ada", "ci-1", {}, {}, {}};
    context.converge = fleet.world.request("1.4.0");
    RolloutReport one;
    try {
      one = execute(engine, plan, fleet.world.source.at("1.4.0"), context);
    } catch (const Error& e) {
      one.state = row_of(e.code()).word;
    }
    ASSERT_EQ(fleet.mentions("1.3.0"), 0U) << "request " << k;
    // What the second found moved by the first, and writes of the first that were on their way when it lost
    // the lease: each is told by the one or the other.
    std::set<std::string> told;
    for (const auto& r : other.results) {
      if (r.outcome == Outcome::conflict) told.insert(r.object.id);
    }
    for (const auto& r : one.results) {
      if (r.detail.find("another runner took over") != std::string::npos) told.insert(r.object.id);
    }
    const Json now = fleet.everything();
    for (const auto& [id, document] : now.items()) {
      if (document.dump().find("churn-1.4.0") == std::string::npos) continue;
      ++mixed;
      ASSERT_TRUE(told.contains(id)) << "request " << k << ": " << id << " of " << one.state << "/"
                                     << other.state;
    }
  }
  EXPECT_GE(requests, 75);
  EXPECT_GE(mixed, 1U);
  std::printf("a second rollout at %d requests: %zu objects kept the first one's version, all told\n",
              requests, mixed);
}

// Rollouts of two packages, in two environments that share a workspace, do not exclude each other. A job has
// no version to write against: the second is overwritten where all of it happens between the first one's
// reading and its write of the very task, which is one object where they are written one by one.
TEST(DatabricksCrash, ARolloutOfAnotherPackageAndEnvironmentInBetween) {
  size_t points = 0, moved = 0;
  for (int k = 2;; k += 6) {
    Fleet fleet;
    const std::string old = "/Volumes/main/ml/old/spam-1.3.0-py3-none-any.whl";
    fleet.world.source.add("1.4.0", Scheme::pep440, {"wheel"}, "spam");
    fleet.world.workspace.edit([&](auto& state) {
      state.put_file(old, "old spam", 1);
      for (auto& [id, job] : state.jobs) job["settings"]["tasks"][0]["libraries"].push_back({{"whl", old}});
    });
    const auto mentions = [&](const std::string& version) {
      const std::string all = fleet.everything().dump();
      size_t n = 0;
      for (size_t at = all.find(version); at != std::string::npos; at = all.find(version, at + 1)) ++n;
      return n;
    };
    const Plan plan = fleet.world.plan("1.4.0");
    fleet.http.arm(At::call, k, [&] {
      Targets targets;
      targets.push_back(
          databricks::make_workspace(fleet.world.section, fleet.world.project, fleet.world.host));
      PlanRequest request = fleet.world.request("1.4.0");
      request.environment = "staging";
      request.release = fleet.world.source.at("1.4.0", "spam");
      Engine engine{targets,          fleet.world.ledger,      fleet.world.source,
                    fleet.world.host, fleet.world.diagnostics, fleet.world.interrupted};
      const Plan other = make_plan(request, targets, fleet.world.source, fleet.world.diagnostics);
      ASSERT_TRUE(execute(engine, other, request.release, {"rollout", "bob", "ci-9", {}, {}, {}}).complete());
    });
    const auto report = one_by_one(fleet, plan);
    if (fleet.http.sent() < k) break;
    ++points;
    moved += mentions("spam-1.4.0");
    ASSERT_TRUE(report.complete()) << "request " << k << ": " << report.state;
    ASSERT_EQ(fleet.mentions("1.3.0"), 0U) << "request " << k;
    ASSERT_LE(mentions("spam-1.3.0"), 1U) << "request " << k;
    ASSERT_EQ(unfinished(fleet.world.ledger, "staging", "spam"), std::nullopt);
  }
  EXPECT_GE(points, 20U);
  EXPECT_GE(moved, points * 33);
  std::printf("a rollout of another package at %zu requests: %zu references moved by it\n", points, moved);
}

// A service that fails for one job after another, for longer than a rollout has patience: that job is said to
// have failed, or is found done, and the next run goes on with it.
TEST(DatabricksCrash, AJobThatCannotBeReadIsToldAndTheNextRunGoesOn) {
  size_t failed = 0;
  for (std::int64_t job = 0; job < 34; job += 3) {
    Fleet fleet;
    const Plan plan = fleet.world.plan("1.4.0");
    fleet.world.workspace.add_fault({.method = "GET", .path = "/api/*/jobs/get", .skip = job, .times = 0});
    const auto report = fleet.world.run(plan, false);
    fleet.world.workspace.clear_faults();
    for (const auto& row : report.results) {
      if (row.outcome == Outcome::updated) continue;
      ++failed;
      ASSERT_EQ(row.outcome, Outcome::failed) << row.object.id << ": " << row.detail;
      ASSERT_FALSE(row.detail.empty());
    }
    ASSERT_TRUE(finish(fleet, "1.4.0").complete()) << job;
    ASSERT_EQ(fleet.mentions("1.3.0"), 0U) << job;
  }
  EXPECT_GE(failed, 12U);
  std::printf("%zu references of jobs that could not be read, all moved by the next run\n", failed);
}

}  // namespace
}  // namespace mlship
