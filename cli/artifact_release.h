// Which package and version a file built elsewhere is.
#pragma once

#include <string>
#include <vector>

#include "core/project.h"
#include "core/version.h"
#include "packager/artifact.h"

namespace mlship {

class Services;

struct ArtifactIdentity {
  std::string name;  // as its metadata writes it, without a jar's Scala version
  Version version;
};

// From what the file says inside and what jobs will read off its name: the two must agree. `project`: its
// scheme counts when it is the package's. Throws Error(archive) with what disagrees, Error(version) when
// it is no version.
ArtifactIdentity identify(const Artifact& artifact, const Project& project);

// The bundle of a file, in this run's scratch folder.
struct ArtifactBundle {
  Artifact artifact;
  Bundle bundle;
  std::string given;  // the file, as it was written
};
ArtifactBundle bundle_of_artifact(Services& services, const Path& file);

// The files in the order of their names, all of one package and version. Throws Error(usage) when they are
// not, or when two of them are the same build.
std::vector<ArtifactBundle> bundles_of_artifacts(Services& services, const std::vector<std::string>& files);

// Of a version that is there already: true when `there` holds this very file; false when the two can stand
// side by side. Throws Error(version_exists) for another file of the same build, or of another kind.
bool has_artifact(const Bundle& there, const ArtifactBundle& made, const std::string& registry);

// Throws Error(version) when the registry keeps versions of the other scheme under this name: never are both
// in one package.
void refuse_other_scheme(Services& services, const BundleInfo& info);

}  // namespace mlship
