// Where references in a workspace move to: its rows of the table in rollout.md.
#pragma once

#include <string>

#include "deployers/databricks/api.h"
#include "deployers/host_destination.h"
#include "deployers/target.h"

namespace mlship::databricks {

struct Places {
  HostPlaces common;         // index and trust-pins
  std::string library_path;  // without a `/` at the end, "" when not set
};
// Error(project_file) for a library-path that is no folder of a workspace.
Places find_places(const TargetSection& section, const Project& project);

// For Target::check_places().
Target::Remark check_library_path(Api& api, const Places& places, const TargetSection& section);

// `repo`: the package index that a pypi library names for itself, "" when it names none.
Destination destination_of(const Places& places, const FoundReference& found, const std::string& repo,
                           const Release& release, ReleaseSource& source);

}  // namespace mlship::databricks
