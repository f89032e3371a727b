// What every backend needs to say about the blobs of a manifest.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/oci.h"

namespace mlship {

// Everything a manifest needs, each digest once: its config, then its layers.
std::vector<oci::Descriptor> blobs_of(const oci::Manifest& manifest);

// Error(verification): what is in `where` (a file or a URL) is not the blob.
Error damaged_blob(const oci::Descriptor& blob, const std::string& where, const std::string& actual_digest,
                   std::uint64_t actual_size);
// Error(bundle): the layout to publish from lacks a blob.
Error incomplete_layout(const oci::Layout& from, const oci::Descriptor& blob);

// How a manifest appears in an index of referrers (distribution-spec §Listing Referrers: artifactType falls
// back to the config's media type; all annotations).
oci::Descriptor referrer_descriptor(const oci::Manifest& manifest, const std::string& bytes);

}  // namespace mlship
