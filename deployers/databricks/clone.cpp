#include "deployers/databricks/clone.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"
#include "core/json_library.h"
#include "core/names.h"
#include "deployers/databricks/kind.h"

namespace mlship::databricks {
namespace {

constexpr int idle_minutes = 120;

bool number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// By its id, else by its name, which need not be unique.
Document find_job(Api& api, const std::string& named) {
  const bool id = named.starts_with(jobs.prefix());
  const std::string job = id ? without_prefix(jobs, named) : named;
  if (number(job)) {
    if (auto found = jobs.read(api, "jobs/" + job)) return std::move(*found);
  }
  std::vector<std::string> ids, names;
  jobs.list(api, [&](const Document& document) {
    names.push_back(jobs.info(document).name);
    if (names.back() == job) ids.push_back(document.id);
  });
  if (ids.size() > 1) {
    throw Error(ErrorCode::usage,
                fmt::format("cannot clone the cluster of '{}': {} jobs have this name", job, ids.size()))
        .fact("jobs", fmt::format("{}", fmt::join(ids, " ")))
        .hint("mlship clone-cluster --job " + ids.front().substr(jobs.prefix().size()));
  }
  std::optional<Document> found;
  if (!ids.empty()) found = jobs.read(api, ids.front());
  if (found) return std::move(*found);
  throw Error(ErrorCode::not_found, fmt::format("cannot clone the cluster of '{}': there is no such job{}",
                                                job, did_you_mean(job, names)))
      .hint("mlship status");
}

// The cluster a task runs on; null when it brings none of its own (an existing cluster, serverless).
Json cluster_of(const Json& settings, const Json& task) {
  const Json& own = member_of(task, "new_cluster");
  if (own.is_object()) return own;
  const std::string key = text_at(task, "job_cluster_key");
  const Json& shared = member_of(settings, "job_clusters");
  if (key.empty() || !shared.is_array()) return nullptr;
  for (const auto& cluster : shared) {
    if (text_at(cluster, "job_cluster_key") == key) return member_of(cluster, "new_cluster");
  }
  return nullptr;
}

struct Found {
  Json cluster;
  Json libraries = Json::array();
};

Found look_for(const Json& settings, const std::string& job, const std::string& wanted) {
  Found found;
  std::vector<std::string> keys;
  std::set<std::string> different;
  const Json& tasks = member_of(settings, "tasks");
  if (tasks.is_array()) {
    for (const auto& outer : tasks) {
      const std::string key = text_at(outer, "task_key");
      const Json& inner = member_of(member_of(outer, "for_each_task"), "task");
      const Json& task = inner.is_object() ? inner : outer;
      const Json cluster = cluster_of(settings, task);
      if (!cluster.is_object()) continue;
      keys.push_back(key);
      if (!wanted.empty() && key != wanted) continue;
      different.insert(cluster.dump());
      found.cluster = cluster;
      const Json& libraries = member_of(task, "libraries");
      if (!libraries.is_array()) continue;
      for (const auto& library : libraries) {
        if (std::find(found.libraries.begin(), found.libraries.end(), library) == found.libraries.end())
          found.libraries.push_back(library);
      }
    }
  }
  const std::string what = "cannot clone the cluster of '" + job + "': ";
  if (keys.empty()) {
    throw Error(ErrorCode::not_found, what + "no task of it brings a cluster of its own");
  }
  if (different.empty()) {
    throw Error(ErrorCode::not_found,
                what + "it has no task '" + wanted + "' with a cluster" + did_you_mean(wanted, keys));
  }
  if (different.size() > 1) {
    throw Error(ErrorCode::usage, what + "its tasks have different ones")
        .fact("tasks", fmt::format("{}", fmt::join(keys, " ")))
        .hint("add --task " + keys.front());
  }
  return found;
}

std::string create(Api& api, Json specification, const std::string& name) {
  specification["cluster_name"] = name;
  if (member_of(specification, "autotermination_minutes").is_null())
    specification["autotermination_minutes"] = idle_minutes;
  Call call{"POST", "/api/2.1/clusters/create"};
  call.body = std::move(specification);
  call.repeat = Repeat::once;
  call.doing = "create cluster '" + name + "'";
  const std::string id = text_at(api.call(call), "cluster_id");
  if (id.empty())
    throw Error(ErrorCode::server_error, "cannot " + call.doing + ": the answer has no cluster_id");
  return id;
}

}  // namespace

ClusterClone clone_cluster(const TargetSection& section, Host& host, const std::string& job,
                           const std::string& task) {
  Api api(section, host);
  const Document document = find_job(api, job);
  const Json settings = jobs.settings(document.whole);
  const Found found = look_for(settings, job, task);
  ClusterClone out;
  out.job_id = document.id.substr(jobs.prefix().size());
  out.job_name = jobs.info(document).name;
  out.cluster_name = "like " + out.job_name;
  out.cluster_id = create(api, found.cluster, out.cluster_name);
  out.url = api.host() + "/compute/clusters/" + out.cluster_id;
  if (!found.libraries.empty()) {
    Call call{"POST", "/api/2.0/libraries/install"};
    call.body = {{"cluster_id", out.cluster_id}, {"libraries", found.libraries}};
    call.doing = "install the job's libraries on cluster " + out.cluster_id;
    api.call(call);
  }
  for (const auto& library : found.libraries) out.libraries.push_back(library.dump());
  return out;
}

}  // namespace mlship::databricks
