// One version from one registry to another: the same digest, with everything that refers to it.
#pragma once

#include <cstdint>
#include <string>

#include "core/diagnostics.h"
#include "core/oci.h"
#include "core/version.h"
#include "registry/registry.h"

namespace mlship {

struct PromoteRequest {
  std::string package;  // PEP 503 normal form
  Version version;
  oci::Descriptor manifest;
  oci::Layout scratch;  // an empty layout of this run: what has to travel passes through it
};

struct PromoteResult {
  PutResult put;
  std::uint64_t mounted_blobs = 0;  // of put.reused_blobs: taken over without moving a byte
  std::uint64_t referrers = 0;      // of the version; after this all of them are in `to`
  std::uint64_t copied = 0;         // of them: new there
};

// As publish: blobs, manifest, version, then referrers; killed anywhere, a re-run finishes it; all there
// already: nothing is written. Throws Error(version_exists) when `to` has the version with another digest.
PromoteResult promote(Registry& from, Registry& to, const PromoteRequest& request, Diagnostics& diagnostics);

}  // namespace mlship
