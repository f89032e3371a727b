// Faults, limits, the log and the foreign writer of the test workspace, and its in-process client.
#include <thread>

#include "tests/support/databricks/path.h"
#include "tests/support/databricks/workspace_http.h"
#include "tests/support/fakes.h"
#include "tests/unit/support_databricks/client.h"

namespace mlship::testing::dbx {
namespace {

const std::string update = "/api/2.2/jobs/update";

HttpRequest get_job(int id) {
  HttpRequest request;
  request.url = "http://127.0.0.1:1/api/2.2/jobs/get?job_id=" + std::to_string(id);
  request.headers = {{"Authorization", "Bearer t"}};
  return request;
}
HttpRequest rename(int id, const std::string& name) {
  HttpRequest request = get_job(id);
  request.method = "POST";
  request.url = "http://127.0.0.1:1" + update;
  request.body = Json{{"job_id", id}, {"new_settings", {{"name", name}}}}.dump();
  return request;
}
std::string name_of(const Workspace& workspace, int id) {
  return workspace.document("jobs/" + std::to_string(id))["name"];
}

class Faulty : public ::testing::Test {
 protected:
  Faulty() { add_jobs(workspace, 3); }
  Workspace workspace;
  Client client{workspace};
};

TEST_F(Faulty, DropBeforeDoesNothingDropAfterDoesIt) {
  WorkspaceHttp http(workspace);
  for (const char* kind : {"drop-before", "drop-after"}) {
    workspace.add_fault({.kind = kind, .path = update});
    try {
      http.send(rename(1, kind));
      FAIL() << kind;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::network);
    }
    EXPECT_EQ(name_of(workspace, 1), kind == std::string("drop-before") ? "job 1" : "drop-after");
    workspace.clear_faults();
  }
  EXPECT_EQ(http.send(get_job(1)).status, 200);
}

TEST_F(Faulty, AReadIsTriedAgainAsTheRealClientDoes) {
  ManualClock clock;
  WorkspaceHttp http(workspace, &clock);
  workspace.add_fault({.kind = "drop-before", .request = 1});
  workspace.add_fault({.request = 2, .status = 429, .retry_after = 7});
  EXPECT_EQ(http.send(get_job(1)).status, 200);
  EXPECT_EQ(workspace.requests(), 3U);
  EXPECT_EQ(clock.slept.back(), std::chrono::seconds(7));
}

TEST_F(Faulty, AStatusMayComeAfterTheWork) {
  workspace.add_fault({.path = update, .status = 503, .executed = true});
  EXPECT_EQ(client.ask("POST", update, rename(1, "done").body).status, 503);
  EXPECT_EQ(name_of(workspace, 1), "done");
}

TEST_F(Faulty, KillEndsTheClientBeforeOrAfter) {
  WorkspaceHttp http(workspace);
  workspace.add_fault({.kind = "kill-before", .request = 1});
  workspace.add_fault({.kind = "kill-after", .request = 2});
  EXPECT_THROW(http.send(rename(1, "a")), ClientKilled);
  EXPECT_EQ(name_of(workspace, 1), "job 1");
  EXPECT_THROW(http.send(rename(1, "b")), ClientKilled);
  EXPECT_EQ(name_of(workspace, 1), "b");
}

TEST_F(Faulty, ByPatternTheFirstFewPass) {
  workspace.add_fault({.method = "POST", .path = "/api/2.2/**", .skip = 1, .times = 2});
  std::vector<int> statuses;
  for (int i = 0; i < 4; ++i) statuses.push_back(client.ask("POST", update, rename(1, "x").body).status);
  EXPECT_EQ(statuses, (std::vector{200, 503, 503, 200}));
  EXPECT_THROW(workspace.add_fault({.kind = "dorp"}), Refusal);
}

TEST_F(Faulty, DelaysAreToldNotSlept) {
  workspace.set_latency(std::chrono::milliseconds(50));
  workspace.add_fault({.kind = "delay", .request = 1, .delay = 200});
  EXPECT_EQ(client.ask("GET", "/api/2.2/jobs/list").delay.count(), 250);
  EXPECT_EQ(client.ask("GET", "/api/2.2/jobs/list").delay.count(), 50);
}

TEST_F(Faulty, BeyondTheRateIs429) {
  workspace.set_rate({.per_second = 10, .burst = 2, .retry_after = 1});
  const auto ask = [&] { return client.ask("GET", "/api/2.2/jobs/list"); };
  EXPECT_EQ(ask().status, 200);
  EXPECT_EQ(ask().status, 200);
  const Reply third = ask();
  EXPECT_EQ(third.status, 429);
  EXPECT_EQ(third.headers.find("retry-after")->second, "1");
  workspace.advance(std::chrono::milliseconds(110));
  EXPECT_EQ(ask().status, 200);
}

TEST_F(Faulty, TheLogCounts) {
  WorkspaceHttp one(workspace), two(workspace);
  one.send(get_job(1));
  two.send(get_job(2));
  two.send(rename(2, "x"));
  EXPECT_EQ(workspace.counts(),
            (std::map<std::string, std::int64_t>{{"GET /api/2.2/jobs/get", 2}, {"POST " + update, 1}}));
  EXPECT_EQ(workspace.connections(), 2);
  EXPECT_EQ(workspace.writes(), 1);
  EXPECT_EQ(workspace.log()[1].query, "job_id=2");
  workspace.reset_log();
  EXPECT_EQ(workspace.requests(), 0U);
}

TEST_F(Faulty, ManyThreadsMayAsk) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      WorkspaceHttp http(workspace);
      for (int i = 0; i < 50; ++i) http.send(rename(1, "n" + std::to_string(i)));
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(workspace.requests(), 200U);
}

State with_tasks() {
  State state;
  Json tasks = Json::array();
  tasks.push_back({{"task_key", "ours"}, {"libraries", {{{"whl", "dbfs:/churn-1.2.1-py3-none-any.whl"}}}}});
  for (const char* key : {"a", "b", "c"}) tasks.push_back({{"task_key", key}});
  state.put_job(
      {{"job_id", 1},
       {"settings",
        {{"name", "etl"},
         {"tasks", tasks},
         {"environments", {{{"environment_key", "e"}, {"spec", {{"dependencies", {"churn==1.2.1"}}}}}}}}}});
  return state;
}

TEST(ForeignWriter, RemembersWhatItDidAndWhetherItIsStillThere) {
  Workspace workspace(with_tasks());
  workspace.set_writer({.seed = 5, .probability = 1});
  const Client client{workspace};
  for (int i = 0; i < 60; ++i) client.ask("GET", "/api/2.2/jobs/get?job_id=1");
  std::set<std::string> kinds;
  for (const auto& edit : workspace.edits()) kinds.insert(edit.kind);
  EXPECT_EQ(kinds.size(), 8U) << ::testing::PrintToString(kinds);
  EXPECT_EQ(workspace.lost_edits().size(), 0U);
}

TEST(ForeignWriter, AResetFromAnOldReadLosesItsEdits) {
  Workspace workspace(with_tasks());
  const Client client{workspace};
  const Json before = client.get("/api/2.2/jobs/get?job_id=1")["settings"];
  workspace.set_writer({.seed = 1, .probability = 1, .kinds = {"schedule"}, .most = 1});
  client.get("/api/2.2/jobs/get?job_id=1");
  workspace.set_writer({.seed = 1, .probability = 1, .kinds = {"other-task"}, .most = 1});
  client.post("/api/2.2/jobs/reset", {{"job_id", 1}, {"new_settings", before}});
  ASSERT_EQ(workspace.lost_edits().size(), 1U);
  EXPECT_EQ(workspace.lost_edits()[0].kind, "other-task");
  EXPECT_NE(workspace.lost_edits()[0].task, "ours");
}

TEST(ForeignWriter, AnUpdateOfOneTaskLosesOnlyWhatLiesInIt) {
  Workspace workspace(with_tasks());
  const Client client{workspace};
  const Json task = client.get("/api/2.2/jobs/get?job_id=1")["settings"]["tasks"][0];
  for (const char* kind : {"other-task", "schedule", "name", "add-task", "same-task"}) {
    workspace.set_writer({.seed = 2, .probability = 1, .kinds = {kind}, .most = 1});
    client.post("/api/2.2/jobs/update", {{"job_id", 1}, {"new_settings", {{"tasks", {task}}}}});
    ASSERT_EQ(workspace.edits().size(), 1U) << kind;
    EXPECT_EQ(workspace.lost_edits().size(), kind == std::string("same-task") ? 1U : 0U) << kind;
  }
}

TEST(ForeignWriter, ASeedIsOneStory) {
  std::vector<Json> ends;
  for (int i = 0; i < 2; ++i) {
    Workspace workspace(with_tasks());
    workspace.set_writer({.seed = 9, .probability = 0.5});
    const Client client{workspace};
    for (int k = 0; k < 40; ++k) client.ask("GET", "/api/2.2/jobs/list");
    ends.push_back(workspace.everything());
  }
  EXPECT_EQ(ends[0], ends[1]);
}

TEST(Paths, NameEntriesByKeyAndByNumber) {
  const State state = with_tasks();
  Json document = *document_of(state, "jobs/1");
  EXPECT_EQ(*locate(document, "tasks[key=ours]/libraries[0]/whl"), "dbfs:/churn-1.2.1-py3-none-any.whl");
  EXPECT_EQ(*locate(document, "environments[key=e]/spec/dependencies[0]#2"), "churn==1.2.1");
  EXPECT_EQ(locate(document, "tasks[key=none]/libraries[0]/whl"), nullptr);
  EXPECT_EQ(locate(document, "tasks[key=ours]/libraries[1]/whl"), nullptr);
}

}  // namespace
}  // namespace mlship::testing::dbx
