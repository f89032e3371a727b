// Runs: run-now, runs/submit, runs/get, runs/list. A run ends after so many looks at it.
#include <array>

#include "tests/support/databricks/api.h"

namespace mlship::testing::dbx {
namespace {

// The first library of the tasks that cannot be installed, as the service words it; "" when all can.
std::string missing_library(const State& state, const Json& settings) {
  for (const auto& outer : settings.value("tasks", Json::array())) {
    const Json loop = outer.value("for_each_task", Json::object()).value("task", Json::object());
    for (const Json* task : {&outer, &loop}) {
      for (const auto& library : task->value("libraries", Json::array())) {
        if (auto problem = library_problem(state, library); !problem.empty()) return problem;
      }
    }
  }
  return "";
}

struct Ending {
  std::string_view outcome, life_cycle, result, code, type;
};
constexpr auto endings =
    std::to_array<Ending>({{"SUCCESS", "TERMINATED", "SUCCESS", "SUCCESS", "SUCCESS"},
                           {"FAILED", "INTERNAL_ERROR", "FAILED", "RUN_EXECUTION_ERROR", "CLIENT_ERROR"},
                           {"LIBRARY_INSTALLATION_ERROR", "INTERNAL_ERROR", "FAILED",
                            "LIBRARY_INSTALLATION_ERROR", "CLIENT_ERROR"}});

const Ending& ending_of(const std::string& outcome) {
  for (const auto& row : endings) {
    if (row.outcome == outcome) return row;
  }
  throw Refusal{500, "INTERNAL_ERROR", "unknown outcome " + outcome};
}

Json state_of(const Run& run) {
  if (run.looks != 0) {
    const char* word = run.started ? "RUNNING" : "PENDING";
    return {{"state", {{"life_cycle_state", word}, {"state_message", ""}}}, {"status", {{"state", word}}}};
  }
  const Ending& end = ending_of(run.outcome);
  const std::string message = run.answer.value("message", "");
  return {{"state",
           {{"life_cycle_state", end.life_cycle}, {"result_state", end.result}, {"state_message", message}}},
          {"status",
           {{"state", "TERMINATED"},
            {"termination_details", {{"code", end.code}, {"type", end.type}, {"message", message}}}}}};
}

Json answer_of(const Run& run, std::int64_t now) {
  Json out = run.answer;
  out.erase("message");
  const Json state = state_of(run);
  out.update(state);
  for (auto& task : out["tasks"]) task.update(state);
  if (run.looks == 0) out["end_time"] = now;
  return out;
}

void look(Run& run) {
  run.started = true;
  if (run.looks > 0) --run.looks;
}

bool seen_by(const Call& call, const Run& run) {
  return !run.answer.contains("job_id") ||
         can_view(call.who, "jobs/" + std::to_string(run.answer["job_id"].get<std::int64_t>()));
}

Reply get_run(Call& call) {
  const std::int64_t id = number_of(call, "run_id");
  const auto found = call.state.runs.find(id);
  if (found == call.state.runs.end()) invalid("Run " + std::to_string(id) + " does not exist.");
  if (!seen_by(call, found->second)) denied(call, "View", "run " + std::to_string(id));
  const Reply reply = json_reply(answer_of(found->second, call.now));
  look(found->second);
  return reply;
}

Reply list_runs(Call& call) {
  const bool active = flag_of(call, "active_only"), completed = flag_of(call, "completed_only");
  const auto job = optional_number(call, "job_id");
  std::vector<std::int64_t> ids;
  for (auto at = call.state.runs.rbegin(); at != call.state.runs.rend(); ++at) {
    const Run& run = at->second;
    const bool running = run.looks != 0;
    if ((active && !running) || (completed && running) || !seen_by(call, run)) continue;
    if (job && run.answer.value("job_id", std::int64_t{-1}) != *job) continue;
    ids.push_back(at->first);
  }
  Json answer = Json::object();
  const Page page = page_of(call, ids.size(), "limit", 20, 25, answer);
  Json runs = Json::array();
  for (size_t i = page.begin; i < page.end; ++i) {
    Run& run = call.state.runs.at(ids[i]);
    runs.push_back(answer_of(run, call.now));
    if (!flag_of(call, "expand_tasks")) runs.back().erase("tasks");
    look(run);
  }
  if (!runs.empty()) answer["runs"] = std::move(runs);
  answer["has_more"] = page.end < ids.size();
  return json_reply(answer);
}

// One run for one token, however often it is asked for.
std::optional<std::int64_t> earlier_run(const Call& call) {
  const std::string token = call.body.value("idempotency_token", "");
  if (token.size() > 64) invalid("idempotency_token must have at most 64 characters.");
  const auto found = call.state.idempotency.find(token);
  if (token.empty() || found == call.state.idempotency.end()) return std::nullopt;
  return found->second;
}

Reply begin(Call& call, std::int64_t job, const Json& settings) {
  std::int64_t id = 0;
  if (const auto earlier = earlier_run(call)) {
    id = *earlier;
  } else {
    id = start_run(call, job, settings);
    if (const std::string token = call.body.value("idempotency_token", ""); !token.empty()) {
      call.state.idempotency[token] = id;
    }
  }
  return json_reply({{"run_id", id}, {"number_in_job", id}});
}

Reply run_now(Call& call) {
  const std::int64_t id = number_of(call, "job_id");
  const std::string object = "jobs/" + std::to_string(id);
  const Json* job = find_object(call.state, object);
  if (job == nullptr) invalid("Job " + std::to_string(id) + " does not exist.");
  require_view(call, object);
  if (level_of(call.who, object) == "CAN_VIEW") denied(call, "Manage Run", object);
  return begin(call, id, (*job)["settings"]);
}

Reply submit(Call& call) {
  return begin(call, 0, call.body);
}

constexpr auto routes = std::to_array<Route>({{"POST", "/api/*/jobs/run-now", run_now},
                                              {"POST", "/api/*/jobs/runs/submit", submit},
                                              {"GET", "/api/*/jobs/runs/get", get_run},
                                              {"GET", "/api/*/jobs/runs/list", list_runs}});

}  // namespace

std::int64_t start_run(Call& call, std::int64_t job, const Json& settings) {
  const std::int64_t id = call.state.next_id++;
  Run run;
  run.looks = call.switches.run_looks;
  run.outcome = "SUCCESS";
  run.answer = {{"run_id", id},
                {"start_time", call.now},
                {"creator_user_name", call.who.user},
                {"run_name", settings.value("name", settings.value("run_name", ""))},
                {"tasks", Json::array()}};
  if (job != 0) run.answer["job_id"] = job;
  for (const auto& task : settings.value("tasks", Json::array())) {
    Json copy{{"run_id", call.state.next_id++}, {"task_key", task["task_key"]}};
    for (const char* key : {"libraries", "existing_cluster_id", "environment_key"}) {
      if (task.contains(key)) copy[key] = task[key];
    }
    if (task.contains("existing_cluster_id"))
      copy["cluster_instance"] = {{"cluster_id", task["existing_cluster_id"]}};
    run.answer["tasks"].push_back(std::move(copy));
  }
  const std::string problem = call.switches.check_libraries ? missing_library(call.state, settings) : "";
  if (!problem.empty()) {
    run.outcome = "LIBRARY_INSTALLATION_ERROR";
    run.answer["message"] = problem;
  }
  if (const auto set = call.state.outcomes.find(job); set != call.state.outcomes.end())
    run.outcome = set->second;
  call.state.runs[id] = std::move(run);
  return id;
}

std::span<const Route> run_routes() {
  return routes;
}

}  // namespace mlship::testing::dbx
