#include "deployers/databricks/running.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace mlship::databricks {
namespace {

constexpr auto up_states = std::to_array<std::string_view>({"RUNNING", "RESIZING"});
constexpr auto over = std::to_array<std::string_view>({"COMPLETED", "FAILED", "CANCELED"});
constexpr auto idle = std::to_array<std::string_view>({"", "IDLE", "FAILED", "DELETED", "STOPPING"});

template <size_t n>
bool is_one_of(std::string_view word, const std::array<std::string_view, n>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::int64_t number_at(const Json& object, std::string_view member) {
  const Json& value = member_of(object, member);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

void add_cluster(const Json& task, std::vector<std::string>& out) {
  const std::string id = text_at(task, "existing_cluster_id");
  if (!id.empty() && std::find(out.begin(), out.end(), id) == out.end()) out.push_back(id);
}

Users users_of_job(const Json& settings, const std::vector<std::string>& paths) {
  Users out;
  const Json& continuous = member_of(settings, "continuous");
  out.continuous = continuous.is_object() && text_at(continuous, "pause_status") != "PAUSED";
  const Json& tasks = member_of(settings, "tasks");
  if (!tasks.is_array()) return out;
  for (const auto& path : paths) {
    const Root root = root_of(path);
    for (const auto& task : tasks) {
      if (root.array != "tasks" || text_at(task, "task_key") != root.key) continue;
      add_cluster(task, out.clusters);
      add_cluster(member_of(member_of(task, "for_each_task"), "task"), out.clusters);
    }
  }
  return out;
}

Users users_of_pipeline(const Json& whole) {
  Users out;
  const Json& updates = member_of(whole, "latest_updates");
  if (updates.is_array() && !updates.empty()) {
    const Json& newest = updates.front();
    if (is_one_of(text_at(newest, "state"), over)) return out;
    out.update = text_at(newest, "update_id");
    out.update_began = number_at(newest, "creation_time");
  } else if (is_one_of(text_at(whole, "state"), idle)) {
    return out;
  }
  if (out.update.empty()) out.update = "?";
  return out;
}

// The runs of the job that are under way and began before `since`.
std::vector<std::string> active_runs(Api& api, const std::string& job, std::optional<std::int64_t> since) {
  Call call{"GET", "/api/2.2/jobs/runs/list", {{"job_id", job}, {"active_only", "true"}}};
  call.doing = "list the active runs of job " + job;
  std::vector<std::string> out;
  for (const auto& run : rows_of(api.call(call), "runs", call.doing)) {
    if (!since || number_at(run, "start_time") < *since * 1000)
      out.push_back("run " + text_at(run, "run_id"));
  }
  return out;
}

}  // namespace

void Users::add(const Users& other) {
  for (const auto& id : other.clusters) {
    if (std::find(clusters.begin(), clusters.end(), id) == clusters.end()) clusters.push_back(id);
  }
  continuous = continuous || other.continuous;
  if (update.empty()) {
    update = other.update;
    update_began = other.update_began;
  }
}

Users users_of(const Kind& kind, const Json& whole, const std::vector<std::string>& paths) {
  if (&kind == &jobs) return users_of_job(kind.settings(whole), paths);
  return &kind == &pipelines ? users_of_pipeline(whole) : Users{};
}

Running::Up Running::cluster(Api& api, const std::string& id) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = clusters_.find(id); known != clusters_.end()) return known->second;
  }
  Call call{"GET", "/api/2.1/clusters/get", {{"cluster_id", id}}};
  call.doing = "read cluster " + id;
  Up up;
  try {
    const Json about = api.call(call);
    if (is_one_of(text_at(about, "state"), up_states)) {
      up = std::max(number_at(about, "last_restarted_time"), number_at(about, "start_time"));
    }
  } catch (const Error& e) {
    if (e.code() == ErrorCode::interrupted) throw;
  }
  const std::lock_guard lock(mutex_);
  return clusters_.emplace(id, up).first->second;
}

std::string Running::pending(Api& api, const std::string& id, const Users& users,
                             std::optional<std::int64_t> since) {
  std::vector<std::string> who;
  for (const auto& one : users.clusters) {
    const Up up = cluster(api, one);
    if (up && (!since || *up < *since * 1000)) who.push_back("cluster " + one);
  }
  if (users.continuous) {
    try {
      const auto runs = active_runs(api, without_prefix(jobs, id), since);
      who.insert(who.end(), runs.begin(), runs.end());
    } catch (const Error& e) {
      if (e.code() == ErrorCode::interrupted) throw;
    }
  }
  if (!users.update.empty() && (!since || users.update_began < *since * 1000)) {
    who.push_back(users.update == "?" ? "its update" : "update " + users.update);
  }
  if (who.empty()) return "";
  return fmt::format("restart ({} {} on with the old library)", fmt::join(who, ", "),
                     who.size() == 1 ? "goes" : "go");
}

}  // namespace mlship::databricks
