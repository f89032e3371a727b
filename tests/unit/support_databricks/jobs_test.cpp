// One test for each fact about the Jobs API that mlship must get right.
#include <set>

#include "tests/support/databricks/workspace_http.h"
#include "tests/unit/support_databricks/client.h"

namespace mlship::testing::dbx {
namespace {

const std::string list = "/api/2.2/jobs/list";

class Jobs : public ::testing::Test {
 protected:
  Jobs() { steady(); }
  void steady() {
    Switches switches = workspace.switches();
    switches.shuffle = false;
    workspace.set_switches(switches);
  }
  template <class F>
  void with(F change) {
    Switches switches = workspace.switches();
    change(switches);
    workspace.set_switches(switches);
  }
  std::vector<std::int64_t> pages(const std::string& first) {
    std::vector<std::int64_t> ids;
    std::string token;
    do {
      const Json page = client.get(first + (token.empty() ? "" : "&page_token=" + token));
      EXPECT_FALSE(page.contains("has_more"));
      for (const auto& job : page.value("jobs", Json::array())) ids.push_back(job["job_id"]);
      token = page.value("next_page_token", "");
    } while (!token.empty());
    return ids;
  }
  std::int64_t big_job(int tasks) {
    Json settings{
        {"name", "big"}, {"tasks", many("task_key", "t", tasks)}, {"parameters", many("name", "p", 3)}};
    return client.post("/api/2.2/jobs/create", settings)["job_id"];
  }
  Json settings(std::int64_t id) { return workspace.document("jobs/" + std::to_string(id)); }

  Workspace workspace;
  Client client{workspace};
};

TEST_F(Jobs, ListGivesEveryJobOnceNewestFirst) {
  add_jobs(workspace, 250);
  const auto ids = pages(list + "?limit=100");
  ASSERT_EQ(ids.size(), 250U);
  EXPECT_EQ(ids.front(), 250);
  EXPECT_EQ(ids.back(), 1);
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), 250U);
  EXPECT_EQ(workspace.requests(), 3U);
}

TEST_F(Jobs, ListHasTwentyAPageUnlessToldOtherwise) {
  add_jobs(workspace, 30);
  EXPECT_EQ(client.get(list)["jobs"].size(), 20U);
  EXPECT_EQ(client.refused("GET", list + "?limit=101"), "400 INVALID_PARAMETER_VALUE");
  EXPECT_EQ(client.refused("GET", list + "?limit=0"), "400 INVALID_PARAMETER_VALUE");
  EXPECT_EQ(client.refused("GET", list + "?page_token=nonsense"), "400 INVALID_PARAMETER_VALUE");
}

TEST_F(Jobs, AnEmptyWorkspaceHasNoJobsField) {
  EXPECT_EQ(client.get(list + "?limit=100"), Json::object());
}

TEST_F(Jobs, OffsetEndsAtAThousandInSilence) {
  add_jobs(workspace, 1150);
  EXPECT_EQ(client.get("/api/2.1/jobs/list?limit=100&offset=1000")["jobs"].size(), 100U);
  const Json beyond = client.get("/api/2.1/jobs/list?limit=100&offset=1100");
  EXPECT_FALSE(beyond.contains("jobs"));
  EXPECT_EQ(beyond["has_more"], false);
  with([](Switches& s) { s.offset_rejected = true; });
  EXPECT_EQ(client.refused("GET", "/api/2.1/jobs/list?offset=1100"), "400 INVALID_PARAMETER_VALUE");
}

TEST_F(Jobs, ListShowsTasksOnlyWhenAskedAndAHundredOfThem) {
  const std::int64_t id = big_job(150);
  const Json brief = client.get(list)["jobs"][0];
  EXPECT_EQ(brief["job_id"], id);
  EXPECT_FALSE(brief["settings"].contains("tasks"));
  const Json full = client.get(list + "?expand_tasks=true")["jobs"][0];
  EXPECT_EQ(full["settings"]["tasks"].size(), 100U);
  EXPECT_EQ(full["has_more"], true);
  EXPECT_FALSE(full.contains("next_page_token"));
  EXPECT_FALSE(full["settings"].contains("parameters"));
  with([](Switches& s) {
    s.list_omits_parameters = false;
    s.list_item_token = true;
  });
  const Json other = client.get(list + "?expand_tasks=true")["jobs"][0];
  EXPECT_EQ(other["settings"]["parameters"].size(), 3U);
  EXPECT_TRUE(other.contains("next_page_token"));
}

TEST_F(Jobs, ListMayOmitEnvironments) {
  client.post("/api/2.2/jobs/create",
              {{"environments", {{{"environment_key", "e"}, {"spec", Json::object()}}}}});
  EXPECT_TRUE(client.get(list + "?expand_tasks=true")["jobs"][0]["settings"].contains("environments"));
  with([](Switches& s) { s.list_omits_environments = true; });
  EXPECT_FALSE(client.get(list + "?expand_tasks=true")["jobs"][0]["settings"].contains("environments"));
}

TEST_F(Jobs, GetPagesItsArraysTogether) {
  const std::string get = "/api/2.2/jobs/get?job_id=" + std::to_string(big_job(250));
  const Json first = client.get(get);
  EXPECT_EQ(first["settings"]["tasks"].size(), 100U);
  EXPECT_EQ(first["settings"]["parameters"].size(), 3U);
  EXPECT_EQ(first["has_more"], true);
  const Json second = client.get(get + "&page_token=" + first["next_page_token"].get<std::string>());
  EXPECT_EQ(second["settings"]["tasks"][0]["task_key"], "t100");
  EXPECT_EQ(second["settings"]["parameters"], Json::array());
  const Json third = client.get(get + "&page_token=" + second["next_page_token"].get<std::string>());
  EXPECT_EQ(third["settings"]["tasks"].size(), 50U);
  EXPECT_FALSE(third.contains("has_more"));
  EXPECT_FALSE(third.contains("next_page_token"));
}

TEST_F(Jobs, OldVersionLeavesOutTasksBeyondAHundredAndSays200) {
  const std::string id = std::to_string(big_job(101));
  EXPECT_FALSE(client.get("/api/2.1/jobs/get?job_id=" + id)["settings"].contains("tasks"));
  EXPECT_FALSE(client.get("/api/2.1/jobs/list?expand_tasks=true")["jobs"][0]["settings"].contains("tasks"));
}

TEST_F(Jobs, WriteTakesAThousandTasks) {
  big_job(1000);
  EXPECT_EQ(client.refused("POST", "/api/2.2/jobs/create", {{"tasks", many("task_key", "t", 1001)}}),
            "400 INVALID_PARAMETER_VALUE");
}

TEST_F(Jobs, AJobThatIsNotThereIsA400) {
  EXPECT_EQ(client.refused("GET", "/api/2.2/jobs/get?job_id=5"), "400 INVALID_PARAMETER_VALUE");
}

TEST_F(Jobs, UpdateMergesByKeyAndReplacesTheRest) {
  const std::int64_t id =
      client.post("/api/2.2/jobs/create", {{"name", "a"},
                                           {"tags", {{"x", "1"}, {"y", "2"}}},
                                           {"tasks", many("task_key", "t", 3)},
                                           {"job_clusters", many("job_cluster_key", "c", 2)}})["job_id"];
  const Json before = settings(id);
  client.post("/api/2.2/jobs/update",
              {{"job_id", id},
               {"new_settings",
                {{"tags", {{"z", "3"}}},
                 {"tasks", {{{"task_key", "t1"}, {"max_retries", 2}}, {{"task_key", "new"}}}},
                 {"job_clusters", {{{"job_cluster_key", "c1"}, {"new_cluster", {{"num_workers", 1}}}}}}}}});
  const Json after = settings(id);
  EXPECT_EQ(after["name"], "a");
  EXPECT_EQ(after["tags"], Json({{"z", "3"}}));
  ASSERT_EQ(after["tasks"].size(), 4U);
  EXPECT_EQ(after["tasks"][0], before["tasks"][0]);
  EXPECT_EQ(after["tasks"][1]["max_retries"], 2);
  EXPECT_EQ(after["tasks"][3]["task_key"], "new");
  EXPECT_EQ(after["job_clusters"][0], before["job_clusters"][0]);
}

TEST_F(Jobs, UpdateReplacesAnEntryWhole) {
  const std::int64_t id = client.post("/api/2.2/jobs/create",
                                      {{"tasks", {{{"task_key", "a"}, {"description", "kept?"}}}}})["job_id"];
  client.post("/api/2.2/jobs/update", {{"job_id", id}, {"new_settings", {{"tasks", {{{"task_key", "a"}}}}}}});
  EXPECT_FALSE(settings(id)["tasks"][0].contains("description"));
}

TEST_F(Jobs, EnvironmentsAreReplacedOrMergedByASwitch) {
  const auto environment = [](const char* key, const char* line) {
    return Json{{"environment_key", key}, {"spec", {{"dependencies", {line}}}}};
  };
  for (const bool merge : {false, true}) {
    with([&](Switches& s) { s.environments_merge = merge; });
    const std::int64_t id =
        client.post("/api/2.2/jobs/create",
                    {{"environments", {environment("a", "x==1"), environment("b", "y==1")}}})["job_id"];
    client.post("/api/2.2/jobs/update",
                {{"job_id", id}, {"new_settings", {{"environments", {environment("a", "x==2")}}}}});
    EXPECT_EQ(settings(id)["environments"].size(), merge ? 2U : 1U);
    EXPECT_EQ(settings(id)["environments"][0], environment("a", "x==2"));
  }
}

TEST_F(Jobs, FieldsToRemoveNamesTopFieldsAndEntries) {
  const std::int64_t id = client.post("/api/2.2/jobs/create",
                                      {{"description", "d"}, {"tasks", many("task_key", "t", 3)}})["job_id"];
  client.post("/api/2.2/jobs/update", {{"job_id", id}, {"fields_to_remove", {"description", "tasks/t1"}}});
  EXPECT_FALSE(settings(id).contains("description"));
  EXPECT_EQ(settings(id)["tasks"].size(), 2U);
}

TEST_F(Jobs, ResetReplacesEverythingButRunAs) {
  const std::int64_t id = client.post(
      "/api/2.2/jobs/create",
      {{"name", "a"}, {"description", "d"}, {"run_as", {{"user_name", "robot@example.invalid"}}}})["job_id"];
  client.post("/api/2.2/jobs/reset", {{"job_id", id}, {"new_settings", {{"name", "b"}}}});
  const Json job = client.get("/api/2.2/jobs/get?job_id=" + std::to_string(id));
  EXPECT_EQ(job["settings"]["name"], "b");
  EXPECT_FALSE(job["settings"].contains("description"));
  EXPECT_EQ(job["run_as_user_name"], "robot@example.invalid");
}

TEST_F(Jobs, ResetOfAFirstPageLosesTheOtherTasks) {
  const std::int64_t id = big_job(150);
  const Json page = client.get("/api/2.2/jobs/get?job_id=" + std::to_string(id));
  client.post("/api/2.2/jobs/reset", {{"job_id", id}, {"new_settings", page["settings"]}});
  EXPECT_EQ(settings(id)["tasks"].size(), 100U);
}

TEST_F(Jobs, NothingSaysWhichVersionOfAJobWasRead) {
  const Json job = client.get("/api/2.2/jobs/get?job_id=" + std::to_string(big_job(1)));
  for (const char* key : {"etag", "version", "last_modified", "modified_time"})
    EXPECT_FALSE(job.contains(key)) << key;
}

TEST_F(Jobs, PolicyDefaultsAreTakenAndNeverShown) {
  const Json cluster{{"policy_id", "p"}, {"apply_policy_default_values", true}};
  const std::int64_t id =
      client.post("/api/2.2/jobs/create",
                  {{"tasks", {{{"task_key", "a"}, {"new_cluster", cluster}}}},
                   {"job_clusters", {{{"job_cluster_key", "c"}, {"new_cluster", cluster}}}}})["job_id"];
  EXPECT_EQ(settings(id)["tasks"][0]["new_cluster"]["apply_policy_default_values"], true);
  const Json seen = client.get("/api/2.2/jobs/get?job_id=" + std::to_string(id));
  EXPECT_EQ(seen.dump().find("apply_policy_default_values"), std::string::npos);
  client.post("/api/2.2/jobs/update",
              {{"job_id", id}, {"new_settings", {{"tasks", seen["settings"]["tasks"]}}}});
  EXPECT_FALSE(settings(id)["tasks"][0]["new_cluster"].contains("apply_policy_default_values"));
}

TEST_F(Jobs, DefaultsAreAddedAndUnorderedListsSorted) {
  Json tasks = many("task_key", "t", 3);
  tasks[2]["depends_on"] = {{{"task_key", "t1"}}, {{"task_key", "t0"}}};
  tasks[2]["webhook_notifications"] = {{"on_failure", {{{"id", "z"}}, {{"id", "a"}}}}};
  const std::int64_t id = client.post("/api/2.2/jobs/create", {{"tasks", tasks}})["job_id"];
  const Json task = settings(id)["tasks"][2];
  EXPECT_EQ(task["run_if"], "ALL_SUCCESS");
  EXPECT_EQ(task["timeout_seconds"], 0);
  EXPECT_EQ(task["email_notifications"], Json::object());
  EXPECT_EQ(task["depends_on"][0]["task_key"], "t0");
  EXPECT_EQ(task["webhook_notifications"]["on_failure"][0]["id"], "a");
  EXPECT_EQ(settings(id)["max_concurrent_runs"], 1);
}

TEST_F(Jobs, UnorderedListsMayComeInAnotherOrderEveryTime) {
  with([](Switches& s) { s.shuffle = true; });
  Json tasks = many("task_key", "t", 3);
  tasks[2]["depends_on"] = {{{"task_key", "t0"}}, {{"task_key", "t1"}}};
  const std::string get =
      "/api/2.2/jobs/get?job_id=" + client.post("/api/2.2/jobs/create", {{"tasks", tasks}})["job_id"].dump();
  EXPECT_NE(client.get(get)["settings"]["tasks"][2], client.get(get)["settings"]["tasks"][2]);
}

TEST_F(Jobs, LibrariesOnSharedClustersAreRefused) {
  const Json cluster{{"job_cluster_key", "c"}, {"libraries", {{{"whl", "/Volumes/a/b/c/x.whl"}}}}};
  EXPECT_EQ(client.refused("POST", "/api/2.2/jobs/create", {{"job_clusters", {cluster}}}),
            "400 INVALID_PARAMETER_VALUE");
}

TEST_F(Jobs, BundleJobsCanBeEditedSystemJobsCannot) {
  const auto owned = [](const char* kind) {
    return Json{{"edit_mode", "UI_LOCKED"},
                {"deployment", {{"kind", kind}, {"metadata_file_path", "/Workspace/x/metadata.json"}}}};
  };
  workspace.replace("jobs/1", {{"settings", owned("BUNDLE")}});
  workspace.replace("jobs/2", {{"settings", owned("SYSTEM_MANAGED")}});
  client.post("/api/2.2/jobs/update", {{"job_id", 1}, {"new_settings", {{"name", "n"}}}});
  EXPECT_EQ(settings(1)["deployment"]["metadata_file_path"], "/Workspace/x/metadata.json");
  EXPECT_EQ(
      client.refused("POST", "/api/2.2/jobs/update", {{"job_id", 2}, {"new_settings", {{"name", "n"}}}}),
      "403 PERMISSION_DENIED");
}

TEST_F(Jobs, ATokenSeesOnlyItsJobsAndMayViewWithoutManaging) {
  add_jobs(workspace, 3);
  workspace.edit([](State& state) {
    Access access;
    access.user = "u@example.invalid";
    access.others = "NONE";
    access.levels = {{"jobs/1", "CAN_VIEW"}, {"jobs/2", "CAN_MANAGE"}};
    state.tokens["limited"] = access;
  });
  const Client limited{workspace, "limited"};
  EXPECT_EQ(limited.get(list)["jobs"].size(), 2U);
  const Json change{{"job_id", 1}, {"new_settings", {{"name", "n"}}}};
  EXPECT_EQ(limited.refused("POST", "/api/2.2/jobs/update", change), "403 PERMISSION_DENIED");
  EXPECT_EQ(limited.refused("GET", "/api/2.2/jobs/get?job_id=3"), "403 PERMISSION_DENIED");
  limited.post("/api/2.2/jobs/update", {{"job_id", 2}, {"new_settings", {{"name", "n"}}}});
  EXPECT_EQ(
      limited.get(
          "/api/2.0/permissions/jobs/1")["access_control_list"][0]["all_permissions"][0]["permission_level"],
      "CAN_VIEW");
}

TEST_F(Jobs, UnknownFieldsAndZerosAreKept) {
  const Json odd{{"name", "a"}, {"some_new_field", {{"deep", 0}}}, {"max_retries", 0}, {"flag", false}};
  const std::int64_t id = client.post("/api/2.2/jobs/create", odd)["job_id"];
  for (const auto& [key, value] : odd.items()) EXPECT_EQ(settings(id)[key], value) << key;
}

}  // namespace
}  // namespace mlship::testing::dbx
