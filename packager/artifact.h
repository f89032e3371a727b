// A wheel, egg or jar that was built elsewhere: what it says of itself, and the bundle with that one output.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "packager/bundle.h"

namespace mlship {

// A name and a version as written inside the file.
struct ArtifactClaim {
  std::string name, version;
  std::string where;  // "churn-1.4.0.dist-info/METADATA"
};

struct Artifact {
  std::string kind;      // "wheel", "egg", "jar"
  std::string filename;  // letters, digits and . _ + ! - alone
  Path copy;             // of its bytes, hashed while they were copied: what is read below and published
  Digest digest;
  std::uint64_t size = 0;
  // A wheel and an egg: exactly one. A jar: one for each pom.properties; merged jars keep those of what was
  // merged.
  std::vector<ArtifactClaim> claims;
  std::string description;
};

// By its name alone.
bool is_artifact(const Path& file);

// Copies `file` into the folder `scratch` and checks every byte of the copy: the strict rules for zips, a
// wheel's RECORD, the checksums of eggs and jars. Throws Error(not_found), Error(archive|wheel) when it is
// none of the three, a link, or malformed.
Artifact read_artifact(const Path& file, const Path& scratch);

// The layout `folder` (must not exist) with the bundle of this one output. A function of the file's bytes and
// name, `name` and `version` alone. Takes the copy.
Bundle bundle_artifact(const Artifact& artifact, const std::string& name, const Version& version,
                       const Path& folder);

}  // namespace mlship
