// Jobs, API 2.2. Read and written by `jobs/get` (all pages) and `jobs/update` (the changed tasks, and all
// environments when one changed); never `jobs/reset`, which replaces what others wrote.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/error.h"
#include "deployers/databricks/kind.h"

namespace mlship::databricks {
namespace {

constexpr std::string_view page_size = "100";
// What pages of one job carry on together.
constexpr auto paged =
    std::to_array<std::string_view>({"tasks", "job_clusters", "parameters", "environments"});

std::string number(const Json& job) {
  const Json& id = member_of(job, "job_id");
  if (id.is_number_integer()) return id.dump();
  throw Error(ErrorCode::server_error, "cannot read a job: it has no job_id");
}

// Something that a whole job has was not shown.
bool shows_less(const Json& job) {
  if (member_of(job, "has_more") == Json(true)) return true;
  const Json& settings = member_of(job, "settings");
  const Json& tasks = member_of(settings, "tasks");
  if (!tasks.is_array()) return member_of(settings, "format") == Json("MULTI_TASK");
  const bool named = std::any_of(tasks.begin(), tasks.end(), [](const Json& task) {
    const Json& inner = member_of(member_of(task, "for_each_task"), "task");
    return !text_at(task, "environment_key").empty() || !text_at(inner, "environment_key").empty();
  });
  return named && member_of(settings, "environments").is_null();
}

std::string schedule_of(const Json& settings) {
  const Json& schedule = member_of(settings, "schedule");
  if (schedule.is_object()) {
    const bool paused = text_at(schedule, "pause_status") == "PAUSED";
    return text_at(schedule, "quartz_cron_expression") + " " + text_at(schedule, "timezone_id") +
           (paused ? " (paused)" : "");
  }
  if (member_of(settings, "continuous").is_object()) return "continuous";
  if (member_of(settings, "trigger").is_object()) return "trigger";
  return "";
}

class Jobs final : public Kind {
 public:
  [[nodiscard]] std::string_view prefix() const override { return "jobs/"; }
  [[nodiscard]] Sites sites() const override { return job_sites(); }
  [[nodiscard]] Json settings(const Json& whole) const override { return member_of(whole, "settings"); }

  [[nodiscard]] ObjectInfo info(const Document& document) const override {
    const Json& settings = member_of(document.whole, "settings");
    ObjectInfo info;
    info.id = document.id;
    info.name = text_at(settings, "name");
    if (info.name.empty()) info.name = "Untitled";  // as the service calls it
    info.kind = "databricks-job";
    info.schedule = schedule_of(settings);
    info.owner = text_at(document.whole, "creator_user_name");
    info.cls = ObjectClass::job;
    return info;
  }

  [[nodiscard]] Owner owner(const Json& whole) const override {
    const Json& deployment = member_of(member_of(whole, "settings"), "deployment");
    const std::string kind = text_at(deployment, "kind");
    if (kind.empty()) return {};
    if (kind != "BUNDLE") return {"Databricks itself manages it (" + kind + ")", true};
    const std::string file = text_at(deployment, "metadata_file_path");
    return {
        "a Databricks asset bundle owns it: change the bundle" + (file.empty() ? "" : " deployed to " + file),
        false};
  }

  [[nodiscard]] std::vector<std::string> warnings(const Json& settings,
                                                  const std::string& path) const override {
    const Root root = root_of(path);
    if (root.array != "tasks") return {};
    for (const auto& task : member_of(settings, "tasks")) {
      if (text_at(task, "task_key") != root.key) continue;
      const Json& inner = member_of(member_of(task, "for_each_task"), "task");
      const bool policy = !text_at(member_of(task, "new_cluster"), "policy_id").empty() ||
                          !text_at(member_of(inner, "new_cluster"), "policy_id").empty();
      // apply_policy_default_values is never answered, so a task that is sent back loses it.
      if (policy) return {"policy-defaults"};
    }
    return {};
  }

  void list(Api& api, const Take& take) const override {
    const std::string doing = "list the jobs of " + api.host();
    std::string token;
    do {
      Call call{"GET", "/api/2.2/jobs/list", {{"limit", std::string(page_size)}, {"expand_tasks", "true"}}};
      if (!token.empty()) call.query.emplace_back("page_token", token);
      call.doing = doing;
      Json answer = api.call(call);
      Json found = rows_of(answer, "jobs", doing);
      const std::string next = next_page(answer, token, doing);
      answer = nullptr;
      std::vector<Document> page;
      for (auto& job : found) {
        std::string id = "jobs/" + number(job);
        page.push_back({std::move(id), std::move(job), true});
      }
      complete(api, page);
      for (auto& document : page) take(std::move(document));
      token = next;
    } while (!token.empty());
  }

  [[nodiscard]] std::optional<Document> read(Api& api, const std::string& id) const override {
    const std::string doing = "read job " + without_prefix(*this, id);
    Document document{id, nullptr};
    std::string token;
    do {
      Call call{"GET", "/api/2.2/jobs/get", {{"job_id", without_prefix(*this, id)}}};
      if (!token.empty()) call.query.emplace_back("page_token", token);
      call.doing = doing;
      Json page;
      try {
        page = api.call(call);
      } catch (const Error& e) {
        if (e.code() == ErrorCode::not_found) return std::nullopt;
        throw;
      }
      const std::string next = next_page(page, token, doing);
      if (!page.is_object() || (member_of(page, "has_more") == Json(true) && next.empty())) {
        throw Error(ErrorCode::server_error, "cannot " + doing + ": the answer is not all of it");
      }
      if (token.empty()) document.read_at = api.clock().monotonic();
      join(document.whole, std::move(page));
      token = next;
    } while (!token.empty());
    return document;
  }

  std::string write(Api& api, const Write& write) const override {
    const std::string id = without_prefix(*this, write.before.id);
    Json sent = Json::object();
    for (const auto& path : write.paths) add(sent, write.settings, root_of(path));
    Call call{"POST", "/api/2.2/jobs/update"};
    call.body = {{"job_id", std::stoll(id)}, {"new_settings", std::move(sent)}};
    call.repeat = Repeat::reread;
    call.read_at = write.before.read_at;
    call.doing = "update job " + id;
    api.call(call);
    return "";
  }

 private:
  // Reads whole what the list showed in part.
  void complete(Api& api, std::vector<Document>& page) const {
    std::vector<size_t> partial;
    for (size_t i = 0; i < page.size(); ++i) {
      if (shows_less(page[i].whole)) partial.push_back(i);
    }
    in_parallel(partial.size(), api.clock(), [&](size_t i) {
      Document& document = page[partial[i]];
      try {
        if (auto whole = read(api, document.id)) document = std::move(*whole);
      } catch (const Error& e) {
        if (e.code() != ErrorCode::forbidden) throw;
        document.problem = e.message();
      }
    });
  }

  static void join(Json& whole, Json page) {
    if (whole.is_null()) {
      whole = std::move(page);
    } else {
      const Json& more = member_of(page, "settings");
      for (const auto name : paged) {
        const Json& list = member_of(more, name);
        if (!list.is_array() || list.empty()) continue;
        Json& all = whole["settings"][std::string(name)];
        if (!all.is_array()) all = Json::array();
        for (const auto& element : list) all.push_back(element);
      }
    }
    whole.erase("next_page_token");
    whole.erase("has_more");
  }

  // Lists are merged by key: an entry is replaced whole, the others stay. Whether environments are merged is
  // not documented, so all of them are sent.
  static void add(Json& sent, const Json& settings, const Root& root) {
    if (root.array != "tasks" || root.key.empty()) {
      sent[root.array] = settings.at(root.array);
      return;
    }
    Json& tasks = sent["tasks"];
    if (tasks.is_null()) tasks = Json::array();
    const auto same = [&](const Json& task) { return text_at(task, "task_key") == root.key; };
    if (std::any_of(tasks.begin(), tasks.end(), same)) return;
    const Json& all = settings.at("tasks");
    tasks.push_back(*std::find_if(all.begin(), all.end(), same));
  }
};

const Jobs the_jobs;

}  // namespace

const Kind& jobs = the_jobs;

}  // namespace mlship::databricks
