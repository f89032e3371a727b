// The table of paths, the walk along it, and changes made in place.
#include <gtest/gtest.h>

#include "deployers/databricks/canonical.h"
#include "deployers/databricks/sites.h"

namespace mlship::databricks {
namespace {

const Json settings = Json::parse(R"({
  "name": "score",
  "tasks": [
    {"task_key": "a", "libraries": [{"jar": "dbfs:/x/other-1.0.jar"},
                                    {"whl": "/Volumes/m/l/v/churn-1.3.0-py3-none-any.whl"},
                                    {"pypi": {"package": "churn==1.3.0", "repo": "https://index.test/simple"}}]},
    {"task_key": "each", "for_each_task": {"inputs": "[1]", "task": {"task_key": "inner",
       "libraries": [{"maven": {"coordinates": "com.acme:churn_2.12:1.3.0"}}]}}},
    {"task_key": "submit", "spark_submit_task": {"parameters": ["--py-files",
       "dbfs:/l/churn-1.3.0-py3.9.egg,dbfs:/l/churn-1.2.0-py3.9.egg", "app.py", "--lib",
       "dbfs:/l/churn-1.3.0-py3.9.egg", "churn==1.0"]},
     "new_cluster": {"init_scripts": [{"volumes": {"destination": "/Volumes/m/l/churn-init.sh"}}]}}
  ],
  "environments": [{"environment_key": "E", "spec": {"dependencies": ["churn[train] == 1.3.0 ; python_version > '3.8'",
     "-r /Workspace/churn/requirements.txt"], "base_environment": "/Workspace/env.yaml"}}]
})");

std::vector<std::string> lines(const std::vector<FoundReference>& found) {
  std::vector<std::string> out;
  for (const auto& f : found)
    out.push_back(f.path + " = " + f.text + (f.reference.opaque.empty() ? "" : " (opaque)"));
  return out;
}

TEST(Sites_, EveryPathOfTheTable) {
  const std::vector<std::string> wanted = {
      "tasks[key=a]/libraries[1]/whl = /Volumes/m/l/v/churn-1.3.0-py3-none-any.whl",
      "tasks[key=a]/libraries[0]/jar = dbfs:/x/other-1.0.jar",
      "tasks[key=a]/libraries[2]/pypi/package = churn==1.3.0",
      "tasks[key=submit]/spark_submit_task/parameters[1] = dbfs:/l/churn-1.3.0-py3.9.egg",
      "tasks[key=submit]/spark_submit_task/parameters[1]#2 = dbfs:/l/churn-1.2.0-py3.9.egg",
      "tasks[key=submit]/new_cluster/init_scripts[0]/volumes/destination = /Volumes/m/l/churn-init.sh "
      "(opaque)",
      "tasks[key=each]/for_each_task/task/libraries[0]/maven/coordinates = com.acme:churn_2.12:1.3.0",
      "environments[key=E]/spec/dependencies[0] = churn[train] == 1.3.0",
      "environments[key=E]/spec/dependencies[1] = -r /Workspace/churn/requirements.txt (opaque)",
      "environments[key=E]/spec/base_environment = /Workspace/env.yaml (opaque)",
  };
  EXPECT_EQ(lines(find_in(settings, job_sites(), Scheme::pep440)), wanted);
}

TEST(Sites_, TheIndexOfAPypiLibrary) {
  EXPECT_EQ(repo_beside(settings, "tasks[key=a]/libraries[2]/pypi/package"), "https://index.test/simple");
  EXPECT_EQ(repo_beside(settings, "tasks[key=a]/libraries[1]/whl"), "");
}

TEST(Sites_, ANameThatTheWorkspaceMangledIsSeen) {
  const Json task = Json::parse(R"({"tasks":[{"task_key":"a","libraries":[
      {"egg":"dbfs:/FileStore/jars/47fb08a7_5dff_4f4b-my_lib_1_0_9_py3_6-aa123.egg"}]}]})");
  const auto found = find_in(task, job_sites(), Scheme::pep440);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].reference.package, "my-lib");
  EXPECT_FALSE(found[0].reference.version);
  EXPECT_TRUE(found[0].reference.digest);
}

// Every place of a document, with `@` for the path: all of the path moves, and nothing else does.
struct Place {
  Sites sites;
  std::string document;
  std::string_view never;  // characters that end a path there
};
std::vector<Place> places_of_paths() {
  const auto task = [](const std::string& of) { return R"({"tasks":[{"task_key":"a",)" + of + "}]}"; };
  const std::string library = R"("libraries":[{"jar":"/x/y.jar"},{"whl":"@"}])";
  const std::string submit = R"("spark_submit_task":{"parameters":[)";
  return {
      {job_sites(), task(library), ""},
      {job_sites(), task(R"("libraries":[{"egg":"@"}])"), ""},
      {job_sites(), task(R"("libraries":[{"jar":"@"}])"), ""},
      {job_sites(), task(R"("for_each_task":{"task":{"libraries":[{"whl":"@"}]}})"), ""},
      {job_sites(), task(R"("spark_jar_task":{"jar_uri":"@"})"), ""},
      {job_sites(), task(submit + R"("--name","x y","--py-files","/u/v.zip, @ ,/w.zip","/run.py","a"]})"),
       ","},
      {job_sites(), task(submit + R"("--jars=@","--verbose","/run.py"]})"), ","},
      {job_sites(), task(submit + R"("--class","Main","@","--lib"]})"), ""},
      {job_sites(), R"({"environments":[{"environment_key":"e","spec":{"dependencies":["\"@\""]}}]})", "\""},
      {job_sites(), R"({"environments":[{"environment_key":"e","spec":{"dependencies":["churn @ '@'"]}}]})",
       "'"},
      {job_sites(), R"({"environments":[{"environment_key":"e","spec":{"java_dependencies":["@"]}}]})", ""},
      {pipeline_sites(), "{" + library + "}", ""},
      {library_sites(), "{" + library + "}", ""}};
}

TEST(Sites_, AnyCharacterOfAFolderSurvivesAtEveryPlace) {
  const std::vector<std::string> folders = {
      "team a", "a\tb",  "#1",         " # ",       "R&D",  "it's", "(old)", "a,b",  "a:b",
      "a;b",    "<x>",   "env=prod",   "[dev ada]", "{x}",  "a|b",  "a`b",   "a\"b", "\xc3\xa9t\xc3\xa9",
      "x==1.0", "a @ b", "--py-files", " ; x",      "b.whl"};
  size_t moved = 0;
  for (const auto& place : places_of_paths()) {
    for (const auto& folder : folders) {
      if (folder.find_first_of(place.never) != std::string::npos) continue;
      const std::string old = "/Volumes/m/" + folder + "/churn-1.3.0-py3-none-any.whl";
      const auto with = [&](const std::string& path) {
        std::string text = place.document;
        const std::string quoted = Json(path).dump();
        return Json::parse(text.replace(text.rfind('@'), 1, quoted.substr(1, quoted.size() - 2)));
      };
      const auto found = find_in(with(old), place.sites, Scheme::pep440);
      std::vector<Change> changes;
      for (const auto& f : found) {
        if (f.reference.package == "churn")
          changes.push_back({f.path, f.text, "/V/new.whl", Form::wheel, "", "", {}});
      }
      ASSERT_EQ(changes.size(), 1U) << place.document << " " << folder;
      EXPECT_EQ(changes[0].from, old);
      const Standing now = standing(with(old), place.sites, changes, Scheme::pep440);
      ASSERT_EQ(now.state, ObjectState::pre) << place.document << " " << folder;
      EXPECT_EQ(changed(with(old), changes, now), with("/V/new.whl"));
      ++moved;
    }
  }
  EXPECT_GT(moved, 250U);
}

Change change(const std::string& path, const std::string& from, const std::string& to) {
  return {path, from, to, Form::pin, "", "", {}};
}

TEST(Sites_, ChangesAreMadeInPlaceAndNothingElse) {
  const std::vector<Change> changes = {
      change("tasks[key=submit]/spark_submit_task/parameters[1]", "dbfs:/l/churn-1.3.0-py3.9.egg",
             "/V/new.egg"),
      change("tasks[key=submit]/spark_submit_task/parameters[1]#2", "dbfs:/l/churn-1.2.0-py3.9.egg",
             "/V/longer.egg"),
      change("environments[key=E]/spec/dependencies[0]", "churn[train] == 1.3.0", "churn[train] == 1.4.0"),
  };
  const Standing now = standing(settings, job_sites(), changes, Scheme::pep440);
  ASSERT_EQ(now.state, ObjectState::pre);
  const Json after = changed(settings, changes, now);
  Json wanted = settings;
  wanted["tasks"][2]["spark_submit_task"]["parameters"][1] = "/V/new.egg,/V/longer.egg";
  wanted["environments"][0]["spec"]["dependencies"][0] = "churn[train] == 1.4.0 ; python_version > '3.8'";
  EXPECT_EQ(after, wanted);
}

TEST(Sites_, AnElementThatMovedIsFoundAgain) {
  Json moved = settings;
  auto& libraries = moved["tasks"][0]["libraries"];
  libraries.insert(libraries.begin(), Json{{"whl", "/Volumes/m/l/v/first-1.0-py3-none-any.whl"}});
  const std::vector<Change> changes = {change("tasks[key=a]/libraries[1]/whl",
                                              "/Volumes/m/l/v/churn-1.3.0-py3-none-any.whl",
                                              "/V/churn-1.4.0-py3-none-any.whl")};
  const Standing now = standing(moved, job_sites(), changes, Scheme::pep440);
  ASSERT_EQ(now.state, ObjectState::pre);
  EXPECT_EQ(changed(moved, changes, now)["tasks"][0]["libraries"][2]["whl"],
            "/V/churn-1.4.0-py3-none-any.whl");
}

// A task is known by its own key, whatever cluster or environment it names.
TEST(Sites_, AClusterCalledLikeATaskIsNotTheTask) {
  const std::string old = "/V/churn-1.3.0-py3-none-any.whl";
  const Json job = {
      {"tasks",
       {{{"task_key", "prepare"}, {"job_cluster_key", "train"}, {"libraries", {{{"whl", old}}}}},
        {{"task_key", "train"}, {"environment_key", "prepare"}, {"libraries", {{{"whl", old}}}}}}}};
  const std::vector<Change> changes = {
      change("tasks[key=prepare]/libraries[0]/whl", old, "/V/a-1.4.0-py3-none-any.whl"),
      change("tasks[key=train]/libraries[0]/whl", old, "/V/b-1.4.0-py3-none-any.whl")};
  const Standing now = standing(job, job_sites(), changes, Scheme::pep440);
  ASSERT_EQ(now.state, ObjectState::pre);
  const Json after = changed(job, changes, now);
  EXPECT_EQ(after["tasks"][0]["libraries"][0]["whl"], "/V/a-1.4.0-py3-none-any.whl");
  EXPECT_EQ(after["tasks"][1]["libraries"][0]["whl"], "/V/b-1.4.0-py3-none-any.whl");
}

TEST(Sites_, TwoChangesThatComeToStandAtOnePlaceAreAConflict) {
  const std::string old = "dbfs:/l/churn-1.3.0-py3.9.egg";
  const auto job = [&](const Json& parameters) {
    return Json{{"tasks", {{{"task_key", "s"}, {"spark_submit_task", {{"parameters", parameters}}}}}}};
  };
  const std::vector<Change> changes = {
      change("tasks[key=s]/spark_submit_task/parameters[1]", old, "/V/n.egg"),
      change("tasks[key=s]/spark_submit_task/parameters[3]", old, "/V/n.egg")};
  EXPECT_EQ(standing(job({"--py-files", old, "--files", old}), job_sites(), changes, Scheme::pep440).state,
            ObjectState::pre);
  EXPECT_EQ(standing(job({"--py-files", old}), job_sites(), changes, Scheme::pep440).state,
            ObjectState::conflict);
}

TEST(Sites_, WhatSomebodyElseWroteIsAConflict) {
  Json other = settings;
  other["tasks"][0]["libraries"][1]["whl"] = "/Volumes/m/l/v/churn-1.3.5-py3-none-any.whl";
  const std::vector<Change> changes = {change("tasks[key=a]/libraries[1]/whl",
                                              "/Volumes/m/l/v/churn-1.3.0-py3-none-any.whl",
                                              "x-1.4.0-py3-none-any.whl")};
  const Standing now = standing(other, job_sites(), changes, Scheme::pep440);
  EXPECT_EQ(now.state, ObjectState::conflict);
  EXPECT_EQ(now.detail,
            "'/Volumes/m/l/v/churn-1.3.5-py3-none-any.whl' stands at tasks[key=a]/libraries[1]/whl");
}

TEST(Canonical_, DefaultsAndTheOrderOfKeyedListsMeanNothing) {
  const Json a = Json::parse(R"({"tasks":[{"task_key":"b","depends_on":[{"task_key":"y"},{"task_key":"x"}]},
      {"task_key":"a","run_if":"ALL_SUCCESS","timeout_seconds":0,"email_notifications":{}}],"tags":{}})");
  const Json b = Json::parse(R"({"tasks":[{"task_key":"a"},
      {"task_key":"b","depends_on":[{"task_key":"x"},{"task_key":"y"}]}]})");
  EXPECT_EQ(canonical(a), canonical(b));
  EXPECT_EQ(print_of(a), print_of(b));
}

TEST(Canonical_, TheOrderOfLibrariesDoes) {
  const Json a = Json::parse(R"({"libraries":[{"whl":"a"},{"whl":"b"}]})");
  const Json b = Json::parse(R"({"libraries":[{"whl":"b"},{"whl":"a"}]})");
  EXPECT_NE(canonical(a), canonical(b));
}

TEST(Canonical_, PrintsAreComparedPartByPart) {
  const std::string a =
      print_of(Json::parse(R"({"name":"x","schedule":{"q":"1"},"parameters":[{"name":"p"}]})"));
  const std::string b = print_of(Json::parse(R"({"name":"x","schedule":{"q":"2"}})"));
  EXPECT_EQ(differing_parts(a, b, false), std::vector<std::string>{"schedule"});
  EXPECT_EQ(differing_parts(a, b, true), (std::vector<std::string>{"parameters", "schedule"}));
  EXPECT_NE(salted(a, "s"), salted(a, "t"));
  EXPECT_TRUE(differing_parts(salted(a, "s"), salted(a, "s"), true).empty());
}

}  // namespace
}  // namespace mlship::databricks
