// The databricks target against a workspace with the documented API: what is found, what is sent, what is
// left alone.
#include "core/digest.h"
#include "deployers/databricks/canonical.h"
#include "tests/unit/deployers/databricks_fixture.h"

namespace mlship {
namespace {

using test::DbxWorld;
namespace dbx = testing::dbx;

constexpr const char* wheel_13 = "/Volumes/main/ml/old/churn-1.3.0-py3-none-any.whl";

std::string published(const DbxWorld& world, const std::string& version, const std::string& kind = "wheel") {
  const Output& output = *world.source.at(version).output(kind);
  return "/Volumes/main/ml/libs/mlship/churn/" + version + "/" + output.digest.hex().substr(0, 16) + "/" +
         output.filename;
}

Json task(const std::string& key, const std::string& wheel) {
  return {{"task_key", key},
          {"libraries", {{{"whl", wheel}}}},
          {"notebook_task", {{"notebook_path", "/n/" + key}}}};
}

const ObjectResult& only(const RolloutReport& report) {
  EXPECT_EQ(report.results.size(), 1U);
  return report.results.at(0);
}

std::vector<std::string> skips(const Plan& plan) {
  std::vector<std::string> out;
  for (const auto& s : plan.skipped) out.push_back(s.path + " " + std::string(to_string(s.reason)));
  return out;
}

TEST(Databricks, AJobIsFoundChangedAndReadBack) {
  DbxWorld world;
  const auto id =
      world.add_job({{"name", "score"},
                     {"schedule", {{"quartz_cron_expression", "0 0 6 * * ?"}, {"timezone_id", "UTC"}}},
                     {"tasks", {task("a", wheel_13), task("b", "/Volumes/x/other-1.0-py3-none-any.whl")}}});
  const Plan plan = world.plan("1.4.0");
  ASSERT_EQ(plan.operations.size(), 1U);
  const Operation& op = plan.operations[0];
  EXPECT_EQ(op.object.id, "jobs/" + std::to_string(id));
  EXPECT_EQ(op.object.name, "score");
  EXPECT_EQ(op.object.schedule, "0 0 6 * * ? UTC");
  EXPECT_EQ(op.changes[0].path, "tasks[key=a]/libraries[0]/whl");
  EXPECT_EQ(op.changes[0].from, wheel_13);
  EXPECT_EQ(op.changes[0].to, published(world, "1.4.0"));
  const Json before = world.settings(id);
  const auto report = world.run(plan);
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(only(report).outcome, Outcome::updated) << only(report).detail;
  Json wanted = before;
  wanted["tasks"][0]["libraries"][0]["whl"] = published(world, "1.4.0");
  EXPECT_EQ(world.settings(id), wanted);
  EXPECT_EQ(world.workspace.file(published(world, "1.4.0")), "wheel of churn 1.4.0");
}

TEST(Databricks, OnlyTheChangedTaskIsSentAndNothingIsEverReset) {
  DbxWorld world;
  world.add_job(
      {{"name", "score"}, {"tasks", {task("a", wheel_13), task("b", "/Volumes/x/o-1.0-py3-none-any.whl")}}});
  EXPECT_TRUE(world.rollout("1.4.0").complete());
  const auto counts = world.workspace.counts();
  EXPECT_EQ(counts.at("POST /api/2.2/jobs/update"), 1);
  EXPECT_FALSE(counts.contains("POST /api/2.2/jobs/reset"));
}

// Finding, a fresh reading, the write, and a reading back; a second rollout only looks.
TEST(Databricks, TheCallsOfARolloutAreCounted) {
  DbxWorld world;
  for (int i = 0; i < 250; ++i)
    world.add_job({{"name", "job " + std::to_string(i)}, {"tasks", {task("a", wheel_13)}}});
  const Plan plan = world.plan("1.4.0");
  // The pages; pipelines, policies, clusters; whether library-path is there.
  EXPECT_EQ(world.workspace.requests(), 3U + 3U + 1U);
  world.workspace.reset_log();
  EXPECT_TRUE(world.run(plan).complete());
  const auto counts = world.workspace.counts();
  EXPECT_EQ(counts.at("GET /api/2.2/jobs/list"), 3);  // reads back, and finds what came meanwhile
  EXPECT_EQ(counts.at("GET /api/2.2/jobs/get"), 250);
  EXPECT_EQ(counts.at("POST /api/2.2/jobs/update"), 250);
  EXPECT_EQ(world.workspace.requests(),
            3U + 500U + 3U + 4U);  // with the folder, the claim, the file, its size
  EXPECT_LE(world.workspace.connections(), 10);
  world.workspace.reset_log();
  world.restart();
  EXPECT_TRUE(world.rollout("1.4.0").complete());
  EXPECT_EQ(world.workspace.requests(), 3U + 3U);
  EXPECT_EQ(world.workspace.writes(), 0);
}

TEST(Databricks, AJobWithMoreThanAHundredTasksIsReadWhole) {
  DbxWorld world;
  Json tasks = Json::array();
  for (int i = 0; i < 250; ++i)
    tasks.push_back(task("t" + std::to_string(i), i == 203 ? wheel_13 : "/V/o-1.0-py3-none-any.whl"));
  const auto id = world.add_job({{"name", "large"}, {"tasks", tasks}});
  const Json before = world.settings(id);
  const auto report = world.rollout("1.4.0");
  EXPECT_EQ(only(report).path, "tasks[key=t203]/libraries[0]/whl");
  EXPECT_EQ(only(report).outcome, Outcome::updated);
  EXPECT_EQ(world.settings(id)["tasks"].size(), 250U);
  Json wanted = before;
  for (auto& t : wanted["tasks"]) {
    if (t["task_key"] == "t203") t["libraries"][0]["whl"] = published(world, "1.4.0");
  }
  EXPECT_EQ(databricks::canonical(world.settings(id)), databricks::canonical(wanted));
}

TEST(Databricks, EnvironmentsAreSentWholeWhetherTheyAreMergedOrReplaced) {
  for (const bool merge : {true, false}) {
    for (const bool omitted : {true, false}) {
      DbxWorld world;
      auto switches = world.workspace.switches();
      switches.environments_merge = merge;
      switches.list_omits_environments = omitted;
      world.workspace.set_switches(switches);
      const auto id =
          world.add_job({{"name", "serverless"},
                         {"tasks",
                          {{{"task_key", "a"},
                            {"environment_key", "E"},
                            {"spark_python_task", {{"python_file", "/x.py"}}}}}},
                         {"environments",
                          {{{"environment_key", "E"},
                            {"spec",
                             {{"environment_version", "2"},
                              {"dependencies", {std::string(wheel_13) + "[train]", "numpy==1.26.4"}}}}},
                           {{"environment_key", "F"}, {"spec", {{"environment_version", "3"}}}}}}});
      const auto report = world.rollout("1.4.0");
      EXPECT_EQ(only(report).outcome, Outcome::updated) << only(report).detail;
      const Json environments = world.settings(id)["environments"];
      ASSERT_EQ(environments.size(), 2U);
      EXPECT_EQ(environments[0]["spec"]["dependencies"][0], published(world, "1.4.0") + "[train]");
      EXPECT_EQ(environments[0]["spec"]["dependencies"][1], "numpy==1.26.4");
    }
  }
}

TEST(Databricks, UnrelatedEditsSinceThePlanAreKeptAndReported) {
  DbxWorld world;
  const auto id = world.add_job({{"name", "score"}, {"tasks", {task("a", wheel_13)}}});
  const Plan plan = world.plan("1.4.0");
  world.workspace.edit([&](auto& state) { state.jobs.at(id)["settings"]["name"] = "renamed"; });
  const auto report = world.run(plan);
  EXPECT_EQ(only(report).outcome, Outcome::updated);
  EXPECT_EQ(only(report).detail, "other edits of the object since the plan were kept");
  EXPECT_EQ(world.settings(id)["name"], "renamed");
}

TEST(Databricks, AReferenceThatSomebodyElseMovedIsAConflict) {
  DbxWorld world;
  const auto id = world.add_job({{"name", "score"}, {"tasks", {task("a", wheel_13)}}});
  const Plan plan = world.plan("1.4.0");
  const std::string theirs = "/Volumes/main/ml/old/churn-1.3.7-py3-none-any.whl";
  world.workspace.edit(
      [&](auto& state) { state.jobs.at(id)["settings"]["tasks"][0]["libraries"][0]["whl"] = theirs; });
  const auto report = world.run(plan, false);
  EXPECT_EQ(only(report).outcome, Outcome::conflict);
  EXPECT_EQ(only(report).detail, "'" + theirs + "' stands at tasks[key=a]/libraries[0]/whl");
  EXPECT_EQ(world.settings(id)["tasks"][0]["libraries"][0]["whl"], theirs);
}

struct FaultRow {
  const char* name;
  dbx::Fault fault;
  Outcome outcome;
  bool moved;
};

TEST(Databricks, WhatGoesWrongWithAWriteIsSettledByReading) {
  const auto on_update = [](const std::string& kind, int status = 503, int times = 1, bool executed = false) {
    dbx::Fault fault;
    fault.kind = kind;
    fault.path = "/api/2.2/jobs/update";
    fault.status = status;
    fault.times = times;
    fault.executed = executed;
    fault.code = status == 403 ? "PERMISSION_DENIED" : status == 400 ? "MALFORMED_REQUEST" : "LATER";
    return fault;
  };
  const std::vector<FaultRow> rows = {
      {"reply lost", on_update("drop-after"), Outcome::updated, true},
      {"request lost", on_update("drop-before"), Outcome::updated, true},
      {"503, done", on_update("status", 503, 1, true), Outcome::updated, true},
      {"503, not done", on_update("status", 503), Outcome::updated, true},
      {"429", on_update("status", 429, 3), Outcome::updated, true},
      {"403", on_update("status", 403, 0), Outcome::refused, false},
      {"400", on_update("status", 400, 0), Outcome::refused, false},
      {"lost for ever", on_update("drop-before", 503, 0), Outcome::failed, false},
  };
  for (const auto& row : rows) {
    DbxWorld world;
    const auto id = world.add_job({{"name", "score"}, {"tasks", {task("a", wheel_13)}}});
    world.workspace.add_fault(row.fault);
    const auto report = world.rollout("1.4.0");
    EXPECT_EQ(only(report).outcome, row.outcome) << row.name << ": " << only(report).detail;
    EXPECT_EQ(world.settings(id)["tasks"][0]["libraries"][0]["whl"],
              row.moved ? published(world, "1.4.0") : std::string(wheel_13))
        << row.name;
  }
}

TEST(Databricks, APinMovesWithAnIndexThatServesTheVersionAndItsOwnIndexHasTheLastWord) {
  DbxWorld world;
  world.project.indexes["team"] = {"pypi+https://index.test/simple", {}};
  world.section.values["index"] = std::string("team");
  const auto library = [](const std::string& package, const std::string& repo) {
    Json pypi = {{"package", package}};
    if (!repo.empty()) pypi["repo"] = repo;
    return Json{{"pypi", pypi}};
  };
  const auto id = world.add_job(
      {{"name", "score"},
       {"tasks",
        {{{"task_key", "a"},
          {"libraries",
           {library("churn[x] == 1.3.0", ""), library("churn==1.3.0", "https://other.test")}}}}}});
  const Plan plan = world.plan("1.4.0");
  EXPECT_EQ(skips(plan), std::vector<std::string>{"tasks[key=a]/libraries[1]/pypi/package no-output"});
  EXPECT_TRUE(world.run(plan, false).skipped.size() == 1);
  EXPECT_EQ(world.settings(id)["tasks"][0]["libraries"][0]["pypi"]["package"], "churn[x] == 1.4.0");
}

TEST(Databricks, ATaskWithAPolicyOfItsOwnCarriesAWarning) {
  DbxWorld world;
  Json a = task("a", wheel_13);
  a["new_cluster"] = {{"policy_id", "P1"}, {"spark_version", "15.4.x-scala2.12"}};
  world.add_job({{"name", "score"}, {"tasks", {a}}});
  const Plan plan = world.plan("1.4.0");
  ASSERT_EQ(plan.operations.size(), 1U);
  EXPECT_EQ(plan.operations[0].changes[0].warnings, std::vector<std::string>{"policy-defaults"});
}

Json pipeline(const std::string& id, const std::string& wheel) {
  return {{"pipeline_id", id},
          {"name", "pipe " + id},
          {"last_modified", 1'700'000'000'000},
          {"run_as", {{"user_name", "svc@example.invalid"}}},
          {"parameters", {{"k", "v"}}},
          {"spec",
           {{"id", id}, {"name", "pipe " + id}, {"continuous", false}, {"libraries", {{{"whl", wheel}}}}}}};
}

TEST(Databricks, APipelineIsWrittenWithItsLastModifiedAndKeepsWhatStandsBesideTheSpec) {
  DbxWorld world;
  world.workspace.replace("pipelines/p1", pipeline("p1", wheel_13));
  const auto report = world.rollout("1.4.0");
  EXPECT_EQ(only(report).outcome, Outcome::updated) << only(report).detail;
  const Json now = world.workspace.read("pipelines/p1");
  EXPECT_EQ(now["spec"]["libraries"][0]["whl"], published(world, "1.4.0"));
  EXPECT_EQ(now["run_as"]["user_name"], "svc@example.invalid");
  EXPECT_EQ(now["parameters"]["k"], "v");
}

TEST(Databricks, APipelineEditedInBetweenIsReadAgainUnderEveryAnswer) {
  for (const auto& [status, code] :
       {std::pair{409, "RESOURCE_CONFLICT"}, {400, "INVALID_PARAMETER_VALUE"}, {412, "ABORTED"}}) {
    DbxWorld world;
    auto switches = world.workspace.switches();
    switches.conflict_status = status;
    switches.conflict_code = code;
    world.workspace.set_switches(switches);
    world.workspace.replace("pipelines/p1", pipeline("p1", wheel_13));
    dbx::WriterOptions writer;
    writer.seed = 3;
    writer.probability = 0.7;
    writer.objects = {"pipelines/p1"};
    writer.kinds = {"pipeline"};
    writer.most = 2;
    world.workspace.set_writer(writer);
    const auto report = world.rollout("1.4.0");
    EXPECT_EQ(only(report).outcome, Outcome::updated) << status << ": " << only(report).detail;
    EXPECT_EQ(world.workspace.read("pipelines/p1")["spec"]["libraries"][0]["whl"], published(world, "1.4.0"));
    EXPECT_TRUE(world.workspace.lost_edits().empty());
  }
}

TEST(Databricks, APolicyKeepsEverythingButItsLibrary) {
  DbxWorld world;
  const Json policy = {{"policy_id", "P1"},
                       {"name", "ml"},
                       {"definition", R"({"spark_version":{"type":"fixed","value":"15.4"}})"},
                       {"description", "for all"},
                       {"max_clusters_per_user", 3},
                       {"libraries", {{{"whl", wheel_13}}, {{"pypi", {{"package", "numpy"}}}}}}};
  world.workspace.replace("policies/P1", policy);
  const auto report = world.rollout("1.4.0");
  EXPECT_EQ(only(report).outcome, Outcome::updated) << only(report).detail;
  Json wanted = policy;
  wanted["libraries"][0]["whl"] = published(world, "1.4.0");
  const Json now = world.workspace.read("policies/P1");
  for (const auto& [key, value] : wanted.items()) EXPECT_EQ(now.at(key), value) << key;
}

TEST(Databricks, ARollbackIsEqualOnCanonicalJson) {
  DbxWorld world;
  world.project.indexes["team"] = {"pypi+https://index.test/simple", {}};
  world.section.values["index"] = std::string("team");
  world.add_job(
      {{"name", "score"},
       {"tasks", {task("a", wheel_13), task("b", "dbfs:/FileStore/churn-1.2.0-py3-none-any.whl")}}});
  world.add_job(
      {{"name", "pins"},
       {"tasks", {{{"task_key", "p"}, {"libraries", {{{"pypi", {{"package", "churn==1.3.0"}}}}}}}}}});
  world.workspace.replace("pipelines/p1", pipeline("p1", wheel_13));
  world.workspace.edit([](auto& state) {
    state.put_file(wheel_13, "old", 1);
    state.put_file("dbfs:/FileStore/churn-1.2.0-py3-none-any.whl", "older", 1);
  });
  const auto all = [&] {
    Json out;
    world.workspace.look([&](const dbx::State& state) {
      for (const auto& [id, job] : state.jobs)
        out["jobs"][std::to_string(id)] = databricks::canonical(job.at("settings"));
      for (const auto& [id, p] : state.pipelines) out["pipelines"][id] = databricks::canonical(p.at("spec"));
    });
    return out;
  };
  const Json before = all();
  EXPECT_TRUE(world.rollout("1.4.0").complete());
  EXPECT_NE(all(), before);
  const auto report = world.rollback();
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(all(), before);
}

TEST(Databricks, ARollbackGoesBackToAnyPathThatTheRolloutReplaced) {
  const std::string old = "churn-1.2.0-py3-none-any.whl";
  const std::vector<std::pair<std::string, std::string>> rows = {
      // what stands there, the file's own path
      {"/Volumes/main/ml/old/tab\there/" + old, "/Volumes/main/ml/old/tab\there/" + old},
      {"/dbfs/libs/churn @ x/n54/" + old, "dbfs:/libs/churn @ x/n54/" + old},
      {"file:///dbfs/libs/ab/n18/" + old, "dbfs:/libs/ab/n18/" + old},
      {"file:///Workspace/a%20b/" + old, "/Workspace/a b/" + old}};
  for (const auto& [path, file] : rows) {
    DbxWorld world;
    world.workspace.edit([&, at = file](auto& state) { state.put_file(at, "old", 1); });
    const Json spec = {{"dependencies", {"churn @ '" + path + "'"}}};
    const Json environments = {{{"environment_key", "e"}, {"spec", spec}}};
    const auto id =
        world.add_job({{"name", "score"}, {"tasks", {task("a", path)}}, {"environments", environments}});
    const Json before = world.settings(id);
    EXPECT_TRUE(world.rollout("1.4.0").complete()) << path;
    EXPECT_NE(world.settings(id), before) << path;
    const auto report = world.rollback();
    EXPECT_TRUE(report.complete()) << path;
    for (const auto& row : report.skipped) ADD_FAILURE() << row.detail;
    EXPECT_EQ(world.settings(id), before) << path;
  }
}

// Both came to the same path from different ones.
TEST(Databricks, ARollbackToAVersionPutsBackWhatEachReferenceWas) {
  DbxWorld world;
  const std::string wheel_12 = "/Volumes/main/ml/old/churn-1.2.0-py3-none-any.whl";
  const auto id = world.add_job({{"name", "two"}, {"tasks", {task("p", wheel_12), task("q", wheel_13)}}});
  world.workspace.edit([&](auto& state) {
    state.put_file(wheel_12, "older", 1);
    state.put_file(wheel_13, "old", 1);
  });
  EXPECT_TRUE(world.rollout("1.4.0").complete());
  world.restart();
  const Plan down =
      make_plan(world.request("1.3.0", Direction::down), world.targets, world.source, world.diagnostics);
  ASSERT_EQ(down.operations.size(), 1U);
  for (const auto& c : down.operations[0].changes) {
    EXPECT_EQ(c.to,
              c.path.find("key=q") != std::string::npos ? std::string(wheel_13) : published(world, "1.3.0"))
        << c.path;
  }
  EXPECT_NE(world.settings(id)["tasks"][0]["libraries"][0]["whl"], wheel_12);
}

TEST(Databricks, AnOldFileThatIsGoneIsNotRolledBackTo) {
  DbxWorld world;
  world.add_job({{"name", "score"}, {"tasks", {task("a", wheel_13)}}});  // the old file is nowhere
  EXPECT_TRUE(world.rollout("1.4.0").complete());
  const auto report = world.rollback();
  ASSERT_EQ(report.skipped.size(), 1U);
  EXPECT_EQ(report.skipped[0].reason, Reason::no_output);
}

// One of two references of a job could not be put back: the rollout is not undone, and a second rollback does
// the rest.
TEST(Databricks, ARollbackOfAPartOfAnObjectLeavesTheRestToTheNext) {
  DbxWorld world;
  const std::string wheel_12 = "/Volumes/main/ml/old/churn-1.2.0-py3-none-any.whl";
  const auto id = world.add_job({{"name", "two"}, {"tasks", {task("p", wheel_12), task("q", wheel_13)}}});
  world.workspace.edit([&](auto& state) { state.put_file(wheel_13, "old", 1); });
  EXPECT_TRUE(world.rollout("1.4.0").complete());
  EXPECT_FALSE(world.rollback().complete());
  EXPECT_EQ(world.settings(id)["tasks"][1]["libraries"][0]["whl"], wheel_13);
  EXPECT_EQ(world.settings(id)["tasks"][0]["libraries"][0]["whl"], published(world, "1.4.0"));
  ASSERT_TRUE(last_rollout(world.ledger, "prod", "churn"));
  world.workspace.edit([&](auto& state) { state.put_file(wheel_12, "older", 1); });
  EXPECT_TRUE(world.rollback().complete());
  EXPECT_EQ(world.settings(id)["tasks"][0]["libraries"][0]["whl"], wheel_12);
  EXPECT_FALSE(last_rollout(world.ledger, "prod", "churn"));
}

}  // namespace
}  // namespace mlship
