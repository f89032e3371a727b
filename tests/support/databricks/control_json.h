// The structures that tests in other processes set, as JSON by their field names.
#pragma once

#include <string>

#include "tests/support/databricks/generator.h"
#include "tests/support/databricks/workspace.h"

namespace mlship::testing::dbx {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Switches, error_form, environments_merge,
                                                list_omits_parameters, list_omits_environments,
                                                list_item_token, offset_rejected, shuffle, conflict_status,
                                                conflict_code, bad_token_status, parent_must_exist,
                                                install_on_terminated, check_libraries, install_looks,
                                                start_looks, run_looks, token_seconds, import_limit,
                                                block_limit, file_limit)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Fault, kind, request, method, path, skip, times, status,
                                                executed, code, message, form, body, retry_after, delay, pid)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(WriterOptions, seed, probability, follow, package, objects,
                                                kinds, most)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(RateLimit, per_second, burst, retry_after)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Access, user, admin, others, levels, expires)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Edit, request, object, kind, task, path, before, after,
                                                superseded)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(LogEntry, number, method, path, query, endpoint, status,
                                                connection, at)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(OutputFile, file, sha256)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(GenerateOptions, seed, jobs, pipelines, clusters, policies,
                                                package, affected, simple, pins, coordinates, interactive,
                                                restricted, azure, library_path, outputs)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ExpectedChange, object, path, from, to, before, after,
                                                refused, policy_defaults)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ExpectedSkip, object, path, reason)

// `given` over `standard`; a field that there is not is refused by name, so that no misspelt one passes.
template <class T>
T read_fields(const Json& given, const T& standard = {}) {
  Json all = standard;
  for (const auto& [key, value] : given.items()) {
    if (!all.contains(key)) throw Refusal{400, "INVALID_PARAMETER_VALUE", "no such field: " + key};
    all[key] = value;
  }
  return all.get<T>();
}

}  // namespace mlship::testing::dbx
