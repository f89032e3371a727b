// Interactive clusters. A state that passes does so after so many looks.
#include <algorithm>
#include <array>

#include "tests/support/databricks/api.h"

namespace mlship::testing::dbx {
namespace {

Json& cluster_of(Call& call) {
  const std::string id = text_of(call, "cluster_id");
  const auto found = call.state.clusters.find(id);
  if (found == call.state.clusters.end()) invalid("Cluster " + id + " does not exist");
  require_view(call, "clusters/" + id);
  return found->second;
}

Json& writable_cluster(Call& call) {
  Json& cluster = cluster_of(call);
  require_manage(call, "clusters/" + cluster["cluster_id"].get<std::string>());
  return cluster;
}

void look(Call& call, Json& cluster) {
  const std::string state = cluster["state"];
  if (state != "PENDING" && state != "RESTARTING") return;
  if (call.state.transitions[cluster["cluster_id"]]-- <= 0) cluster["state"] = "RUNNING";
}

Json shown_cluster(const Json& cluster) {
  Json out = cluster;
  out.erase("apply_policy_default_values");
  return out;
}

Reply get_cluster(Call& call) {
  Json& cluster = cluster_of(call);
  look(call, cluster);
  return json_reply(shown_cluster(cluster));
}

Reply list_clusters(Call& call) {
  std::vector<const Json*> seen;
  for (auto& [id, cluster] : call.state.clusters) {
    if (can_view(call.who, "clusters/" + id)) seen.push_back(&cluster);
  }
  Json answer = Json::object();
  const Page page = page_of(call, seen.size(), "page_size", 20, 100, answer);
  Json clusters = Json::array();
  for (size_t i = page.begin; i < page.end; ++i) clusters.push_back(shown_cluster(*seen[i]));
  if (!clusters.empty()) answer["clusters"] = std::move(clusters);
  return json_reply(answer);
}

// A start installs what waits and takes out what was to be uninstalled.
void begin_start(Call& call, Json& cluster, const char* state) {
  const std::string id = cluster["cluster_id"];
  cluster["state"] = state;
  call.state.transitions[id] = call.switches.start_looks;
  auto& libraries = call.state.libraries[id];
  std::erase_if(libraries, [](const ClusterLibrary& l) { return l.status == "UNINSTALL_ON_RESTART"; });
  for (auto& library : libraries) {
    library.status = "PENDING";
    library.messages.clear();
  }
}

Reply create_cluster(Call& call) {
  const std::string id = "c-" + std::to_string(call.state.next_id++);
  if (!call.body.contains("spark_version")) invalid("Missing required field: spark_version");
  Json cluster = call.body;
  cluster["cluster_id"] = id;
  cluster["creator_user_name"] = call.who.user;
  cluster["cluster_source"] = "API";
  call.state.clusters[id] = cluster;
  begin_start(call, call.state.clusters[id], "PENDING");
  return json_reply({{"cluster_id", id}});
}

// Replaces the whole specification; one that runs restarts with it.
Reply edit_cluster(Call& call) {
  Json& cluster = writable_cluster(call);
  Json changed = call.body;
  for (const char* key : {"state", "creator_user_name", "cluster_source"})
    changed[key] = cluster.value(key, "");
  const bool running = cluster["state"] == "RUNNING";
  cluster = std::move(changed);
  if (running) begin_start(call, cluster, "RESTARTING");
  return json_reply(Json::object());
}

Reply start_cluster(Call& call) {
  Json& cluster = writable_cluster(call);
  if (cluster["state"] != "TERMINATED") {
    throw Refusal{400, "INVALID_STATE",
                  "Cluster is in unexpected state " + cluster["state"].get<std::string>() + "."};
  }
  begin_start(call, cluster, "PENDING");
  return json_reply(Json::object());
}

Reply restart_cluster(Call& call) {
  Json& cluster = writable_cluster(call);
  if (cluster["state"] != "RUNNING") {
    throw Refusal{400, "INVALID_STATE",
                  "Cluster is in unexpected state " + cluster["state"].get<std::string>() + "."};
  }
  begin_start(call, cluster, "RESTARTING");
  return json_reply(Json::object());
}

// Ends it; it is still there afterwards.
Reply delete_cluster(Call& call) {
  writable_cluster(call)["state"] = "TERMINATED";
  return json_reply(Json::object());
}

Reply permanent_delete(Call& call) {
  const std::string id = writable_cluster(call)["cluster_id"];
  call.state.clusters.erase(id);
  call.state.libraries.erase(id);
  return json_reply(Json::object());
}

constexpr auto routes =
    std::to_array<Route>({{"GET", "/api/*/clusters/list", list_clusters},
                          {"GET", "/api/*/clusters/get", get_cluster},
                          {"POST", "/api/*/clusters/create", create_cluster},
                          {"POST", "/api/*/clusters/edit", edit_cluster},
                          {"POST", "/api/*/clusters/start", start_cluster},
                          {"POST", "/api/*/clusters/restart", restart_cluster},
                          {"POST", "/api/*/clusters/delete", delete_cluster},
                          {"POST", "/api/*/clusters/permanent-delete", permanent_delete}});

}  // namespace

std::span<const Route> cluster_routes() {
  return routes;
}

}  // namespace mlship::testing::dbx
