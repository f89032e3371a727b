// OCI image-spec v1.1 descriptors, manifests and indexes, and the image layout on disk. Shared by packager
// (dist/) and registry (layout:), so it lives in core.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/digest.h"
#include "core/host/fs.h"
#include "core/json.h"

namespace mlship::oci {

namespace media {
constexpr auto manifest = "application/vnd.oci.image.manifest.v1+json";
constexpr auto index = "application/vnd.oci.image.index.v1+json";
constexpr auto empty = "application/vnd.oci.empty.v1+json";
// ModelPack (CNCF model-spec v1).
constexpr auto model_manifest = "application/vnd.cncf.model.manifest.v1+json";
constexpr auto model_config = "application/vnd.cncf.model.config.v1+json";
constexpr auto code_raw = "application/vnd.cncf.model.code.v1.raw";
constexpr auto code_tar = "application/vnd.cncf.model.code.v1.tar";
constexpr auto weight_raw = "application/vnd.cncf.model.weight.v1.raw";
constexpr auto weight_config_raw = "application/vnd.cncf.model.weight.config.v1.raw";
constexpr auto doc_raw = "application/vnd.cncf.model.doc.v1.raw";
constexpr auto in_toto = "application/vnd.in-toto+json";
}  // namespace media

namespace annotation {
constexpr auto title = "org.opencontainers.image.title";
constexpr auto filepath = "org.cncf.model.filepath";
constexpr auto ref_name = "org.opencontainers.image.ref.name";
constexpr auto predicate_type = "in-toto.io/predicate-type";
}  // namespace annotation

using Annotations = std::map<std::string, std::string>;

struct Descriptor {
  std::string media_type;
  Digest digest;
  std::uint64_t size = 0;
  Annotations annotations;
  std::string artifact_type;  // empty: absent
  [[nodiscard]] std::string title() const;
};

struct Manifest {
  std::string artifact_type;
  Descriptor config;
  std::vector<Descriptor> layers;
  std::optional<Descriptor> subject;
  Annotations annotations;
};

Json to_json(const Descriptor& descriptor);
// The canonical bytes (schemaVersion, mediaType, …) whose digest is the manifest's identity.
std::string serialize(const Manifest& manifest);
// Throws Error(bundle) when a required field is missing or wrong; sizes and digests are syntactically
// checked.
Manifest parse_manifest(std::string_view bytes, std::string_view what);
Descriptor parse_descriptor(const Json& json, std::string_view what);

// An image layout folder: oci-layout, index.json, blobs/sha256/<hex>. Not locked here; see
// registry/backends/layout.
class Layout {
 public:
  explicit Layout(Path folder) : folder_(std::move(folder)) {}
  // Writes oci-layout and an empty index where absent.
  static Layout create(const Path& folder);
  // As create(), for what one command makes again: nothing is flushed to the disk, and what a crash of the
  // machine leaves has to be recognised. Nobody may look into the folder until it is complete.
  static Layout create_private(const Path& folder);
  // Throws Error(not_found) when there is no folder, Error(bundle) when it is not an image layout of
  // version 1.0.0.
  static Layout open(const Path& folder);

  [[nodiscard]] const Path& folder() const { return folder_; }
  [[nodiscard]] Path blob_path(const Digest& digest) const;
  [[nodiscard]] bool has_blob(const Digest& digest) const;
  // Reads and verifies; throws Error(verification) on a wrong digest, Error(bundle) when absent.
  [[nodiscard]] std::string read_blob(const Digest& digest, std::uint64_t limit = fs::small_file) const;
  // Durable; a blob that is there already is left alone.
  Descriptor write_blob(std::string_view content, std::string media_type) const;
  // Moves or places a finished file under its digest.
  void adopt_blob(const Path& file, const Digest& digest) const;

  [[nodiscard]] std::vector<Descriptor> index() const;
  // Replaces index.json by rename, durably.
  void write_index(const std::vector<Descriptor>& manifests) const;

 private:
  void write(const Path& file, std::string_view content) const;
  void add_missing() const;

  Path folder_;
  bool durable_ = true;
};

}  // namespace mlship::oci
