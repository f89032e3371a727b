// Further files of a version. The manifest that has the version's tag is the version for ever: its digest is
// what holds, plans and ledgers know. A file that is added later (another platform, another Scala version) is
// a small bundle of its own under a create-only tag: mlship-more-<version's digest>-1, -2, … Whoever adds one
// has looked at all before it, so the list only grows and holds nothing twice; no registry needs more for it
// than tags.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/diagnostics.h"
#include "core/oci.h"
#include "registry/registry.h"

namespace mlship {

// Tags that mlship keeps for itself and nobody is shown: these, and claims.
bool own_tag(std::string_view tag);

// In the order in which they were added.
std::vector<oci::Descriptor> further_files(Registry& registry, const std::string& package,
                                           const Digest& version);

struct FurtherFile {
  std::string package;  // PEP 503 normal form
  Digest version;       // of the version's manifest
  oci::Layout layout;   // holds the bundle with the file
  oci::Descriptor manifest;
  // Called with what was added before: true when that is this very file; throws when the two cannot stand
  // side by side.
  std::function<bool(const oci::Descriptor&)> is_it;
};
// Adds it, unless it is there; nullopt: another bundle holds it. Killed anywhere, a re-run finishes it.
std::optional<PutResult> add_further_file(Registry& registry, const FurtherFile& file,
                                          Diagnostics& diagnostics);

}  // namespace mlship
