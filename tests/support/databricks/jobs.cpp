// The Jobs API, 2.2, and what 2.1 and 2.0 answer to old clients.
#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "tests/support/databricks/api.h"

namespace mlship::testing::dbx {
namespace {

constexpr size_t page_size = 100;    // elements of an array in one answer
constexpr size_t most_tasks = 1000;  // on write
constexpr std::int64_t most_offset = 1000;
// The arrays of a job that page together.
constexpr auto paged = std::to_array<const char*>({"tasks", "job_clusters", "parameters", "environments"});
struct Keyed {
  const char* array;
  const char* key;
};
// Arrays whose entries jobs/update replaces one by one; environments by the switch.
constexpr auto merged = std::to_array<Keyed>(
    {{"tasks", "task_key"}, {"job_clusters", "job_cluster_key"}, {"environments", "environment_key"}});

std::string name_of(std::int64_t id) {
  return "jobs/" + std::to_string(id);
}
std::string version_of(const Call& call) {
  return call.request.path.substr(5, 3);  // /api/2.2/…
}
size_t length(const Json& settings, const char* array) {
  const auto found = settings.find(array);
  return found != settings.end() && found->is_array() ? found->size() : 0;
}
size_t longest_array(const Json& settings) {
  size_t most = 0;
  for (const char* array : paged) most = std::max(most, length(settings, array));
  return most;
}

Json& job_of(Call& call) {
  const std::int64_t id = number_of(call, "job_id");
  const auto found = call.state.jobs.find(id);
  if (found == call.state.jobs.end()) invalid("Job " + std::to_string(id) + " does not exist.");
  require_view(call, name_of(id));
  return found->second;
}

// The part of the arrays that begins at `begin`; true when there is more.
bool cut_arrays(Json& settings, size_t begin) {
  bool more = false;
  for (const char* array : paged) {
    const size_t size = length(settings, array);
    if (size == 0) continue;
    Json part = Json::array();
    for (size_t i = begin; i < std::min(size, begin + page_size); ++i) part.push_back(settings[array][i]);
    more = more || size > begin + page_size;
    settings[array] = std::move(part);
  }
  return more;
}

Json head_of(const Json& job) {
  Json out = Json::object();
  for (const char* key : {"job_id", "created_time", "creator_user_name"}) out[key] = job[key];
  return out;
}

std::string runner_of(const Json& job) {
  const Json as = job.value("run_as", Json::object());
  for (const char* key : {"user_name", "service_principal_name"}) {
    if (as.contains(key)) return as[key];
  }
  return job["creator_user_name"];
}

Json listed(const Call& call, const Json& job) {
  Json out = head_of(job);
  const Json& settings = job["settings"];
  if (!flag_of(call, "expand_tasks")) {
    Json brief = settings;
    for (const char* array : paged) brief.erase(array);
    out["settings"] = std::move(brief);
    return out;
  }
  out["settings"] = shown(settings, call.turn);
  Json& copy = out["settings"];
  const bool old = version_of(call) != "2.2";
  if (old && length(copy, "tasks") > page_size) copy.erase("tasks");
  if (!old && cut_arrays(copy, 0)) {
    out["has_more"] = true;
    if (call.switches.list_item_token) out["next_page_token"] = token_of(std::to_string(page_size));
  }
  if (call.switches.list_omits_parameters) copy.erase("parameters");
  if (call.switches.list_omits_environments) copy.erase("environments");
  return out;
}

// Where in the order a page begins: behind the job that the token names.
auto list_begin(const Call& call) {
  const auto& order = call.state.order;
  const std::string token = call.request.parameter("page_token");
  if (token.empty()) return order.begin();
  const std::string place = place_of(token);
  std::pair<std::int64_t, std::int64_t> last{0, 0};
  const size_t colon = std::min(place.find(':'), place.size() - 1);
  std::from_chars(place.data(), place.data() + colon, last.first);
  std::from_chars(place.data() + colon + 1, place.data() + place.size(), last.second);
  return order.upper_bound(last);
}

void skip_offset(const Call& call, decltype(list_begin(call))& at) {
  auto offset = optional_number(call, "offset").value_or(0);
  if (offset > most_offset && call.switches.offset_rejected) {
    invalid("The offset parameter must be at most 1000. Use page_token instead.");
  }
  for (offset = std::min(offset, most_offset); offset > 0 && at != call.state.order.end(); --offset) ++at;
}

Reply list_jobs(Call& call) {
  const bool now = version_of(call) == "2.2";
  const std::int64_t limit = optional_number(call, "limit").value_or(20);
  if (limit < 1 || limit > 100) invalid("The limit must be between 1 and 100.");
  const std::string name = call.request.parameter("name");
  auto at = list_begin(call);
  skip_offset(call, at);
  // Version 2.1 says nothing of what it cut off at the end of the offsets.
  const bool cut = optional_number(call, "offset").value_or(0) > most_offset;
  Json jobs = Json::array();
  std::pair<std::int64_t, std::int64_t> last{0, 0};
  bool more = false;
  for (; !cut && at != call.state.order.end(); ++at) {
    const Json& job = call.state.jobs.at(at->second);
    if (!can_view(call.who, name_of(at->second))) continue;
    if (!name.empty() && job["settings"].value("name", "") != name) continue;
    if (jobs.size() == static_cast<size_t>(limit)) {
      more = true;
      break;
    }
    jobs.push_back(listed(call, job));
    last = *at;
  }
  Json answer = Json::object();
  if (!jobs.empty()) answer["jobs"] = std::move(jobs);
  if (more)
    answer["next_page_token"] = token_of(std::to_string(last.first) + ":" + std::to_string(last.second));
  if (!now) answer["has_more"] = more;
  return json_reply(answer);
}

// 2.0 knows no pages and no tasks: jobs of one task in the old form, the others without theirs.
Reply list_jobs_2_0(Call& call) {
  Json jobs = Json::array();
  for (const auto& [created, id] : call.state.order) {
    if (!can_view(call.who, name_of(id))) continue;
    Json job = head_of(call.state.jobs.at(id));
    Json settings = call.state.jobs.at(id)["settings"];
    if (settings.contains("tasks") && settings["format"] == "MULTI_TASK") settings.erase("tasks");
    job["settings"] = std::move(settings);
    jobs.push_back(std::move(job));
  }
  return json_reply(jobs.empty() ? Json::object() : Json{{"jobs", jobs}});
}

Reply get_job(Call& call) {
  const Json& job = job_of(call);
  Json out = head_of(job);
  out["run_as_user_name"] = runner_of(job);
  out["settings"] = shown(job["settings"], call.turn);
  Json& settings = out["settings"];
  if (version_of(call) != "2.2") {
    if (length(settings, "tasks") > page_size) settings.erase("tasks");
    return json_reply(out);
  }
  size_t begin = 0;
  if (const std::string token = call.request.parameter("page_token"); !token.empty()) {
    const std::string place = place_of(token);
    std::from_chars(place.data(), place.data() + place.size(), begin);
    if (begin == 0 || begin % page_size != 0 || begin >= longest_array(settings))
      invalid("Invalid page token");
  }
  if (cut_arrays(settings, begin)) {
    out["has_more"] = true;
    out["next_page_token"] = token_of(std::to_string(begin + page_size));
  }
  return json_reply(out);
}

std::set<std::string> keys_of(const Json& settings, const Keyed& keyed) {
  std::set<std::string> keys;
  const auto found = settings.find(keyed.array);
  if (found == settings.end()) return keys;
  if (!found->is_array()) invalid(std::string(keyed.array) + " must be an array");
  for (const auto& entry : *found) {
    const std::string key = entry.is_object() ? entry.value(keyed.key, "") : "";
    if (key.empty()) invalid("Missing required field: " + std::string(keyed.array) + "." + keyed.key);
    if (!keys.insert(key).second) invalid("Duplicate " + std::string(keyed.key) + ": " + key);
  }
  return keys;
}

void check_settings(const Json& settings) {
  if (!settings.is_object()) invalid("settings must be an object");
  const auto tasks = keys_of(settings, merged[0]);
  const auto clusters = keys_of(settings, merged[1]);
  const auto environments = keys_of(settings, merged[2]);
  if (tasks.size() > most_tasks) invalid("The number of tasks must be at most 1000.");
  for (const auto& cluster : settings.value("job_clusters", Json::array())) {
    if (cluster.contains("libraries") || cluster.value("new_cluster", Json::object()).contains("libraries")) {
      invalid("Libraries are not allowed on shared job clusters. Declare them in the tasks.");
    }
  }
  for (const auto& task : settings.value("tasks", Json::array())) {
    const std::string key = task["task_key"];
    for (const auto& on : task.value("depends_on", Json::array())) {
      if (!tasks.contains(on.value("task_key", "")))
        invalid("Task " + key + " depends on a task that is not there.");
    }
    if (task.contains("job_cluster_key") && !clusters.contains(task["job_cluster_key"])) {
      invalid("Task " + key + " refers to a job cluster that is not there.");
    }
    if (task.contains("environment_key") && !environments.contains(task["environment_key"])) {
      invalid("Task " + key + " refers to an environment that is not there.");
    }
  }
}

// run_as is written and never read back among the settings.
void take_run_as(Json& job, Json& settings) {
  if (!settings.contains("run_as")) return;
  job["run_as"] = settings["run_as"];
  settings.erase("run_as");
}

Reply create_job(Call& call) {
  Json job{
      {"job_id", call.state.next_id++}, {"created_time", call.now}, {"creator_user_name", call.who.user}};
  Json settings = call.body;
  settings.erase("access_control_list");
  check_settings(settings);
  take_run_as(job, settings);
  job["settings"] = std::move(settings);
  const Json id = job["job_id"];
  call.state.put_job(std::move(job));
  return json_reply({{"job_id", id}});
}

Json& writable_job(Call& call) {
  Json& job = job_of(call);
  require_manage(call, name_of(job["job_id"].get<std::int64_t>()));
  if (job["settings"].value("/deployment/kind"_json_pointer, "") == "SYSTEM_MANAGED") {
    throw Refusal{403, "PERMISSION_DENIED", "The job is managed by the system and cannot be edited."};
  }
  return job;
}

void merge_array(Json& into, const Json& entries, const char* key) {
  if (!into.is_array()) into = Json::array();
  for (const auto& entry : entries) {
    const auto same =
        std::find_if(into.begin(), into.end(), [&](const Json& old) { return old[key] == entry[key]; });
    if (same == into.end()) {
      into.push_back(entry);
    } else {
      *same = entry;
    }
  }
}

const char* merge_key(const Switches& switches, const std::string& field) {
  for (const auto& row : merged) {
    if (field != row.array) continue;
    return row.array == std::string_view("environments") && !switches.environments_merge ? nullptr : row.key;
  }
  return nullptr;
}

// `tasks/x` names the entry x, anything else a field at the top.
void remove_field(Json& settings, const std::string& field) {
  const size_t slash = field.find('/');
  if (slash == std::string::npos) {
    settings.erase(field);
    return;
  }
  for (const auto& row : merged) {
    if (field.substr(0, slash) != row.array || length(settings, row.array) == 0) continue;
    Json& list = settings[row.array];
    const std::string key = field.substr(slash + 1);
    for (size_t i = list.size(); i-- > 0;) {
      if (list[i][row.key] == key) list.erase(i);
    }
  }
}

Reply update_job(Call& call) {
  Json& job = writable_job(call);
  Json settings = job["settings"];
  Json given = call.body.value("new_settings", Json::object());
  if (!given.is_object()) invalid("new_settings must be an object");
  for (const auto& row : merged) keys_of(given, row);
  Json changed = job;
  take_run_as(changed, given);
  for (const auto& [field, value] : given.items()) {
    const char* key = merge_key(call.switches, field);
    if (key != nullptr) {
      merge_array(settings[field], value, key);
    } else {
      settings[field] = value;
    }
  }
  for (const auto& field : call.body.value("fields_to_remove", Json::array())) remove_field(settings, field);
  check_settings(settings);
  changed["settings"] = std::move(settings);
  call.state.put_job(std::move(changed));
  return json_reply(Json::object());
}

// Replaces everything but what it does not mention of run_as.
Reply reset_job(Call& call) {
  Json job = writable_job(call);
  if (!call.body.contains("new_settings")) invalid("Missing required field: new_settings");
  Json settings = call.body["new_settings"];
  check_settings(settings);
  take_run_as(job, settings);
  job["settings"] = std::move(settings);
  call.state.put_job(std::move(job));
  return json_reply(Json::object());
}

Reply delete_job(Call& call) {
  call.state.erase_job(writable_job(call)["job_id"]);
  return json_reply(Json::object());
}

constexpr auto routes = std::to_array<Route>({{"GET", "/api/2.2/jobs/list", list_jobs},
                                              {"GET", "/api/2.2/jobs/get", get_job},
                                              {"POST", "/api/2.2/jobs/create", create_job},
                                              {"POST", "/api/2.2/jobs/update", update_job},
                                              {"POST", "/api/2.2/jobs/reset", reset_job},
                                              {"POST", "/api/2.2/jobs/delete", delete_job},
                                              {"GET", "/api/2.1/jobs/list", list_jobs},
                                              {"GET", "/api/2.0/jobs/list", list_jobs_2_0},
                                              {"GET", "/api/*/jobs/get", get_job},
                                              {"POST", "/api/*/jobs/create", create_job},
                                              {"POST", "/api/*/jobs/update", update_job},
                                              {"POST", "/api/*/jobs/reset", reset_job},
                                              {"POST", "/api/*/jobs/delete", delete_job}});

}  // namespace

std::span<const Route> job_routes() {
  return routes;
}

}  // namespace mlship::testing::dbx
