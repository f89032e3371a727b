// Places in an object: `tasks[key=a]/for_each_task/task/libraries[2]/whl`. Entries of tasks, job_clusters,
// environments and a pipeline's clusters are named by their key, those of other arrays by their number from
// 0.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tests/support/databricks/state.h"

namespace mlship::testing::dbx {

// What the paths of an object begin at: a job's settings, a pipeline's spec, {"libraries": […]} of a cluster,
// a policy. nullopt: no such object.
std::optional<Json> document_of(const State& state, const std::string& object);
// The value at `path`; nullptr when there is none. `#2` at the end, a second reference in one text, is
// passed over.
Json* locate(Json& document, std::string_view path);

}  // namespace mlship::testing::dbx
