// `mlship doctor`: everything a run would need, tried without changing anything: the project file, every
// environment's registry, ledger and targets, the indexes and the files with credentials.
#pragma once

#include <string>
#include <vector>

#include "core/error.h"

namespace mlship {

class Services;

struct Finding {
  enum class Status { ok, warning, problem };
  std::string area;         // "registry", "target edge"
  std::string environment;  // "" for what belongs to none
  Status status = Status::ok;
  std::string detail;              // what was found, or what is wrong
  std::string fix;                 // imperative; "" when all is well
  ExitCode exit = ExitCode::done;  // of a problem: what a command that needs it would end with
};
std::string_view to_string(Finding::Status status);

std::vector<Finding> examine(Services& services);
// 0 without a problem, the problems' exit code when they agree, else 8.
ExitCode exit_of(const std::vector<Finding>& findings);

}  // namespace mlship
