// Publishing a bundle: version, provenance and, when asked, a tag, in the order that leaves nothing
// half-visible.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/diagnostics.h"
#include "core/oci.h"
#include "core/version.h"
#include "registry/provenance.h"
#include "registry/registry.h"

namespace mlship {

struct PublishRequest {
  std::string package;  // PEP 503 normal form
  Version version;
  oci::Layout layout;        // holds the bundle
  oci::Descriptor manifest;  // the bundle's
  // Everything but `placements` of the bundle itself, which publish adds.
  Provenance provenance;
  std::string tag;                   // to move to this version afterwards; empty: none
  std::function<void()> when_new{};  // called before a version that is not there is sent; may refuse it
  // Set: the version is there with this manifest, and the bundle is one more file of it (registry/further.h).
  std::optional<oci::Descriptor> version_there{};
  std::function<bool(const oci::Descriptor&)> is_it{};  // FurtherFile::is_it
};

struct PublishResult {
  PutResult put;
  bool provenance_added = false;
  std::optional<Digest> tag_before;  // where the tag was; nullopt: it was not there, or none was asked for
};

// Immutability is by parsed equality: 1.4 is Error(version_exists) when 1.4.0 is there. Running it again
// after a kill finishes the work; when all is done already it writes nothing.
PublishResult publish_bundle(Registry& registry, const PublishRequest& request, Diagnostics& diagnostics);

// Throws Error(version_exists) when a version that parses equal is there with another digest.
void refuse_equal_version(Registry& registry, const std::string& package, const Version& version,
                          const Digest& digest);
// A build of uncommitted files has no commit that makes it again: it may be tried in a layout, not handed on.
// Throws Error(dirty_tree).
void refuse_dirty(const std::string& name, const Version& version, const Registry& registry);

}  // namespace mlship
