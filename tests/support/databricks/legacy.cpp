// What clients from before 2.1 speak: libraries of API 1.2 with their mangled file names, and jobs of one
// task whose fields stand at the top of the settings.
#include <algorithm>
#include <array>

#include "core/digest.h"
#include "tests/support/databricks/api.h"

namespace mlship::testing::dbx {
namespace {

// Fields of a task that a job of one task has at its top.
constexpr auto task_fields = std::to_array<const char*>(
    {"libraries", "new_cluster", "existing_cluster_id", "notebook_task", "spark_jar_task",
     "spark_python_task", "spark_submit_task", "python_wheel_task", "max_retries"});

// <hex>-churn_1_0_9_py3_10-<hex>.egg: nothing in it can be read back for certain.
std::string mangled(const std::string& name, const std::string& type, std::uint64_t turn) {
  std::string middle = name;
  std::replace_if(middle.begin(), middle.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  const std::string hex = sha256(name + std::to_string(turn)).hex();
  return hex.substr(0, 8) + "-" + middle + "-" + hex.substr(8, 5) + (type == "java-jar" ? ".jar" : ".egg");
}

std::string file_of(const LegacyLibrary& library) {
  return "dbfs:/FileStore/jars/" + library.uri;
}

Reply upload(Call& call) {
  const LegacyLibrary made{text_of(call, "name"), canonical_path(text_of(call, "folder")),
                           text_of(call, "libType"),
                           mangled(text_of(call, "name"), text_of(call, "libType"), call.turn)};
  for (const auto& [id, library] : call.state.legacy) {
    if (library.name == made.name && library.folder == made.folder) {
      return json_reply({{"error", "The node named '" + made.name + "' already exists"}}, 500);
    }
  }
  call.state.put_file(file_of(made), text_of(call, "uri"), call.now);
  const std::int64_t id = call.state.next_id++;
  call.state.legacy[id] = made;
  return json_reply({{"id", std::to_string(id)}});
}

auto library_of(Call& call) {
  const auto found = call.state.legacy.find(number_of(call, "libraryId"));
  if (found == call.state.legacy.end())
    throw Refusal{500, "LibraryNotFound", "no library with this identifier"};
  return found;
}

Reply status(Call& call) {
  const auto& [id, library] = *library_of(call);
  return json_reply({{"id", std::to_string(id)},
                     {"name", library.name},
                     {"folder", library.folder},
                     {"libType", library.type},
                     {"files", {library.uri}}});
}

// The file goes with it, whoever still names it.
Reply erase(Call& call) {
  const auto found = library_of(call);
  call.state.files.erase(file_of(found->second));
  call.state.legacy.erase(found);
  return json_reply(Json::object());
}

constexpr auto routes = std::to_array<Route>({{"POST", "/api/1.2/libraries/upload", upload},
                                              {"GET", "/api/1.2/libraries/status", status},
                                              {"POST", "/api/1.2/libraries/delete", erase}});

}  // namespace

Json single_task_form(const Json& settings) {
  Json out = settings;
  out.erase("tasks");
  if (settings.value("format", "") != "SINGLE_TASK" || !settings.contains("tasks")) return out;
  for (const char* field : task_fields) {
    if (settings["tasks"][0].contains(field)) out[field] = settings["tasks"][0][field];
  }
  return out;
}

Json tasks_form(Json settings, const Json& before) {
  if (settings.contains("tasks") || before.value("format", "") != "SINGLE_TASK") return settings;
  Json task{{"task_key", before["tasks"][0]["task_key"]}};
  for (const char* field : task_fields) {
    if (settings.contains(field)) task[field] = settings[field];
    settings.erase(field);
  }
  settings["tasks"] = Json::array({std::move(task)});
  settings["format"] = "SINGLE_TASK";
  return settings;
}

std::span<const Route> legacy_routes() {
  return routes;
}

}  // namespace mlship::testing::dbx
