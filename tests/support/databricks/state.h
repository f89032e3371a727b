// What a workspace holds, and the switches for what is not known about the service. An object is named
// `jobs/<id>`, `pipelines/<id>`, `clusters/<id>` or `policies/<id>`.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/databricks/message.h"

namespace mlship::testing::dbx {

struct File {
  std::string bytes;
  std::int64_t modified = 0;  // milliseconds since the epoch
};

// A library as a cluster has it. A cluster that runs moves it on by one state at every look.
struct ClusterLibrary {
  Json library;  // {"whl": "…"}
  std::string status = "INSTALLED";
  std::vector<std::string> messages;
};

struct Run {
  Json answer;           // as runs/get returns it, without what changes while it runs
  std::string outcome;   // SUCCESS, FAILED, LIBRARY_INSTALLATION_ERROR
  int looks = 1;         // so many answers say that it runs; -1: it never ends
  bool started = false;  // it was seen running
};

// What one token may do.
struct Access {
  std::string user = "admin@example.invalid";
  bool admin = true;                          // may edit cluster policies
  std::string others = "CAN_MANAGE";          // level on objects that `levels` does not name; "NONE"
  std::map<std::string, std::string> levels;  // object → NONE, CAN_VIEW, CAN_MANAGE_RUN, CAN_MANAGE, IS_OWNER
  std::int64_t expires = 0;                   // milliseconds on the workspace's clock; 0: never
};

// Each stands for something that could not be verified or that differs between workspaces.
struct Switches {
  std::string error_form = "json";  // words of parse_error_form()
  bool environments_merge =
      false;  // jobs/update merges `environments` by environment_key; else it replaces them
  bool list_omits_parameters = true;
  bool list_omits_environments = false;
  bool list_item_token = false;  // jobs in a list carry next_page_token beside has_more
  bool offset_rejected = false;  // else it is cut to 1000
  bool shuffle = true;           // depends_on and webhook ids come in another order with every answer
  int conflict_status = 409;     // a pipeline's expected_last_modified does not match
  std::string conflict_code = "RESOURCE_CONFLICT";
  int bad_token_status = 401;         // 403: what older workspaces say to an unknown token
  bool parent_must_exist = true;      // Files API: the folder above must be there
  bool install_on_terminated = true;  // libraries/install waits for the start; else it is refused
  bool check_libraries = true;        // a run or installation fails whose library file is not there
  int install_looks = 3;              // looks from PENDING to INSTALLED, 1 to 3
  int start_looks = 1;                // looks from PENDING or RESTARTING to RUNNING
  int run_looks = 1;
  std::int64_t token_seconds = 3600;                // life of a token from oidc/v1/token
  std::int64_t import_limit = 10 << 20;             // bytes, workspace/import and export
  std::int64_t block_limit = 1 << 20;               // bytes, dbfs put, add-block and read
  std::int64_t file_limit = std::int64_t{5} << 30;  // bytes, Files API
};

struct State {
  std::map<std::int64_t, Json> jobs;      // {job_id, created_time, creator_user_name, run_as, settings}
  std::map<std::string, Json> pipelines;  // {pipeline_id, name, spec, last_modified, run_as, parameters, …}
  std::map<std::string, Json> clusters;   // as clusters/get returns it
  std::map<std::string, std::vector<ClusterLibrary>> libraries;  // by cluster
  std::map<std::string, Json> policies;                      // {policy_id, name, definition, libraries, …}
  std::map<std::string, std::vector<Json>> revisions;        // of policies, the newest last, 100 at most
  std::map<std::string, std::shared_ptr<const File>> files;  // by canonical_path()
  std::set<std::string> directories;
  std::map<std::int64_t, Run> runs;
  std::map<std::string, std::int64_t> idempotency;  // idempotency_token → run_id
  std::map<std::int64_t, std::string> outcomes;     // what the next runs of a job come to
  std::map<std::string, std::int64_t> transitions;  // cluster → looks left
  std::map<std::string, Access> tokens;             // empty: every token may do everything
  std::map<std::string, std::string> clients;       // OAuth: client id → secret
  std::map<std::int64_t, std::pair<std::string, std::string>> handles;  // dbfs/create: path, bytes so far
  std::int64_t next_id = 1'000'001;                                     // jobs, runs, handles

  // Newest first: (created_time, job_id). Kept by put_job() and erase_job().
  std::set<std::pair<std::int64_t, std::int64_t>, std::greater<>> order;

  // `job` is {job_id, created_time, settings, …}; settings are normalised as the service does.
  void put_job(Json job);
  void erase_job(std::int64_t id);
  void put_file(const std::string& path, std::string bytes, std::int64_t now);
  [[nodiscard]] bool has_directory(const std::string& path) const;
};

// Any kind of object by its name: its whole JSON, nullptr when there is none.
const Json* find_object(const State& state, std::string_view object);
void put_object(State& state, const std::string& object, Json value);
void erase_object(State& state, std::string_view object);
// {object: its whole JSON}, and {"files/<path>": {size, sha256}}, {"libraries/<cluster>": […]}.
Json dump(const State& state);

// One spelling for one file: /Volumes/…, /Workspace/…, dbfs:/…; others unchanged.
std::string canonical_path(std::string_view path);
std::string parent_of(std::string_view path);

// Defaults as the service adds them, unordered lists sorted; apply_policy_default_values stays, as()
// takes it out.
void normalise_settings(Json& settings);
// As the service shows it: what is never returned is taken out, unordered lists turned by `turn`.
Json shown(const Json& settings, std::uint64_t turn);

}  // namespace mlship::testing::dbx
