#include "registry/blobs.h"

#include <set>

namespace mlship {

std::vector<oci::Descriptor> blobs_of(const oci::Manifest& manifest) {
  std::vector<oci::Descriptor> out;
  std::set<Digest> seen;
  out.push_back(manifest.config);
  out.insert(out.end(), manifest.layers.begin(), manifest.layers.end());
  std::erase_if(out, [&seen](const auto& blob) { return !seen.insert(blob.digest).second; });
  return out;
}

Error damaged_blob(const oci::Descriptor& blob, const std::string& where, const std::string& actual_digest,
                   std::uint64_t actual_size) {
  return Error(ErrorCode::verification, "cannot use " + where + ": its content is not what its name says")
      .fact("expected", blob.digest.str() + ", " + std::to_string(blob.size) + " bytes")
      .fact("actual", actual_digest + ", " + std::to_string(actual_size) + " bytes");
}

Error incomplete_layout(const oci::Layout& from, const oci::Descriptor& blob) {
  return Error(ErrorCode::bundle,
               "cannot publish " + from.folder().string() + ": the blob " + blob.digest.str() + " is missing")
      .hint("mlship build");
}

oci::Descriptor referrer_descriptor(const oci::Manifest& manifest, const std::string& bytes) {
  const auto& type = manifest.artifact_type.empty() ? manifest.config.media_type : manifest.artifact_type;
  return {oci::media::manifest, sha256(bytes), bytes.size(), manifest.annotations, type};
}

}  // namespace mlship
