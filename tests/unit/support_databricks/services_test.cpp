// One test for each fact about pipelines, clusters, policies, files, runs and tokens that mlship must get
// right.
#include "core/base64.h"
#include "tests/unit/support_databricks/client.h"

namespace mlship::testing::dbx {
namespace {

class Services : public ::testing::Test {
 protected:
  template <class F>
  void with(F change) {
    Switches switches = workspace.switches();
    change(switches);
    workspace.set_switches(switches);
  }
  Reply upload(const std::string& path, const std::string& bytes, bool overwrite = false) {
    return client.ask(
        "PUT", "/api/2.0/fs/files" + path + (overwrite ? "?overwrite=true" : "?overwrite=false"), bytes);
  }
  Json status(const std::string& cluster) {
    return client.get("/api/2.0/libraries/cluster-status?cluster_id=" + cluster)
        .value("library_statuses", Json::array());
  }
  // Looks until nothing moves any more.
  Json settled(const std::string& cluster) {
    Json last;
    for (Json now = status(cluster); now != last; now = status(cluster)) last = now;
    return last;
  }
  void cluster(const std::string& id, const char* state) {
    workspace.replace("clusters/" + id, {{"cluster_id", id}, {"state", state}, {"cluster_name", id}});
  }
  static Json whl(const std::string& path) { return {{"whl", path}}; }

  Workspace workspace;
  Client client{workspace};
};

TEST_F(Services, PipelineListHasNoSpec) {
  for (int i = 0; i < 30; ++i)
    client.post("/api/2.0/pipelines", {{"name", "p" + std::to_string(i)}, {"libraries", Json::array()}});
  const Json page = client.get("/api/2.0/pipelines?max_results=25");
  EXPECT_EQ(page["statuses"].size(), 25U);
  EXPECT_FALSE(page["statuses"][0].contains("spec"));
  const Json rest = client.get("/api/2.0/pipelines?max_results=25&page_token=" +
                               page["next_page_token"].get<std::string>());
  EXPECT_EQ(rest["statuses"].size(), 5U);
  EXPECT_FALSE(rest.contains("next_page_token"));
  EXPECT_EQ(client.refused("GET", "/api/2.0/pipelines?max_results=101"), "400 INVALID_PARAMETER_VALUE");
}

TEST_F(Services, PipelinePutComparesAndSwaps) {
  const std::string id = client.post("/api/2.0/pipelines", {{"name", "a"}})["pipeline_id"];
  const std::string path = "/api/2.0/pipelines/" + id;
  const std::int64_t seen = client.get(path)["last_modified"];
  client.put(path, {{"name", "b"}, {"expected_last_modified", seen}});
  EXPECT_GT(client.get(path)["last_modified"], seen);
  EXPECT_EQ(client.refused("PUT", path, {{"name", "c"}, {"expected_last_modified", seen}}),
            "409 RESOURCE_CONFLICT");
  EXPECT_EQ(client.get(path)["name"], "b");
  with([](Switches& s) {
    s.conflict_status = 400;
    s.conflict_code = "INVALID_STATE";
  });
  EXPECT_EQ(client.refused("PUT", path, {{"name", "c"}, {"expected_last_modified", seen}}),
            "400 INVALID_STATE");
  client.put(path, {{"name", "d"}, {"expected_last_modified", 0}});
  EXPECT_EQ(client.get(path)["name"], "d");
}

TEST_F(Services, PipelineRunAsAndParametersStandBesideTheSpecAndMustBeSentAgain) {
  const Json given{{"name", "a"}, {"run_as", {{"user_name", "robot"}}}, {"parameters", {{"k", "v"}}}};
  const std::string path =
      "/api/2.0/pipelines/" + client.post("/api/2.0/pipelines", given)["pipeline_id"].get<std::string>();
  const Json seen = client.get(path);
  EXPECT_EQ(seen["run_as"], given["run_as"]);
  EXPECT_EQ(seen["parameters"], given["parameters"]);
  EXPECT_FALSE(seen["spec"].contains("run_as"));
  client.put(path, seen["spec"]);
  EXPECT_FALSE(client.get(path).contains("run_as"));
}

TEST_F(Services, LibrariesInstallStepByStep) {
  cluster("c", "RUNNING");
  upload("/Volumes/m/s/v/churn-1.0-py3-none-any.whl", "x");
  const Json library = whl("/Volumes/m/s/v/churn-1.0-py3-none-any.whl");
  client.post("/api/2.0/libraries/install", {{"cluster_id", "c"}, {"libraries", {library}}});
  EXPECT_EQ(status("c")[0]["status"], "PENDING");
  EXPECT_EQ(status("c")[0]["status"], "RESOLVING");
  EXPECT_EQ(status("c")[0]["status"], "INSTALLING");
  EXPECT_EQ(status("c")[0]["status"], "INSTALLED");
  const Json all = client.get("/api/2.0/libraries/all-cluster-statuses")["statuses"];
  EXPECT_EQ(all[0]["cluster_id"], "c");
  EXPECT_EQ(all[0]["library_statuses"][0]["library"], library);
}

TEST_F(Services, UninstallWaitsForTheRestart) {
  cluster("c", "RUNNING");
  workspace.edit([](State& s) { s.libraries["c"] = {{whl("dbfs:/x-1.whl"), "INSTALLED", {}}}; });
  client.post("/api/2.0/libraries/uninstall", {{"cluster_id", "c"}, {"libraries", {whl("dbfs:/x-1.whl")}}});
  EXPECT_EQ(settled("c")[0]["status"], "UNINSTALL_ON_RESTART");
  client.post("/api/2.0/clusters/restart", {{"cluster_id", "c"}});
  EXPECT_EQ(settled("c"), Json::array());
  const std::string get = "/api/2.1/clusters/get?cluster_id=c";
  EXPECT_EQ(client.get(get)["state"], "RESTARTING");
  EXPECT_EQ(client.get(get)["state"], "RUNNING");
}

TEST_F(Services, OldAndNewTogetherFailAsDuplicate) {
  cluster("c", "RUNNING");
  for (const char* version : {"1.0", "1.1"}) {
    upload("/Volumes/m/s/v/churn-" + std::string(version) + "-py3-none-any.whl", "x");
    client.post("/api/2.0/libraries/install",
                {{"cluster_id", "c"},
                 {"libraries", {whl("/Volumes/m/s/v/churn-" + std::string(version) + "-py3-none-any.whl")}}});
    settled("c");
  }
  const Json all = status("c");
  EXPECT_EQ(all[0]["status"], "INSTALLED");
  EXPECT_EQ(all[1]["status"], "FAILED");
  EXPECT_NE(all[1]["messages"][0].get<std::string>().find("Duplicate package installation detected"),
            std::string::npos);
}

TEST_F(Services, AMissingFileFailsTheInstallation) {
  cluster("c", "RUNNING");
  client.post("/api/2.0/libraries/install",
              {{"cluster_id", "c"}, {"libraries", {whl("dbfs:/none-1.0-py3-none-any.whl")}}});
  EXPECT_EQ(settled("c")[0]["status"], "FAILED");
}

TEST_F(Services, InstallOnATerminatedClusterWaitsOrIsRefused) {
  cluster("c", "TERMINATED");
  const Json body{{"cluster_id", "c"}, {"libraries", {{{"pypi", {{"package", "x==1"}}}}}}};
  client.post("/api/2.0/libraries/install", body);
  EXPECT_EQ(settled("c")[0]["status"], "PENDING");
  with([](Switches& s) { s.install_on_terminated = false; });
  EXPECT_EQ(client.refused("POST", "/api/2.0/libraries/install", body), "400 INVALID_STATE");
}

TEST_F(Services, PolicyEditReplacesThePolicyAndNeedsAnAdministrator) {
  const std::string id =
      client.post("/api/2.0/policies/clusters/create",
                  {{"name", "a"}, {"definition", "{}"}, {"libraries", {whl("dbfs:/a-1.whl")}}})["policy_id"];
  EXPECT_EQ(client.get("/api/2.0/policies/clusters/list")["policies"][0]["libraries"][0],
            whl("dbfs:/a-1.whl"));
  client.post("/api/2.0/policies/clusters/edit", {{"policy_id", id}, {"name", "a"}});
  const Json now = client.get("/api/2.0/policies/clusters/get?policy_id=" + id);
  EXPECT_FALSE(now.contains("libraries"));
  EXPECT_FALSE(now.contains("definition"));
  workspace.look([&](const State& s) { EXPECT_EQ(s.revisions.at(id).size(), 1U); });
  workspace.edit([](State& s) {
    s.tokens["t"] = {};
    s.tokens["plain"].admin = false;
  });
  const Client plain{workspace, "plain"};
  EXPECT_EQ(plain.refused("POST", "/api/2.0/policies/clusters/edit", {{"policy_id", id}, {"name", "b"}}),
            "403 PERMISSION_DENIED");
}

TEST_F(Services, FilesAreCreatedOnceAndHeadTellsNoHash) {
  EXPECT_EQ(upload("/Volumes/m/s/v/a.whl", "bytes").status, 204);
  EXPECT_EQ(upload("/Volumes/m/s/v/a.whl", "other").status, 409);
  EXPECT_EQ(*workspace.file("dbfs:/Volumes/m/s/v/a.whl"), "bytes");
  EXPECT_EQ(upload("/Volumes/m/s/v/a.whl", "other", true).status, 204);
  const Reply head = client.ask("HEAD", "/api/2.0/fs/files/Volumes/m/s/v/a.whl");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(head.headers.find("content-length")->second, "5");
  EXPECT_TRUE(head.headers.contains("last-modified"));
  EXPECT_EQ(head.headers.size(), 3U);  // and the type: no etag, no hash
  EXPECT_EQ(client.ask("GET", "/api/2.0/fs/files/Volumes/m/s/v/a.whl").body, "other");
  EXPECT_EQ(client.ask("HEAD", "/api/2.0/fs/files/Volumes/m/s/v/b.whl").status, 404);
}

TEST_F(Services, TheFolderAboveAFileMustBeThere) {
  EXPECT_EQ(upload("/Volumes/m/s/v/new/a.whl", "x").status, 404);
  EXPECT_EQ(client.ask("PUT", "/api/2.0/fs/directories/Volumes/m/s/v/new").status, 204);
  EXPECT_EQ(client.ask("HEAD", "/api/2.0/fs/directories/Volumes/m/s/v/new").status, 200);
  EXPECT_EQ(upload("/Volumes/m/s/v/new/a.whl", "x").status, 204);
  with([](Switches& s) { s.parent_must_exist = false; });
  EXPECT_EQ(upload("/Volumes/m/s/v/other/a.whl", "x").status, 204);
}

TEST_F(Services, WorkspaceImportIsBase64OfTenMegabytesAtMost) {
  const Json body{{"path", "/Shared/libs/a.whl"}, {"content", base64_encode("bytes")}, {"format", "AUTO"}};
  EXPECT_EQ(client.refused("POST", "/api/2.0/workspace/import", body), "404 RESOURCE_DOES_NOT_EXIST");
  client.post("/api/2.0/workspace/mkdirs", {{"path", "/Workspace/Shared/libs"}});
  client.post("/api/2.0/workspace/import", body);
  EXPECT_EQ(client.refused("POST", "/api/2.0/workspace/import", body), "400 RESOURCE_ALREADY_EXISTS");
  EXPECT_EQ(client.get("/api/2.0/workspace/export?path=/Workspace/Shared/libs/a.whl")["content"],
            base64_encode("bytes"));
  EXPECT_EQ(client.get("/api/2.0/workspace/get-status?path=/Shared/libs/a.whl")["size"], 5);
  const Json big{{"path", "/Shared/big"}, {"content", base64_encode(std::string((10U << 20U) + 1, 'x'))}};
  EXPECT_EQ(client.refused("POST", "/api/2.0/workspace/import", big), "400 MAX_NOTEBOOK_SIZE_EXCEEDED");
}

TEST_F(Services, DbfsBlocksHaveOneMegabyte) {
  const std::string mega(1U << 20U, 'x');
  client.post("/api/2.0/dbfs/put", {{"path", "/FileStore/a"}, {"contents", base64_encode(mega)}});
  EXPECT_EQ(client.refused("POST", "/api/2.0/dbfs/put",
                           {{"path", "/FileStore/b"}, {"contents", base64_encode(mega + "y")}}),
            "400 MAX_BLOCK_SIZE_EXCEEDED");
  EXPECT_EQ(client.refused("POST", "/api/2.0/dbfs/put", {{"path", "/FileStore/a"}, {"contents", ""}}),
            "400 RESOURCE_ALREADY_EXISTS");
  const Json handle = client.post("/api/2.0/dbfs/create", {{"path", "/FileStore/c"}})["handle"];
  EXPECT_EQ(client.refused("POST", "/api/2.0/dbfs/add-block",
                           {{"handle", handle}, {"data", base64_encode(mega + "y")}}),
            "400 MAX_BLOCK_SIZE_EXCEEDED");
  for (int i = 0; i < 2; ++i)
    client.post("/api/2.0/dbfs/add-block", {{"handle", handle}, {"data", base64_encode(mega)}});
  EXPECT_FALSE(workspace.file("dbfs:/FileStore/c"));
  client.post("/api/2.0/dbfs/close", {{"handle", handle}});
  EXPECT_EQ(workspace.file("/dbfs/FileStore/c")->size(), 2U << 20U);
  EXPECT_EQ(client.get("/api/2.0/dbfs/get-status?path=/FileStore/c")["file_size"], 2U << 20U);
  EXPECT_EQ(client.get("/api/2.0/dbfs/read?path=/FileStore/c&offset=10&length=5")["bytes_read"], 5);
}

TEST_F(Services, AnIdempotencyTokenIsExactlyOneRun) {
  add_jobs(workspace, 1);
  const Json body{{"job_id", 1}, {"idempotency_token", "abc"}};
  EXPECT_EQ(client.post("/api/2.2/jobs/run-now", body)["run_id"],
            client.post("/api/2.2/jobs/run-now", body)["run_id"]);
  workspace.look([](const State& s) { EXPECT_EQ(s.runs.size(), 1U); });
  const Json too_long{{"job_id", 1}, {"idempotency_token", std::string(65, 'x')}};
  EXPECT_EQ(client.refused("POST", "/api/2.2/jobs/run-now", too_long), "400 INVALID_PARAMETER_VALUE");
}

TEST_F(Services, ARunWithoutItsLibraryEndsWithTheExactSignal) {
  workspace.replace(
      "jobs/1",
      {{"settings",
        {{"tasks", {{{"task_key", "a"}, {"libraries", {whl("dbfs:/none-1.0-py3-none-any.whl")}}}}}}}});
  const std::string get = "/api/2.2/jobs/runs/get?run_id=" +
                          client.post("/api/2.2/jobs/run-now", {{"job_id", 1}})["run_id"].dump();
  EXPECT_EQ(client.get(get)["state"]["life_cycle_state"], "PENDING");
  const Json run = client.get(get);
  EXPECT_EQ(run["state"]["life_cycle_state"], "INTERNAL_ERROR");
  EXPECT_EQ(run["state"]["result_state"], "FAILED");
  EXPECT_EQ(run["status"]["termination_details"]["code"], "LIBRARY_INSTALLATION_ERROR");
}

TEST_F(Services, ActiveRunsOnly) {
  add_jobs(workspace, 2);
  with([](Switches& s) { s.run_looks = 2; });
  client.post("/api/2.2/jobs/run-now", {{"job_id", 1}});
  const std::string list = "/api/2.2/jobs/runs/list?active_only=true&job_id=1";
  EXPECT_EQ(client.get(list)["runs"].size(), 1U);
  EXPECT_EQ(client.get(list)["runs"].size(), 1U);
  EXPECT_FALSE(client.get(list).contains("runs"));
  EXPECT_EQ(client.get("/api/2.2/jobs/runs/list?job_id=1")["runs"][0]["state"]["result_state"], "SUCCESS");
}

TEST_F(Services, OAuthTokensEnd) {
  workspace.edit([](State& s) { s.clients["id"] = "secret"; });
  const auto token = [&](const std::string& secret) {
    return workspace.handle(make_request("POST", "/oidc/v1/token",
                                         {{"authorization", "Basic " + base64_encode("id:" + secret)}},
                                         "grant_type=client_credentials&scope=all-apis"));
  };
  EXPECT_EQ(token("wrong").status, 401);
  const Json made = Json::parse(token("secret").body);
  EXPECT_EQ(made["expires_in"], 3600);
  const Client robot{workspace, made["access_token"]};
  EXPECT_EQ(robot.get("/api/2.0/preview/scim/v2/Me")["userName"], "id");
  workspace.advance(std::chrono::seconds(3600));
  EXPECT_EQ(robot.ask("GET", "/api/2.0/preview/scim/v2/Me").status, 401);
}

TEST_F(Services, WithoutATokenNothingIsTold) {
  EXPECT_EQ(workspace.handle(make_request("GET", "/api/2.2/jobs/list")).status, 401);
  workspace.edit([](State& s) { s.tokens["known"] = {}; });
  EXPECT_EQ(client.ask("GET", "/api/2.2/jobs/list").status, 401);
  with([](Switches& s) { s.bad_token_status = 403; });
  EXPECT_EQ(client.ask("GET", "/api/2.2/jobs/list").status, 403);
}

TEST_F(Services, EveryFormOfRefusal) {
  const auto no = [&](const std::string& form) {
    with([&](Switches& s) { s.error_form = form; });
    return client.ask("GET", "/api/2.2/jobs/get?job_id=5");
  };
  EXPECT_EQ(Json::parse(no("json").body)["error_code"], "INVALID_PARAMETER_VALUE");
  EXPECT_EQ(Json::parse(no("json-number").body)["error_code"], 400);
  EXPECT_EQ(Json::parse(no("legacy").body)["error"], "Job 5 does not exist.");
  EXPECT_EQ(Json::parse(no("scim").body)["detail"], "Job 5 does not exist.");
  EXPECT_EQ(no("text").body, "INVALID_PARAMETER_VALUE: Job 5 does not exist.");
  EXPECT_NE(no("html").body.find("<pre>INVALID_PARAMETER_VALUE"), std::string::npos);
  EXPECT_EQ(no("empty").body, "");
  EXPECT_EQ(no("redirect").status, 302);
  EXPECT_THROW(no("nonsense"), Refusal);
}

}  // namespace
}  // namespace mlship::testing::dbx
