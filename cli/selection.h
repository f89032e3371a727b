// The filters that plan, rollout, rollback and status share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "deployers/plan.h"

namespace mlship {

class Arguments;
class Services;

struct SelectionOptions {
  std::optional<std::string> jobs, services;
  std::vector<std::string> targets;
};

void add_selection(Arguments& arguments, SelectionOptions& options);
// Checks the target names against the environment.
Selection selection(Services& services, const SelectionOptions& options);

struct PlanOptions {
  std::optional<std::string> ref, compat;
  SelectionOptions selection;
  bool strict = false, include_owned = false, install = false;
};
void add_plan_options(Arguments& arguments, PlanOptions& options);
// The flags that make the same selection again, each after a space.
std::string flags_of(const PlanRequest& request);
// Resolves the REF (dist/ must not hold the version with another digest) and says what make_plan needs.
PlanRequest plan_request(Services& services, const PlanOptions& options);

}  // namespace mlship
