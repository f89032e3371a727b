// Libraries on clusters: installed step by step, uninstalled at the next restart only.
#include <algorithm>
#include <array>
#include <cctype>

#include "tests/support/databricks/api.h"

namespace mlship::testing::dbx {
namespace {

// The distribution a library brings, so that two versions of it are seen to clash; "" when it has no name.
std::string distribution(const Json& library) {
  std::string text;
  for (const char* kind : {"whl", "egg", "jar"}) {
    if (library.contains(kind)) text = library[kind].get<std::string>();
  }
  if (!text.empty()) {
    text = text.substr(text.rfind('/') + 1);
    const size_t dash = text.find('-');
    // Up to the `-` before the first digit: churn-plus-1.2.jar is churn-plus.
    size_t end = dash;
    while (end != std::string::npos && end + 1 < text.size() &&
           !std::isdigit(static_cast<unsigned char>(text[end + 1]))) {
      end = text.find('-', end + 1);
    }
    text = text.substr(0, end);
  } else if (library.contains("pypi")) {
    text = library["pypi"].value("package", "");
    text = text.substr(0, text.find_first_of("=<>!~[ ;"));
  } else if (library.contains("maven")) {
    text = library["maven"].value("coordinates", "");
    text = "maven:" + text.substr(0, text.rfind(':'));
  }
  for (char& c : text)
    c = c == '_' || c == '.' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool present(const ClusterLibrary& library) {
  return library.status != "UNINSTALL_ON_RESTART" && library.status != "FAILED";
}

void finish(const Call& call, std::vector<ClusterLibrary>& all, ClusterLibrary& library) {
  const std::string name = distribution(library.library);
  const bool twice = std::any_of(all.begin(), all.end(), [&](const ClusterLibrary& other) {
    return &other != &library && present(other) && !name.empty() && distribution(other.library) == name;
  });
  std::string problem = call.switches.check_libraries ? library_problem(call.state, library.library) : "";
  if (twice) problem = "Duplicate package installation detected for " + name;
  library.status = problem.empty() ? "INSTALLED" : "FAILED";
  if (!problem.empty()) library.messages = {problem};
}

void look(const Call& call, const std::string& id, std::vector<ClusterLibrary>& all) {
  const auto cluster = call.state.clusters.find(id);
  if (cluster == call.state.clusters.end() || cluster->second["state"] != "RUNNING") return;
  constexpr auto steps = std::to_array<std::string_view>({"PENDING", "RESOLVING", "INSTALLING"});
  for (auto& library : all) {
    const auto step = std::find(steps.begin(), steps.end(), library.status);
    if (step == steps.end()) continue;
    const auto next = step - steps.begin() + 1;
    if (next >= call.switches.install_looks || next == static_cast<std::ptrdiff_t>(steps.size())) {
      finish(call, all, library);
    } else {
      library.status = steps[static_cast<size_t>(next)];
    }
  }
}

Json status_of(const std::string& id, const std::vector<ClusterLibrary>& all) {
  Json statuses = Json::array();
  for (const auto& each : all) {
    Json status{{"library", each.library}, {"status", each.status}, {"is_library_for_all_clusters", false}};
    if (!each.messages.empty()) status["messages"] = each.messages;
    statuses.push_back(std::move(status));
  }
  Json out{{"cluster_id", id}};
  if (!statuses.empty()) out["library_statuses"] = std::move(statuses);
  return out;
}

Reply all_statuses(Call& call) {
  Json statuses = Json::array();
  for (const auto& [id, cluster] : call.state.clusters) {
    if (!can_view(call.who, "clusters/" + id)) continue;
    auto& all = call.state.libraries[id];
    statuses.push_back(status_of(id, all));
    look(call, id, all);
  }
  return json_reply(statuses.empty() ? Json::object() : Json{{"statuses", statuses}});
}

std::string cluster_of(Call& call) {
  const std::string id = text_of(call, "cluster_id");
  if (!call.state.clusters.contains(id)) invalid("Cluster " + id + " does not exist");
  require_view(call, "clusters/" + id);
  return id;
}

Reply cluster_status(Call& call) {
  const std::string id = cluster_of(call);
  auto& all = call.state.libraries[id];
  Reply reply = json_reply(status_of(id, all));
  look(call, id, all);
  return reply;
}

Json wanted_of(const Call& call) {
  const Json libraries = call.body.value("libraries", Json::array());
  if (!libraries.is_array() || libraries.empty()) invalid("Missing required field: libraries");
  for (const auto& each : libraries) {
    if (!each.is_object() || each.size() != 1) invalid("A library must have exactly one kind");
  }
  return libraries;
}

auto find_library(std::vector<ClusterLibrary>& all, const Json& library) {
  return std::find_if(all.begin(), all.end(),
                      [&](const ClusterLibrary& each) { return each.library == library; });
}

Reply install(Call& call) {
  const std::string id = cluster_of(call);
  require_manage(call, "clusters/" + id);
  const Json libraries = wanted_of(call);
  if (call.state.clusters[id]["state"] == "TERMINATED" && !call.switches.install_on_terminated) {
    throw Refusal{400, "INVALID_STATE", "Cluster " + id + " is terminated; libraries cannot be installed."};
  }
  auto& all = call.state.libraries[id];
  for (const auto& library : libraries) {
    const auto found = find_library(all, library);
    if (found == all.end()) {
      all.push_back({library, "PENDING", {}});
    } else if (!present(*found)) {
      *found = {library, found->status == "FAILED" ? "PENDING" : "INSTALLED", {}};
    }
  }
  return json_reply(Json::object());
}

Reply uninstall(Call& call) {
  const std::string id = cluster_of(call);
  require_manage(call, "clusters/" + id);
  const bool running = call.state.clusters[id]["state"] == "RUNNING";
  auto& all = call.state.libraries[id];
  for (const auto& library : wanted_of(call)) {
    const auto found = find_library(all, library);
    if (found == all.end()) continue;
    if (running && found->status == "INSTALLED") {
      found->status = "UNINSTALL_ON_RESTART";
    } else if (found->status != "UNINSTALL_ON_RESTART") {
      all.erase(found);
    }
  }
  return json_reply(Json::object());
}

constexpr auto routes =
    std::to_array<Route>({{"GET", "/api/2.0/libraries/all-cluster-statuses", all_statuses},
                          {"GET", "/api/2.0/libraries/cluster-status", cluster_status},
                          {"POST", "/api/2.0/libraries/install", install},
                          {"POST", "/api/2.0/libraries/uninstall", uninstall}});

}  // namespace

std::span<const Route> library_routes() {
  return routes;
}

}  // namespace mlship::testing::dbx
