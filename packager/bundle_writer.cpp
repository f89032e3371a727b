#include "packager/bundle_writer.h"

#include <algorithm>

#include "core/json_library.h"
#include "packager/bundle_paths.h"

namespace mlship {
namespace {

// ModelPack config (CNCF model-spec v1, config.md); its schema forbids other keys.
Json model_config(const BundleInfo& info, const std::vector<oci::Descriptor>& layers) {
  Json descriptor{{"name", info.package}, {"version", info.version.str()}};
  if (!info.description.empty()) descriptor["description"] = info.description;
  if (!info.license.empty()) descriptor["licenses"] = Json::array({info.license});
  Json config = Json::object();
  if (!info.models.empty()) config["format"] = info.models.front().header.value("format", "opaque");
  Json ids = Json::array();
  for (const auto& layer : layers) ids.push_back(layer.digest.str());
  return {
      {"descriptor", descriptor}, {"config", config}, {"modelfs", {{"type", "layers"}, {"diffIds", ids}}}};
}

}  // namespace

void BundleWriter::add(const char* media, const std::string& path, const std::string& kind,
                       const Digest& digest, std::uint64_t size) {
  oci::Descriptor d;
  d.media_type = media;
  d.digest = digest;
  d.size = size;
  d.annotations = {{oci::annotation::title, path}, {oci::annotation::filepath, path}};
  layers_.push_back(std::move(d));
  built_.push_back({digest, size, path, kind});
}

void BundleWriter::add_output(const Path& file, const Output& output) {
  layout_.adopt_blob(file, output.digest);
  add(oci::media::code_raw, bundle_path::output(output.kind, output.filename), "output", output.digest,
      output.size);
}

Digest BundleWriter::finish(const BundleInfo& info) {
  const std::string bytes = canonical_json(to_json(info));
  layout_.write_blob(bytes, oci::media::code_raw);
  add(oci::media::code_raw, std::string(bundle_path::info), "meta", sha256(bytes), bytes.size());
  std::rotate(layers_.begin(), layers_.end() - 1, layers_.end());
  std::rotate(built_.begin(), built_.end() - 1, built_.end());
  oci::Manifest manifest;
  manifest.artifact_type = oci::media::model_manifest;
  manifest.config = layout_.write_blob(canonical_json(model_config(info, layers_)), oci::media::model_config);
  manifest.layers = layers_;
  oci::Descriptor entry = layout_.write_blob(oci::serialize(manifest), oci::media::manifest);
  entry.artifact_type = oci::media::model_manifest;
  entry.annotations = {{oci::annotation::ref_name, info.version.oci_tag()}};
  layout_.write_index({entry});
  return entry.digest;
}

}  // namespace mlship
