// What the service does to a job's settings before anybody sees them again.
#include <algorithm>

#include "tests/support/databricks/state.h"

namespace mlship::testing::dbx {
namespace {

void add(Json& object, const char* key, const Json& value) {
  if (!object.contains(key)) object[key] = value;
}

// Calls f on every list whose order means nothing: depends_on, and the ids of webhooks.
template <class F>
void each_unordered(Json& holder, F f) {
  const auto depends = holder.find("depends_on");
  if (depends != holder.end() && depends->is_array()) f(*depends, "task_key");
  const auto hooks = holder.find("webhook_notifications");
  if (hooks == holder.end() || !hooks->is_object()) return;
  for (auto& list : *hooks) {
    if (list.is_array()) f(list, "id");
  }
}

// Calls f on each task, those inside a loop included.
template <class F>
void each_task(Json& settings, F f) {
  const auto tasks = settings.find("tasks");
  if (tasks == settings.end() || !tasks->is_array()) return;
  for (auto& task : *tasks) {
    f(task);
    if (task.contains("for_each_task") && task["for_each_task"].contains("task"))
      f(task["for_each_task"]["task"]);
  }
}

template <class F>
void each_cluster(Json& settings, F f) {
  each_task(settings, [&](Json& task) {
    if (task.contains("new_cluster")) f(task["new_cluster"]);
  });
  const auto clusters = settings.find("job_clusters");
  if (clusters == settings.end() || !clusters->is_array()) return;
  for (auto& cluster : *clusters) {
    if (cluster.contains("new_cluster")) f(cluster["new_cluster"]);
  }
}

void sort_by(Json& list, const char* key) {
  std::stable_sort(list.begin(), list.end(), [&](const Json& a, const Json& b) {
    return a.value(key, std::string()) < b.value(key, std::string());
  });
}

}  // namespace

void normalise_settings(Json& settings) {
  if (!settings.is_object()) settings = Json::object();
  add(settings, "email_notifications", Json::object());
  add(settings, "webhook_notifications", Json::object());
  add(settings, "timeout_seconds", 0);
  add(settings, "max_concurrent_runs", 1);
  add(settings, "format", "MULTI_TASK");
  if (settings.contains("schedule")) add(settings["schedule"], "pause_status", "UNPAUSED");
  each_unordered(settings, sort_by);
  each_task(settings, [](Json& task) {
    add(task, "run_if", "ALL_SUCCESS");
    add(task, "timeout_seconds", 0);
    add(task, "email_notifications", Json::object());
    add(task, "webhook_notifications", Json::object());
    each_unordered(task, sort_by);
  });
  each_cluster(settings, [](Json& cluster) {
    add(cluster, "enable_elastic_disk", true);
    add(cluster, "aws_attributes", {{"availability", "SPOT_WITH_FALLBACK"}, {"zone_id", "auto"}});
  });
}

Json shown(const Json& settings, std::uint64_t turn) {
  Json out = settings;
  each_cluster(out, [](Json& cluster) { cluster.erase("apply_policy_default_values"); });
  const auto rotate = [&](Json& list, const char*) {
    if (list.size() < 2) return;
    const auto by = static_cast<std::ptrdiff_t>(turn % list.size());
    std::rotate(list.begin(), list.begin() + by, list.end());
  };
  each_unordered(out, rotate);
  each_task(out, [&](Json& task) { each_unordered(task, rotate); });
  return out;
}

}  // namespace mlship::testing::dbx
