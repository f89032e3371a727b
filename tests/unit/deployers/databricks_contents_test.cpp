// Files that jobs install from, and places that may name a package and are not written.
#include "tests/unit/deployers/databricks_fixture.h"

namespace mlship {
namespace {

using test::DbxWorld;

Json job_with(Json task, Json more = Json::object()) {
  task["task_key"] = "a";
  Json settings = {{"name", "score"}, {"tasks", {std::move(task)}}};
  settings.update(more);
  return settings;
}
Json requires_file(const std::string& path) {
  return job_with({{"libraries", {{{"requirements", path}}}}});
}
Json init_script(const std::string& kind, const std::string& path) {
  return job_with({{"new_cluster", {{"init_scripts", {{{kind, {{"destination", path}}}}}}}}});
}
Json environment(Json spec) {
  return job_with({{"environment_key", "E"}},
                  {{"environments", {{{"environment_key", "E"}, {"spec", std::move(spec)}}}}});
}

struct FileRow {
  std::string path;
  std::string text;
  Json settings;
  std::string says;  // in the row's detail; "": nothing is listed
};

TEST(DatabricksContents, AFileThatNamesThePackageIsListedWithItsVersion) {
  const std::string workspace = "/Workspace/Shared/r.txt", volume = "/Volumes/main/ml/libs/r.txt",
                    dbfs = "dbfs:/init/i.sh";
  const std::vector<FileRow> rows = {
      {workspace, "pandas\nchurn==1.3.0\n", requires_file(workspace), "churn==1.3.0"},
      {volume, "churn[train]==1.3.0 ; python_version > '3.8'\n", requires_file(volume), "1.3.0"},
      {volume, "/Volumes/main/ml/old/churn-1.3.0-py3-none-any.whl\n",
       environment({{"dependencies", {"-r " + volume}}}), "1.3.0"},
      {workspace, "churn==1.3.0\n", environment({{"dependencies", {"-r" + workspace}}}), "1.3.0"},
      {volume, "churn==1.3.0\n", environment({{"dependencies", {"-c" + volume}}}), "1.3.0"},
      {volume, "churn==1.3.0\n", environment({{"dependencies", {"--requirement=" + volume}}}), "1.3.0"},
      {dbfs, "#!/bin/sh\n/databricks/python/bin/pip install churn==1.3.0\n", init_script("dbfs", dbfs),
       "1.3.0"},
      {"/Workspace/Users/a@b.c/i.sh", "pip install 'churn==1.3.0'",
       init_script("workspace", "/Users/a@b.c/i.sh"), "1.3.0"},
      {"/Workspace/Shared/e.yaml", "environment_version: '4'\ndependencies:\n  - churn==1.3.0\n",
       environment({{"base_environment", "/Workspace/Shared/e.yaml"}}), "1.3.0"},
      {volume, "churn>=1,<2\n", requires_file(volume), "churn>=1,<2"},
      {volume, "pandas # not churn==1.3.0\n#churn==1.3.0\nchurn-plus==1.3.0\n", requires_file(volume), ""},
      {"/Volumes/main/ml/libs/churn.txt", "pandas\n", requires_file("/Volumes/main/ml/libs/churn.txt"), ""}};
  for (const auto& row : rows) {
    DbxWorld world;
    world.workspace.edit([&](testing::dbx::State& state) { state.put_file(row.path, row.text, 1); });
    world.add_job(row.settings);
    const Plan plan = world.plan("1.4.0");
    EXPECT_TRUE(plan.operations.empty()) << row.text;
    ASSERT_EQ(plan.skipped.size(), row.says.empty() ? 0U : 1U) << row.path << ": " << row.text;
    if (row.says.empty()) continue;
    EXPECT_NE(plan.skipped[0].detail.find(row.says), std::string::npos) << plan.skipped[0].detail;
    EXPECT_NE(plan.skipped[0].detail.find(row.path.substr(row.path.rfind('/'))), std::string::npos);
  }
}

TEST(DatabricksContents, AFileIsReadOnceAndWhatItIncludesToo) {
  DbxWorld world;
  world.workspace.edit([](testing::dbx::State& state) {
    state.put_file("/Workspace/Shared/r.txt", "-r more/base.txt\n-r /Workspace/Shared/r.txt\n", 1);
    state.put_file("/Workspace/Shared/more/base.txt", "churn==1.3.0\n", 1);
  });
  for (int i = 0; i < 20; ++i) world.add_job(requires_file("/Workspace/Shared/r.txt"));
  EXPECT_EQ(world.plan("1.4.0").skipped.size(), 20U);
  EXPECT_EQ(world.workspace.counts()["GET /api/2.0/workspace/export"], 2);
  EXPECT_EQ(world.plan("1.4.0").skipped.size(), 20U);
  EXPECT_EQ(world.workspace.counts()["GET /api/2.0/workspace/export"], 2);
}

TEST(DatabricksContents, AFileThatCannotBeReadIsSaid) {
  DbxWorld world;
  world.workspace.edit([](testing::dbx::State& state) {
    state.put_file("/Volumes/main/ml/libs/large.txt", std::string(2U << 20U, 'x'), 1);
    state.put_file("/Volumes/main/ml/libs/secret.txt", "churn==1.3.0", 1);
  });
  world.workspace.add_fault(
      {.path = "/api/2.0/fs/files/**secret.txt", .times = 0, .status = 403, .code = "PERMISSION_DENIED"});
  world.add_job(requires_file("/Volumes/main/ml/libs/large.txt"));
  world.add_job(requires_file("/Volumes/main/ml/libs/secret.txt"));
  world.add_job(requires_file("/Workspace/Shared/nowhere.txt"));
  world.add_job(init_script("s3", "s3://bucket/elsewhere.sh"));  // no API of the workspace reads it
  const Plan plan = world.plan("1.4.0");
  ASSERT_EQ(plan.skipped.size(), 3U);
  for (const auto& row : plan.skipped) {
    EXPECT_EQ(row.reason, Reason::opaque);
    EXPECT_NE(row.detail.find("cannot read"), std::string::npos) << row.detail;
  }
}

TEST(DatabricksPlaces, ConfigurationVariablesAndParametersAreLookedAt) {
  const std::string file = "/Volumes/m/o/churn-1.3.0-py3-none-any.whl";
  const std::vector<Json> named = {
      job_with({{"new_cluster", {{"spark_conf", {{"spark.jars", "/V/a-1.jar,/V/churn-1.3.0.jar"}}}}}}),
      job_with({{"new_cluster", {{"spark_conf", {{"spark.submit.pyFiles", file}}}}}}),
      job_with({{"new_cluster", {{"spark_env_vars", {{"PIP_LINE", "churn==1.3.0"}}}}}}),
      job_with({{"notebook_task", {{"base_parameters", {{"wheel", file}}}}}}),
      job_with({{"python_wheel_task", {{"parameters", {"--lib", file}}}}}),
      job_with({{"for_each_task",
                 {{"task", {{"task_key", "i"}, {"spark_python_task", {{"parameters", {file}}}}}}}}}),
      job_with({{"run_job_task", {{"job_id", 1}, {"job_parameters", {{"req", "churn==1.3.0"}}}}}}),
      job_with(Json::object(),
               {{"job_clusters",
                 {{{"job_cluster_key", "k"},
                   {"new_cluster", {{"spark_conf", {{"spark.jars.packages", "com.acme:churn:1.3.0"}}}}}}}}}),
      job_with(Json::object(), {{"parameters", {{{"name", "requirement"}, {"default", "churn==1.3.0"}}}}})};
  for (const auto& settings : named) {
    DbxWorld world;
    auto switches = world.workspace.switches();
    switches.list_omits_parameters = false;
    world.workspace.set_switches(switches);
    world.section.values["trust-pins"] = true;
    world.add_job(settings);
    const Plan plan = world.plan("1.4.0");
    EXPECT_TRUE(plan.operations.empty()) << settings;
    ASSERT_EQ(plan.skipped.size(), 1U) << settings;
    EXPECT_NE(plan.skipped[0].from.find("1.3.0"), std::string::npos) << plan.skipped[0].from;
  }
  for (const auto& settings :
       {job_with(
            {{"new_cluster", {{"spark_env_vars", {{"TEAM", "churn"}, {"LOG", "/Volumes/m/churn/logs"}}}}}}),
        job_with({{"new_cluster", {{"spark_conf", {{"spark.app.name", "churn 1.3.0"}}}}}}),
        job_with(
            {{"notebook_task", {{"base_parameters", {{"wheel", "churn_plus-1.3.0-py3-none-any.whl"}}}}}})}) {
    DbxWorld world;
    world.add_job(settings);
    EXPECT_TRUE(world.plan("1.4.0").skipped.empty()) << settings;
  }
}

TEST(DatabricksPlaces, APathIsShownWholeAlsoWithinJson) {
  const std::string file = "/Volumes/m/team a/churn-1.3.0-py3-none-any.whl";
  const std::vector<Json> named = {
      job_with({{"new_cluster", {{"spark_env_vars", {{"LIB", file}}}}}}),
      job_with({{"new_cluster", {{"spark_env_vars", {{"LIBS", "[\"" + file + "\", \"/a b/x-1.jar\"]"}}}}}}),
      job_with({{"notebook_task", {{"base_parameters", {{"libs", " [ [\"" + file + "\"] ]"}}}}}}),
      job_with({{"python_wheel_task", {{"parameters", {"{\"lib\": {\"whl\": \"" + file + "\"}}"}}}}}),
      job_with({{"spark_python_task", {{"parameters", {file}}}}})};
  for (const auto& settings : named) {
    DbxWorld world;
    world.add_job(settings);
    const Plan plan = world.plan("1.4.0");
    EXPECT_TRUE(plan.operations.empty()) << settings;
    ASSERT_EQ(plan.skipped.size(), 1U) << settings;
    EXPECT_EQ(plan.skipped[0].from, file);
  }
  for (const std::string text :
       {"[\"/V/churn-1.3.0-py3-none-any.whl", "/bin/pip install /V/churn-1.3.0.jar"}) {
    DbxWorld world;
    world.add_job(job_with({{"spark_python_task", {{"parameters", {text}}}}}));
    const std::string from = world.plan("1.4.0").skipped.at(0).from;
    EXPECT_TRUE(from.starts_with("/V/churn-1.3.0")) << from;
  }
  DbxWorld world;
  world.add_job(job_with({{"spark_python_task", {{"parameters", {std::string(20'000, '[')}}}}}));
  EXPECT_TRUE(world.plan("1.4.0").skipped.empty());
}

}  // namespace
}  // namespace mlship
