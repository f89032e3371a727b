// Runs of jobs, as probes and as evidence.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "deployers/databricks/api.h"
#include "deployers/target.h"

namespace mlship::databricks {

// Starts one run, however often it is asked for with this tag; its id.
std::string run_now(Api& api, const std::string& job_id, const std::string& tag);
RunEvidence run_at(Api& api, const std::string& run_id);
using EndedRuns = std::map<std::string, RunEvidence>;  // by run_id: what has ended is not asked for again
// The newest of them, oldest first. What a run reports is the libraries its tasks were given.
std::vector<RunEvidence> runs_since(Api& api, const std::string& job_id, std::int64_t since,
                                    EndedRuns& known);

}  // namespace mlship::databricks
