// Libraries of interactive clusters, Libraries API 2.0: all clusters' statuses come in one call. Installing
// is asynchronous; uninstalling happens at the next restart, and until then old and new are there together,
// which the service calls a duplicate.
#include <algorithm>
#include <array>
#include <map>

#include "core/error.h"
#include "deployers/databricks/kind.h"

namespace mlship::databricks {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds look_again{2'000};
constexpr milliseconds patience{1'200'000};  // a restart takes minutes

constexpr auto there = std::to_array<std::string_view>({"INSTALLED", "RESTORED"});
constexpr auto stopped = std::to_array<std::string_view>({"TERMINATED", "TERMINATING", "ERROR"});
constexpr std::string_view going = "UNINSTALL_ON_RESTART";

bool is_one_of(std::string_view word, std::span<const std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// {"libraries": what is on it and stays, "statuses": as answered, and what clusters/get says}.
Json document_of(const Json& statuses, const Json& cluster) {
  Json whole = cluster.is_object() ? cluster : Json::object();
  Json libraries = Json::array();
  if (statuses.is_array()) {
    for (const auto& status : statuses) {
      if (text_at(status, "status") != going) libraries.push_back(member_of(status, "library"));
    }
  }
  whole["libraries"] = std::move(libraries);
  whole["statuses"] = statuses.is_array() ? statuses : Json::array();
  return whole;
}

std::string status_of(const Json& statuses, const Json& library) {
  const auto found = std::find_if(statuses.begin(), statuses.end(),
                                  [&](const Json& s) { return member_of(s, "library") == library; });
  return found == statuses.end() ? "" : text_at(*found, "status");
}

std::string messages_of(const Json& statuses, const Json& library) {
  std::string out;
  for (const auto& status : statuses) {
    if (member_of(status, "library") != library) continue;
    const Json& messages = member_of(status, "messages");
    if (!messages.is_array()) continue;
    for (const auto& message : messages) {
      if (message.is_string()) out += (out.empty() ? "" : " ") + message.get<std::string>();
    }
  }
  return out;
}

class Clusters final : public Kind {
 public:
  [[nodiscard]] std::string_view prefix() const override { return "clusters/"; }
  [[nodiscard]] Sites sites() const override { return library_sites(); }
  [[nodiscard]] Json settings(const Json& whole) const override {
    return {{"libraries", member_of(whole, "libraries")}};
  }

  [[nodiscard]] ObjectInfo info(const Document& document) const override {
    ObjectInfo info;
    info.id = document.id;
    info.name = text_at(document.whole, "cluster_name");
    if (info.name.empty()) info.name = without_prefix(*this, document.id);
    info.kind = "databricks-cluster";
    info.owner = text_at(document.whole, "creator_user_name");
    info.cls = ObjectClass::service;
    return info;
  }

  void list(Api& api, const Take& take) const override {
    Call call{"GET", "/api/2.0/libraries/all-cluster-statuses"};
    call.doing = "list the libraries of the clusters of " + api.host();
    const Json answer = api.call(call);
    const Json rows = rows_of(answer, "statuses", call.doing);
    if (rows.empty()) return;
    const auto known = names(api);
    for (const auto& row : rows) {
      const std::string id = text_at(row, "cluster_id");
      const auto cluster = known.find(id);
      const Json about = cluster == known.end() ? Json::object() : cluster->second;
      if (text_at(about, "cluster_source") == "JOB") continue;  // it has its libraries from its job
      take({"clusters/" + id, document_of(member_of(row, "library_statuses"), about), true});
    }
  }

  [[nodiscard]] std::optional<Document> read(Api& api, const std::string& id) const override {
    const std::string cluster = without_prefix(*this, id);
    return unless_absent(api, id, [&] { return document_of(statuses(api, cluster), get(api, cluster)); });
  }

  [[nodiscard]] std::string pending(const Json& whole) const override {
    const Json& statuses = member_of(whole, "statuses");
    std::string left;
    if (!statuses.is_array()) return left;
    for (const auto& status : statuses) {
      const std::string word = text_at(status, "status");
      if (word == going) return "restart";  // the new one cannot be installed before either
      if (word == "FAILED") left = "installation: " + messages_of(statuses, member_of(status, "library"));
    }
    return left;
  }

  // The new library first: a failure leaves the old one.
  std::string write(Api& api, const Write& write) const override {
    const std::string id = without_prefix(*this, write.before.id);
    const Json& before = member_of(write.before.whole, "libraries");
    const Json& after = member_of(write.settings, "libraries");
    const Json out = difference(before, after), in = difference(after, before);
    change(api, id, "install", in, write.before.read_at);
    change(api, id, "uninstall", out);
    if (is_one_of(text_at(write.before.whole, "state"), stopped)) return "";  // at its next start
    if (!write.restart || in_use(api, id)) return "restart";
    std::string problem;
    try {
      restart(api, id);
      problem = settled(api, id, in, out);
    } catch (const Error& e) {
      if (e.code() == ErrorCode::interrupted) return "restart";  // it is under way
      problem = e.message();
    }
    if (problem.empty()) return "";
    throw Error(ErrorCode::verification,
                "cannot install on cluster " + id + ": " + problem + "; " + put_back(api, id, in, out));
  }

 private:
  static void restart(Api& api, const std::string& id) {
    post(api, "clusters/restart", {{"cluster_id", id}}, "restart cluster " + id);
  }

  // What became of it, for people.
  static std::string put_back(Api& api, const std::string& id, const Json& in, const Json& out) {
    try {
      change(api, id, "install", out);
      change(api, id, "uninstall", in);
      if (in_use(api, id)) return "the old library comes back when it restarts";
      restart(api, id);
      const std::string problem = settled(api, id, out, in);
      return problem.empty() ? "the old library is back" : "and the old library: " + problem;
    } catch (const Error& e) {
      return "the old library could not be put back: " + e.message();
    }
  }

  static Json difference(const Json& a, const Json& b) {
    Json out = Json::array();
    for (const auto& library : a) {
      if (std::find(b.begin(), b.end(), library) == b.end()) out.push_back(library);
    }
    return out;
  }

  static std::map<std::string, Json> names(Api& api) {
    std::map<std::string, Json> out;
    std::string token;
    do {
      Call call{"GET", "/api/2.1/clusters/list", {{"page_size", "100"}}};
      if (!token.empty()) call.query.emplace_back("page_token", token);
      call.doing = "list the clusters of " + api.host();
      const Json answer = api.call(call);
      for (const auto& row : rows_of(answer, "clusters", call.doing)) {
        out[text_at(row, "cluster_id")] = {{"cluster_name", text_at(row, "cluster_name")},
                                           {"cluster_source", text_at(row, "cluster_source")},
                                           {"creator_user_name", text_at(row, "creator_user_name")},
                                           {"state", text_at(row, "state")}};
      }
      token = next_page(answer, token, call.doing);
    } while (!token.empty());
    return out;
  }

  static Json statuses(Api& api, const std::string& id) {
    Call call{"GET", "/api/2.0/libraries/cluster-status", {{"cluster_id", id}}};
    call.doing = "read the libraries of cluster " + id;
    return member_of(api.call(call), "library_statuses");
  }
  static Json get(Api& api, const std::string& id) {
    Call call{"GET", "/api/2.1/clusters/get", {{"cluster_id", id}}};
    call.doing = "read cluster " + id;
    return api.call(call);
  }
  static void post(Api& api, const std::string& verb, Json body, const std::string& doing,
                   std::optional<milliseconds> read_at = {}) {
    Call call{"POST", "/api/2.0/" + verb};
    call.body = std::move(body);
    call.repeat = Repeat::reread;
    call.read_at = read_at;
    call.doing = doing;
    api.call(call);
  }
  static void change(Api& api, const std::string& id, const std::string& verb, const Json& libraries,
                     std::optional<milliseconds> read_at = {}) {
    if (libraries.empty()) return;
    post(api, "libraries/" + verb, {{"cluster_id", id}, {"libraries", libraries}},
         verb + " libraries of cluster " + id, read_at);
  }

  // A run that uses the cluster now would be cut off by a restart.
  static bool in_use(Api& api, const std::string& id) {
    Call call{"GET", "/api/2.2/jobs/runs/list", {{"active_only", "true"}, {"expand_tasks", "true"}}};
    call.doing = "list the active runs";
    const Json answer = api.call(call);
    // More of them, or of their tasks, than were shown: better not.
    if (!text_at(answer, "next_page_token").empty()) return true;
    for (const auto& run : rows_of(answer, "runs", call.doing)) {
      if (member_of(run, "has_more") == Json(true)) return true;
    }
    return answer.dump().find("\"" + id + "\"") != std::string::npos;
  }

  // Waits for the cluster to be up with `in` and without `out`, which go at the restart; what went wrong, or
  // "".
  static std::string settled(Api& api, const std::string& id, const Json& in, const Json& out) {
    const auto end = api.clock().monotonic() + patience;
    while (api.clock().monotonic() < end) {
      api.pause(look_again);
      const std::string state = text_at(get(api, id), "state");
      if (is_one_of(state, stopped)) return "the cluster did not come up: " + state;
      if (state != "RUNNING") continue;
      const Json now = statuses(api, id);
      if (!now.is_array() || any_of(out, [&](const Json& l) { return !status_of(now, l).empty(); })) continue;
      for (const auto& library : in) {
        if (status_of(now, library) == "FAILED") return "the library is FAILED: " + messages_of(now, library);
      }
      const auto installed = [&](const Json& l) { return is_one_of(status_of(now, l), there); };
      if (!any_of(in, [&](const Json& l) { return !installed(l); })) return "";
    }
    return "it did not settle in " + std::to_string(patience.count() / 60'000) + " minutes";
  }

  template <typename Is>
  static bool any_of(const Json& libraries, Is is) {
    return std::any_of(libraries.begin(), libraries.end(), is);
  }
};

const Clusters the_clusters;

}  // namespace

const Kind& clusters = the_clusters;

}  // namespace mlship::databricks
