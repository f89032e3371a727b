#include "deployers/databricks/runs.h"

#include <algorithm>
#include <array>

#include "core/digest.h"
#include "core/error.h"
#include "deployers/databricks/kind.h"

namespace mlship::databricks {
namespace {

constexpr size_t longest_token = 64;  // run-now: idempotency_token
constexpr size_t most_runs = 25;      // the newest; a page

constexpr auto ended = std::to_array<std::string_view>({"TERMINATED", "SKIPPED", "INTERNAL_ERROR"});

std::int64_t milliseconds_at(const Json& run, std::string_view member) {
  const Json& value = member_of(run, member);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

constexpr auto no_evidence = std::to_array<std::string_view>(
    {"CANCELED", "UPSTREAM_CANCELED", "UPSTREAM_FAILED", "EXCLUDED", "MAXIMUM_CONCURRENT_RUNS_REACHED"});

// What went wrong, in the service's words; LIBRARY_INSTALLATION_ERROR is the exact signal of a bad library.
std::string explained(const Json& run) {
  const Json& details = member_of(member_of(run, "status"), "termination_details");
  std::string out = text_at(details, "code");
  for (const std::string& words :
       {text_at(details, "message"), text_at(member_of(run, "state"), "state_message")}) {
    if (!words.empty()) out += (out.empty() ? "" : ": ") + words;
  }
  const std::string page = text_at(run, "run_page_url");
  return page.empty() ? out : out + " (" + page + ")";
}

std::string libraries_of(const Json& run) {
  std::string out;
  const Json& tasks = member_of(run, "tasks");
  if (!tasks.is_array()) return out;
  const Json settings = {{"tasks", tasks}};
  each_site(settings, job_sites(), [&](const SiteRow&, const std::string&, const std::string& text) {
    out += (out.empty() ? "" : " ") + text;
  });
  return out;
}

Json run_of(Api& api, const std::string& id) {
  Call call{"GET", "/api/2.2/jobs/runs/get", {{"run_id", id}}};
  call.doing = "read run " + id;
  return api.call(call);
}

RunEvidence evidence_of(const Json& run) {
  const Json& state = member_of(run, "state");
  const std::string life = text_at(state, "life_cycle_state");
  RunEvidence out;
  out.id = text_at(run, "run_id");
  out.started = milliseconds_at(run, "start_time") / 1000;
  if (std::find(ended.begin(), ended.end(), life) != ended.end()) {
    const auto end = std::max(milliseconds_at(run, "end_time"), milliseconds_at(run, "start_time"));
    out.seconds = (end - milliseconds_at(run, "start_time")) / 1000;
  }
  const std::string result = text_at(state, "result_state");
  // A run that was stopped by somebody, or not begun, says nothing of the version.
  out.says_nothing = std::find(no_evidence.begin(), no_evidence.end(), result) != no_evidence.end();
  if (out.says_nothing) out.seconds.reset();
  out.good = result == "SUCCESS";
  out.reports = libraries_of(run);
  if (!out.good) out.detail = explained(run);
  return out;
}

}  // namespace

std::string run_now(Api& api, const std::string& job_id, const std::string& tag) {
  Call call{"POST", "/api/2.2/jobs/run-now"};
  call.body = {{"job_id", std::stoll(job_id)},
               {"idempotency_token", sha256(tag).hex().substr(0, longest_token)}};
  call.doing = "run job " + job_id;
  std::string id = text_at(api.call(call), "run_id");
  if (!id.empty()) return id;
  throw Error(ErrorCode::server_error, "cannot " + call.doing + ": the answer names no run");
}

RunEvidence run_at(Api& api, const std::string& run_id) {
  return evidence_of(run_of(api, run_id));
}

std::vector<RunEvidence> runs_since(Api& api, const std::string& job_id, std::int64_t since,
                                    EndedRuns& known) {
  Call call{"GET",
            "/api/2.2/jobs/runs/list",
            {{"job_id", job_id},
             {"limit", std::to_string(most_runs)},
             {"start_time_from", std::to_string(since * 1000)},
             {"expand_tasks", "true"}}};
  call.doing = "list the runs of job " + job_id;
  const Json answer = api.call(call);
  const Json& rows = member_of(answer, "runs");
  std::vector<RunEvidence> out;
  if (!rows.is_array()) return out;
  for (const auto& row : rows) {
    const std::string id = text_at(row, "run_id");
    if (const auto seen = known.find(id); seen != known.end()) {
      out.push_back(seen->second);
      continue;
    }
    // The list tells neither why a run ended nor all of its tasks.
    out.push_back(evidence_of(id.empty() ? row : run_of(api, id)));
    if (!id.empty() && out.back().seconds) known.emplace(id, out.back());
  }
  std::sort(out.begin(), out.end(),
            [](const RunEvidence& a, const RunEvidence& b) { return a.started < b.started; });
  return out;
}

}  // namespace mlship::databricks
