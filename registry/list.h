// The versions of a package as a person asks for them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/version.h"
#include "registry/registry.h"

namespace mlship {

struct VersionRow {
  Version version;
  std::vector<std::string> tags;  // movable names that point to it, sorted
  oci::Descriptor manifest;
  std::uint64_t size = 0;                 // bytes of manifests, configs and layers, further files included
  size_t further = 0;                     // files that were added later
  std::optional<std::int64_t> published;  // seconds since the epoch, from provenance; nullopt without
};

// Ascending by version; empty when the package is absent.
std::vector<VersionRow> list_versions(Registry& registry, const std::string& package, Scheme scheme);

// The manifest of a version by parsed equality (1.4 finds 1.4.0); nullopt when it is definitely absent.
std::optional<oci::Descriptor> find_version(Registry& registry, const std::string& package,
                                            const Version& version);

// For a did-you-mean: empty when the registry does not tell what it holds.
std::vector<std::string> packages_if_told(Registry& registry);

// The names that are no versions, with what they point to, sorted.
std::vector<TagInfo> list_tags(Registry& registry, const std::string& package, Scheme scheme);

}  // namespace mlship
