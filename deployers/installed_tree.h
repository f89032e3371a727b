// Where runnable trees are installed. Nothing but a new tree is ever written there: a file of a tree is what
// its digest says for ever.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/project.h"
#include "deployers/target.h"

namespace mlship {

class InstallRoots {
 public:
  explicit InstallRoots(const Project& project);  // of all its targets

  // The root below which a path (without links) stands; nullopt when it stands below none.
  [[nodiscard]] std::optional<std::string> above(const Path& resolved) const;
  // The version in whose tree it stands, as an opaque reference; nullopt when it stands in none.
  [[nodiscard]] std::optional<FoundReference> tree_of(const Path& resolved, Scheme scheme) const;

 private:
  std::vector<std::string> roots_;  // without links
};

}  // namespace mlship
