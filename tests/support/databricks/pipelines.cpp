// Pipelines: a list without specs, and the one API with a compare-and-swap.
#include <array>

#include "tests/support/databricks/api.h"

namespace mlship::testing::dbx {
namespace {

// What stands beside `spec` in an answer and among its fields in a request.
constexpr auto beside = std::to_array<const char*>({"run_as", "parameters"});

std::string id_of(const Call& call) {
  return call.request.path.substr(call.request.path.rfind('/') + 1);
}

Json& pipeline_of(Call& call) {
  const std::string id = id_of(call);
  const auto found = call.state.pipelines.find(id);
  if (found == call.state.pipelines.end()) absent("The specified pipeline " + id + " was not found.");
  require_view(call, "pipelines/" + id);
  return found->second;
}

Reply list_pipelines(Call& call) {
  std::vector<const Json*> seen;
  for (const auto& [id, pipeline] : call.state.pipelines) {
    if (can_view(call.who, "pipelines/" + id)) seen.push_back(&pipeline);
  }
  Json answer = Json::object();
  const Page page = page_of(call, seen.size(), "max_results", 25, 100, answer);
  Json statuses = Json::array();
  for (size_t i = page.begin; i < page.end; ++i) {
    const Json& pipeline = *seen[i];
    statuses.push_back({{"pipeline_id", pipeline["pipeline_id"]},
                        {"name", pipeline["name"]},
                        {"state", pipeline.value("state", "IDLE")},
                        {"creator_user_name", pipeline.value("creator_user_name", "")}});
  }
  if (!statuses.empty()) answer["statuses"] = std::move(statuses);
  return json_reply(answer);
}

Reply get_pipeline(Call& call) {
  return json_reply(pipeline_of(call));
}

void write_spec(Json& pipeline, Json spec) {
  for (const char* key : beside) {
    pipeline.erase(key);
    if (spec.contains(key)) pipeline[key] = spec[key];
    spec.erase(key);
  }
  for (const char* key :
       {"expected_last_modified", "pipeline_id", "id", "allow_duplicate_names", "dry_run"}) {
    spec.erase(key);
  }
  pipeline["name"] = spec.value("name", pipeline.value("name", ""));
  spec["id"] = pipeline["pipeline_id"];
  for (const auto& [key, standard] :
       {std::pair("continuous", Json(false)), std::pair("channel", Json("CURRENT"))}) {
    if (!spec.contains(key)) spec[key] = standard;
  }
  pipeline["spec"] = std::move(spec);
}

Reply put_pipeline(Call& call) {
  Json& pipeline = pipeline_of(call);
  require_manage(call, "pipelines/" + id_of(call));
  const std::int64_t last = pipeline.value("last_modified", std::int64_t{0});
  const std::int64_t expected = optional_number(call, "expected_last_modified").value_or(0);
  if (expected != 0 && expected != last) {
    throw Refusal{call.switches.conflict_status, call.switches.conflict_code,
                  "The pipeline has been modified since it was read: expected_last_modified does not match."};
  }
  write_spec(pipeline, call.body);
  pipeline["last_modified"] = std::max(call.now, last + 1);
  return json_reply(Json::object());
}

Reply create_pipeline(Call& call) {
  const std::string id = "p-" + std::to_string(call.state.next_id++);
  Json pipeline{{"pipeline_id", id},
                {"state", "IDLE"},
                {"creator_user_name", call.who.user},
                {"last_modified", call.now}};
  write_spec(pipeline, call.body);
  call.state.pipelines[id] = std::move(pipeline);
  return json_reply({{"pipeline_id", id}});
}

Reply delete_pipeline(Call& call) {
  pipeline_of(call);
  require_manage(call, "pipelines/" + id_of(call));
  call.state.pipelines.erase(id_of(call));
  return json_reply(Json::object());
}

constexpr auto routes = std::to_array<Route>({{"GET", "/api/2.0/pipelines", list_pipelines},
                                              {"POST", "/api/2.0/pipelines", create_pipeline},
                                              {"GET", "/api/2.0/pipelines/*", get_pipeline},
                                              {"PUT", "/api/2.0/pipelines/*", put_pipeline},
                                              {"DELETE", "/api/2.0/pipelines/*", delete_pipeline}});

}  // namespace

std::span<const Route> pipeline_routes() {
  return routes;
}

}  // namespace mlship::testing::dbx
