#include "tests/support/databricks/writer.h"

#include <algorithm>
#include <array>

#include "tests/support/databricks/path.h"

namespace mlship::testing::dbx {
namespace {

constexpr auto job_kinds = std::to_array<const char*>(
    {"other-task", "same-task", "library", "schedule", "name", "add-task", "remove-task", "environment"});

bool names(const Json& value, const std::string& package) {
  return value.dump().find(package) != std::string::npos;
}

void assign(Json& holder, const std::string& field, Json value, Edit& edit, const std::string& above) {
  edit.path = above + field;
  edit.before = holder.contains(field) ? holder[field] : Json();
  edit.after = value;
  holder[field] = std::move(value);
}

std::string task_path(const Json& task) {
  return "tasks[key=" + task["task_key"].get<std::string>() + "]";
}

// The tasks of a job that name the package, or that do not.
std::vector<Json*> tasks_of(Json& settings, const std::string& package, bool naming) {
  std::vector<Json*> out;
  const auto tasks = settings.find("tasks");
  if (tasks == settings.end()) return out;
  for (auto& task : *tasks) {
    if (names(task, package) == naming) out.push_back(&task);
  }
  return out;
}

}  // namespace

Writer::Writer(WriterOptions options) : options_(std::move(options)), random_(options_.seed) {}

std::string Writer::choose(const State& state, const std::string& object) {
  const bool ours = object.starts_with("jobs/") || object.starts_with("pipelines/");
  const bool allowed = options_.objects.empty() || std::find(options_.objects.begin(), options_.objects.end(),
                                                             object) != options_.objects.end();
  if (ours && allowed && find_object(state, object) != nullptr && chance(options_.follow)) return object;
  if (!options_.objects.empty()) return options_.objects[below(options_.objects.size())];
  if (state.jobs.empty()) return "";
  // By the next identifier there is: one step, whatever the size.
  const std::int64_t first = state.jobs.begin()->first, last = state.jobs.rbegin()->first;
  const auto drawn = first + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(last - first + 1)));
  return "jobs/" + std::to_string(state.jobs.lower_bound(drawn)->first);
}

void Writer::step(State& state, const std::string& object, std::uint64_t request, std::int64_t now) {
  const bool spent = options_.most > 0 && static_cast<std::int64_t>(edits_.size()) >= options_.most;
  if (options_.probability <= 0 || spent || !chance(options_.probability)) return;
  Edit edit;
  edit.request = request;
  edit.object = choose(state, object);
  const Json* found = edit.object.empty() ? nullptr : find_object(state, edit.object);
  if (found == nullptr) return;
  Json value = *found;
  if (edit.object.starts_with("pipelines/")) {
    edit.kind = "pipeline";
    assign(value["spec"]["configuration"], "edited", std::to_string(edits_.size()), edit, "configuration/");
    value["last_modified"] = std::max(now, value.value("last_modified", std::int64_t{0}) + 1);
  } else {
    const auto& kinds = options_.kinds;
    edit.kind = kinds.empty() ? job_kinds[below(job_kinds.size())] : kinds[below(kinds.size())];
    if (!edit_job(value["settings"], edit.kind, edit)) return;
  }
  put_object(state, edit.object, std::move(value));
  record(std::move(edit));
}

bool Writer::edit_job(Json& settings, const std::string& kind, Edit& edit) {
  const std::string count = std::to_string(edits_.size());
  if (kind == "other-task" || kind == "same-task") return edit_in_task(settings, kind == "same-task", edit);
  if (kind == "library") return edit_library(settings, edit);
  if (kind == "environment") return edit_environment(settings, edit);
  if (kind == "remove-task") return remove_task(settings, edit);
  if (kind == "schedule") {
    Json& schedule = settings["schedule"];
    if (!schedule.is_object()) schedule = {{"timezone_id", "UTC"}};
    assign(schedule, "quartz_cron_expression", "0 " + std::to_string(edits_.size() % 60) + " 3 * * ?", edit,
           "schedule/");
  } else if (kind == "name") {
    assign(settings, "name", settings.value("name", "") + "." + count, edit, "");
  } else if (kind == "add-task") {
    Json task{{"task_key", "added_" + count},
              {"notebook_task", {{"notebook_path", "/Workspace/Shared/n" + count}}}};
    edit.path = task_path(task);
    edit.after = task;
    settings["tasks"].push_back(std::move(task));
  } else {
    return false;
  }
  return true;
}

bool Writer::edit_in_task(Json& settings, bool same, Edit& edit) {
  const auto tasks = tasks_of(settings, options_.package, same);
  if (tasks.empty()) return false;
  Json& task = *tasks[below(tasks.size())];
  edit.task = task["task_key"];
  assign(task, "description", "edited " + std::to_string(edits_.size()), edit, task_path(task) + "/");
  return true;
}

// The text of a reference itself, moved to another folder.
bool Writer::edit_library(Json& settings, Edit& edit) {
  for (Json* task : tasks_of(settings, options_.package, true)) {
    Json& libraries = (*task)["libraries"];
    for (size_t i = 0; i < libraries.size(); ++i) {
      Json& library = libraries[i];
      const auto kind = library.begin();
      if (!names(library, options_.package) || !kind->is_string()) continue;
      const std::string text = kind->get<std::string>();
      edit.task = (*task)["task_key"];
      const std::string moved = "/Volumes/main/elsewhere/libs/" + std::to_string(edits_.size()) + "/" +
                                text.substr(text.rfind('/') + 1);
      assign(library, std::string(kind.key()), moved, edit,
             task_path(*task) + "/libraries[" + std::to_string(i) + "]/");
      return true;
    }
    if (libraries.is_null()) task->erase("libraries");
  }
  return false;
}

bool Writer::edit_environment(Json& settings, Edit& edit) {
  const auto all = settings.find("environments");
  if (all == settings.end() || all->empty()) return false;
  Json& environment = (*all)[below(all->size())];
  const std::string above =
      "environments[key=" + environment["environment_key"].get<std::string>() + "]/spec/";
  assign(environment["spec"], "environment_version", std::to_string(edits_.size()), edit, above);
  return true;
}

// One that nothing depends on and that is not the last.
bool Writer::remove_task(Json& settings, Edit& edit) {
  Json& tasks = settings["tasks"];
  for (size_t i = tasks.size(); i-- > 0 && tasks.size() > 1;) {
    const Json key = tasks[i]["task_key"];
    const bool needed = std::any_of(tasks.begin(), tasks.end(), [&](const Json& task) {
      const Json on = task.value("depends_on", Json::array());
      return std::any_of(on.begin(), on.end(), [&](const Json& each) { return each["task_key"] == key; });
    });
    if (needed) continue;
    edit.task = key;
    edit.path = task_path(tasks[i]);
    edit.before = tasks[i];
    tasks.erase(i);
    return true;
  }
  return false;
}

void Writer::record(Edit edit) {
  for (auto& earlier : edits_) {
    if (earlier.object != edit.object) continue;
    if (earlier.path == edit.path || earlier.path.starts_with(edit.path + "/") ||
        edit.path.starts_with(earlier.path + "/")) {
      earlier.superseded = true;
    }
  }
  edits_.push_back(std::move(edit));
}

bool survives(const State& state, const Edit& edit) {
  auto document = document_of(state, edit.object);
  if (!document) return false;
  const Json* now = locate(*document, edit.path);
  if (now == nullptr) return edit.after.is_null();
  if (edit.kind != "add-task") return *now == edit.after;
  // The service has added its defaults to a new task.
  return std::all_of(edit.after.items().begin(), edit.after.items().end(), [&](const auto& field) {
    return now->contains(field.key()) && (*now)[field.key()] == field.value();
  });
}

}  // namespace mlship::testing::dbx
