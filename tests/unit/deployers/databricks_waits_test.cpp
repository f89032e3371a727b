// Waits, refusals that pass, answers that are lost, and who goes on with the old library.
#include "deployers/status.h"
#include "tests/unit/deployers/databricks_fixture.h"

namespace mlship {
namespace {

using test::DbxWorld;

constexpr const char* wheel = "/Volumes/main/ml/old/churn-1.3.0-py3-none-any.whl";

Json with_wheel(Json task) {
  task["libraries"] = {{{"whl", wheel}}};
  return task;
}
Json job_of(Json task) {
  task["task_key"] = "a";
  return {{"name", "score"}, {"tasks", {std::move(task)}}};
}
Json plain_job() {
  return job_of(with_wheel({{"notebook_task", {{"notebook_path", "/n"}}}}));
}
void add_pipeline(DbxWorld& world, Json whole = Json::object()) {
  whole.update({{"pipeline_id", "p"},
                {"name", "p"},
                {"last_modified", 1'700'000'000'000},
                {"spec", {{"id", "p"}, {"name", "p"}, {"libraries", {{{"whl", wheel}}}}}}});
  world.workspace.replace("pipelines/p", whole);
}
void add_policy(DbxWorld& world) {
  world.workspace.replace(
      "policies/P",
      {{"policy_id", "P"}, {"name", "P"}, {"definition", "{}"}, {"libraries", {{{"whl", wheel}}}}});
}

struct Busy {
  const char* method;
  const char* path;
  const char* code;
  const char* words;
};
const std::vector<Busy> busy_rows = {
    {"POST", "/api/2.2/jobs/update", "RESOURCE_CONFLICT",
     "A concurrent request is in progress. Please wait."},
    {"POST", "/api/2.2/jobs/update", "ABORTED", "Another update is running"},
    {"PUT", "/api/2.0/pipelines/p", "RESOURCE_CONFLICT", "Pipeline is being updated"},
    {"POST", "/api/2.0/policies/clusters/edit", "409", "Concurrent request, try again"}};

DbxWorld& with_objects(DbxWorld& world) {
  world.add_job(plain_job());
  add_pipeline(world);
  add_policy(world);
  return world;
}

// `times` 0: for ever.
void say_busy(DbxWorld& world, const Busy& row, int times) {
  world.workspace.add_fault({.method = row.method,
                             .path = row.path,
                             .times = times,
                             .status = 409,
                             .code = row.code,
                             .message = row.words});
}

TEST(DatabricksWaits, AServiceThatSaysNotNowIsAskedAgain) {
  for (const auto& row : busy_rows) {
    DbxWorld world;
    const Plan plan = with_objects(world).plan("1.4.0");
    say_busy(world, row, 4);
    EXPECT_TRUE(world.run(plan).complete()) << row.path;
  }
}

TEST(DatabricksWaits, WhatStaysBusyIsAConflictInTheServicesWords) {
  for (const auto& row : busy_rows) {
    DbxWorld world;
    const Plan plan = with_objects(world).plan("1.4.0");
    say_busy(world, row, 0);
    const auto begun = world.clock.monotonic();
    const auto report = world.run(plan);
    EXPECT_LT(world.clock.monotonic() - begun, std::chrono::minutes(7));
    const auto found = std::find_if(report.results.begin(), report.results.end(),
                                    [](const auto& r) { return r.outcome == Outcome::conflict; });
    ASSERT_NE(found, report.results.end()) << row.path;
    EXPECT_NE(found->detail.find(row.words), std::string::npos) << found->detail;
  }
}

// Ctrl-C comes with the first reading of a job.
class InterruptingHttp : public Http {
 public:
  InterruptingHttp(Http& inner, std::atomic<bool>& flag) : inner_(inner), flag_(flag) {}
  HttpResponse send(const HttpRequest& request) override {
    if (request.url.find("/jobs/get") != std::string::npos) flag_ = true;
    return inner_.send(request);
  }
  void run(std::vector<Transfer>, int) override { throw Error(ErrorCode::internal, "not used"); }

 private:
  Http& inner_;
  std::atomic<bool>& flag_;
};

TEST(DatabricksWaits, AnInterruptEndsAWaitAndNothingIsWrittenAfterIt) {
  for (const int status : {409, 429, 503, 0}) {
    DbxWorld world;
    InterruptingHttp http(world.http, world.interrupted);
    Host host{world.env, world.clock, http, world.process};
    with_objects(world);
    world.targets.push_back(databricks::make_workspace(world.section, world.project, host));
    const Plan plan = world.plan("1.4.0");
    if (status != 0) {
      world.workspace.add_fault(
          {.path = "/api/2.2/jobs/get", .times = 0, .status = status, .code = "ABORTED", .retry_after = 250});
    }
    const auto begun = world.clock.monotonic();
    const auto report = world.run(plan);
    EXPECT_EQ(report.state, "interrupted") << status;
    EXPECT_LT(world.clock.monotonic() - begun, std::chrono::seconds(30)) << status;
    EXPECT_EQ(world.workspace.counts()["POST /api/2.2/jobs/update"], 0) << status;
  }
}

TEST(DatabricksWaits, AReplyThatIsLostIsSettledByReading) {
  for (const auto* path :
       {"/api/2.2/jobs/update", "/api/2.0/pipelines/p", "/api/2.0/policies/clusters/edit"}) {
    for (const auto* kind : {"drop-after", "status"}) {
      DbxWorld world;
      const Plan plan = with_objects(world).plan("1.4.0");
      const std::string method = std::string(path).find("pipelines") == std::string::npos ? "POST" : "PUT";
      world.workspace.add_fault(
          {.kind = kind, .method = method, .path = path, .status = 504, .executed = true, .body = "<html>"});
      EXPECT_TRUE(world.run(plan).complete()) << path;
      std::int64_t sent = 0;
      for (const auto& entry : world.workspace.log())
        sent += entry.method == method && entry.path == path ? 1 : 0;
      EXPECT_EQ(sent, 1) << path << " " << kind;
    }
  }
}

TEST(DatabricksWaits, APageInsteadOfAnAnswerToAWriteIsSettledByReading) {
  DbxWorld world;
  const Plan plan = with_objects(world).plan("1.4.0");
  world.workspace.add_fault(
      {.path = "/api/2.2/jobs/update", .status = 200, .body = "<html><title>Sign in</title></html>"});
  EXPECT_TRUE(world.run(plan).complete());
  EXPECT_EQ(world.workspace.counts()["POST /api/2.2/jobs/update"], 2);
}

// ---------------------------------------------------------------- the old library in use

void add_cluster(DbxWorld& world, const std::string& state, std::int64_t started) {
  world.workspace.replace("clusters/c1", {{"cluster_id", "c1"},
                                          {"cluster_name", "shared"},
                                          {"state", state},
                                          {"start_time", started},
                                          {"spark_version", "15.4.x-scala2.12"}});
}

std::string pending_in_status(DbxWorld& world) {
  world.restart();
  StatusRequest request;
  request.environment = "prod";
  request.package = "churn";
  return status(request, world.targets, world.ledger).objects.at(0).pending;
}

TEST(DatabricksInUse, AClusterThatIsUpGoesOnWithTheOldLibraryUntilItRestarts) {
  const Json inner = with_wheel({{"task_key", "i"}, {"existing_cluster_id", "c1"}});
  const std::vector<Json> tasks = {with_wheel({{"existing_cluster_id", "c1"}}),
                                   {{"for_each_task", {{"inputs", "[1]"}, {"task", inner}}}}};
  for (const auto& task : tasks) {
    for (const std::string state : {"RUNNING", "RESIZING", "TERMINATED", "ERROR"}) {
      DbxWorld world;
      const bool up = state == "RUNNING" || state == "RESIZING";
      world.add_job(job_of(task));
      add_cluster(world, state, 1'700'000'000'000);
      const Plan plan = world.plan("1.4.0");
      ASSERT_EQ(plan.operations.size(), 1U);
      const auto& warnings = plan.operations[0].changes[0].warnings;
      EXPECT_EQ(std::find(warnings.begin(), warnings.end(), "restart") != warnings.end(), up) << state;
      const auto report = world.run(plan);
      const std::string detail = report.results.at(0).detail;
      EXPECT_EQ(detail.find("pending: restart") != std::string::npos, up) << state << ": " << detail;
      EXPECT_EQ(detail.find("c1") != std::string::npos, up) << detail;
      EXPECT_EQ(pending_in_status(world).starts_with("restart"), up);
      add_cluster(world, "RUNNING", 1'900'000'000'000);  // restarted
      EXPECT_EQ(pending_in_status(world), "");
    }
  }
}

TEST(DatabricksInUse, ARunOfAContinuousJobGoesOnWithTheOldLibrary) {
  for (const std::string pause : {"UNPAUSED", "PAUSED"}) {
    for (const bool running : {true, false}) {
      DbxWorld world;
      Json settings = plain_job();
      settings["continuous"] = {{"pause_status", pause}};
      const auto id = world.add_job(settings);
      if (running) {
        world.workspace.edit([&](testing::dbx::State& state) {
          testing::dbx::Run run;
          run.looks = -1;
          run.outcome = "SUCCESS";
          run.answer = {
              {"run_id", 7}, {"job_id", id}, {"start_time", 1'700'000'000'000}, {"tasks", Json::array()}};
          state.runs[7] = run;
        });
      }
      const auto report = world.rollout("1.4.0");
      const bool due = running && pause == "UNPAUSED";
      const std::string detail = report.results.at(0).detail;
      EXPECT_EQ(detail.find("pending: restart (run 7") != std::string::npos, due) << detail;
      EXPECT_EQ(pending_in_status(world).starts_with("restart"), due);
      world.workspace.edit([](testing::dbx::State& state) { state.runs.clear(); });
      EXPECT_EQ(pending_in_status(world), "");
    }
  }
}

TEST(DatabricksInUse, AnUpdateOfAPipelineGoesOnWithTheOldLibrary) {
  const auto updates = [](const std::string& state) {
    return Json{
        {"latest_updates", {{{"update_id", "u1"}, {"state", state}, {"creation_time", 1'700'000'000'000}}}}};
  };
  const std::vector<std::pair<Json, bool>> rows = {
      {updates("RUNNING"), true},         {updates("INITIALIZING"), true},  {updates("COMPLETED"), false},
      {Json{{"state", "RUNNING"}}, true}, {Json{{"state", "IDLE"}}, false}, {Json::object(), false}};
  for (const auto& [whole, due] : rows) {
    DbxWorld world;
    add_pipeline(world, whole);
    const auto report = world.rollout("1.4.0");
    ASSERT_EQ(report.results.size(), 1U);
    EXPECT_EQ(report.results[0].outcome, Outcome::updated) << report.results[0].detail;
    const bool said = report.results[0].detail.find("pending: restart") != std::string::npos;
    EXPECT_EQ(said, due) << whole << report.results[0].detail;
  }
}

TEST(DatabricksInUse, JobsWithClustersOfTheirOwnCostNoFurtherCalls) {
  DbxWorld world;
  for (int i = 0; i < 30; ++i) world.add_job(plain_job());
  EXPECT_TRUE(world.rollout("1.4.0").complete());
  const auto counts = world.workspace.counts();
  EXPECT_FALSE(counts.contains("GET /api/2.1/clusters/get"));
  EXPECT_FALSE(counts.contains("GET /api/2.2/jobs/runs/list"));
}

// ---------------------------------------------------------------- library-path

TEST(DatabricksPlaces, ALibraryPathThatCannotBeUsedIsFoundByThePlan) {
  for (const int status : {404, 403, 500}) {
    DbxWorld world;
    world.add_job(plain_job());
    world.section.values["trust-pins"] = true;
    world.add_job(job_of({{"libraries", {{{"pypi", {{"package", "churn==1.3.0"}}}}}}}));
    world.workspace.add_fault({.method = "HEAD",
                               .path = "/api/2.0/fs/directories/**",
                               .times = 0,
                               .status = status,
                               .code = status == 404 ? "NOT_FOUND" : "PERMISSION_DENIED"});
    const Plan plan = world.plan("1.4.0");
    EXPECT_EQ(plan.operations.size(), 1U) << status;
    ASSERT_EQ(plan.skipped.size(), 1U) << status;
    EXPECT_TRUE(fell_short(plan.skipped[0]));
    EXPECT_NE(plan.skipped[0].detail.find("/Volumes/main/ml/libs"), std::string::npos)
        << plan.skipped[0].detail;
    EXPECT_EQ(world.workspace.writes(), 0);
  }
}

}  // namespace
}  // namespace mlship
