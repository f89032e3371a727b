// REF -> a release in the environment's registry.
#pragma once

#include <optional>
#include <string>

#include "core/oci.h"
#include "core/project.h"
#include "core/ref.h"
#include "core/release.h"

namespace mlship {

class Services;

struct Resolved {
  Release release;
  std::string name;  // as the project writes it, for messages
  oci::Descriptor manifest;
};

// Without a text the project's own package and version. Throws Error(package_not_found|version_not_found|
// tag_not_found) with what there is.
Resolved resolve_ref(Services& services, const std::optional<std::string>& text);
// The same for one package and a version or tag: `--to`. A tag with that literal name wins, then `v1.3.0`
// is 1.3.0.
Resolved resolve_version_or_tag(Services& services, const std::string& package, const std::string& word);

// Nothing old is shipped silently: Error(version_exists) when dist/ of the project holds this version with
// another digest.
void check_dist(Services& services, const Resolved& resolved);

// <project>/dist/NAME-VERSION.
Path dist_folder(const Project& project, const Version& version);
// The scheme of a package: the project's own when it is its package, else PEP 440.
Scheme scheme_of(Services& services, const std::string& package);

}  // namespace mlship
