// An interactive cluster like the one a job runs on, to try things out by hand.
#pragma once

#include <string>
#include <vector>

#include "core/host/host.h"
#include "core/json.h"
#include "core/project.h"

namespace mlship::databricks {

struct ClusterClone {
  std::string job_id, job_name;
  std::string cluster_id, cluster_name;
  std::string url;                     // of its page
  std::vector<std::string> libraries;  // as JSON, installed on it
};

// `job`: an id or a name. `task` ("": all that there are have one cluster) is the key of the task whose
// cluster it shall be like. Creates the cluster with the task's libraries; it ends by itself after two idle
// hours unless the job's says otherwise. Error(not_found) with the nearest name, Error(usage) when several
// jobs have the name or the tasks have several clusters.
ClusterClone clone_cluster(const TargetSection& section, Host& host, const std::string& job,
                           const std::string& task);

}  // namespace mlship::databricks
