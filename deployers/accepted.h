// Leftovers that a target's `accept` writes down, so that a run that only meets these is done.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "deployers/target.h"

namespace mlship {

class Accepted {
 public:
  // Throws Error(project_file) for an entry that is not "REASON: GLOB".
  explicit Accepted(const TargetSection& section);
  [[nodiscard]] bool has(Reason reason, const ObjectInfo& object) const;

 private:
  std::vector<std::pair<Reason, std::string>> rows_;
};

}  // namespace mlship
