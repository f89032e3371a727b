// Which objects a command is about.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/diagnostics.h"
#include "deployers/target.h"

namespace mlship {

// Whether a selector of --jobs, include, [objects] … may mean this object: by its name or its id. Among all
// objects: see Selectors.
bool means(std::string_view glob, const ObjectInfo& object);
bool means(std::span<const std::string> globs, const ObjectInfo& object);  // any of them

struct Selection {
  std::optional<std::string> jobs;  // --jobs[=GLOB]: "" = all jobs
  std::optional<std::string> services;
  std::vector<std::string> targets;  // --target; empty: all of the environment
};
bool selects(const Selection& selection, const std::string& target);

// What of a selection is about nothing: somebody's slip of the pen should not end as "nothing to change".
class Unmet {
 public:
  Unmet() = default;
  explicit Unmet(const Selection& selection);
  void saw(const ObjectInfo& object);
  // A name that no object has is Error(not_found) with a did-you-mean; a pattern with * or ? only a warning.
  void check(Diagnostics& diagnostics) const;

 private:
  std::set<std::string> unmet_;
  std::vector<std::string> names_;  // of what was seen
};

}  // namespace mlship
