// A Databricks workspace as a target: jobs, pipelines and cluster policies, found by list, changed one by one
// with a fresh reading before each write, read back by list where that is cheaper.
#pragma once

#include <memory>

#include "deployers/target.h"

namespace mlship::databricks {

std::unique_ptr<Target> make_workspace(const TargetSection& section, const Project& project, Host& host);

}  // namespace mlship::databricks
