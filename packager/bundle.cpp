#include "packager/bundle.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "packager/bundle_paths.h"
#include "packager/bundle_reading.h"
#include "packager/machine.h"
#include "packager/tar.h"

namespace mlship {
namespace {

constexpr std::uint64_t largest_manifest = 32U << 20U;  // bytes; 1,500 layers take 0.4 MB

Error refused(const std::string& what, const std::string& why) {
  return {ErrorCode::bundle, "cannot read the bundle " + what + ": " + why};
}

// A layout that another tool wrote may hold anything; ours holds one.
Digest only_bundle(const oci::Layout& layout) {
  std::vector<Digest> found;
  for (const auto& entry : layout.index()) {
    const bool bundle = entry.artifact_type.empty() || entry.artifact_type == oci::media::model_manifest;
    if (entry.media_type == oci::media::manifest && bundle) found.push_back(entry.digest);
  }
  const std::string folder = layout.folder().string();
  if (found.empty()) throw refused(folder, "there is none in this layout").hint("mlship build");
  if (found.size() > 1) {
    throw refused(folder, "the layout holds " + std::to_string(found.size()) + " of them")
        .hint("name one by its digest");
  }
  return found.front();
}

// Profile rules 1 and 2 of docs/bundle.md: other readers lose files otherwise.
void check_layers(const oci::Manifest& manifest, const std::string& what) {
  static const std::set<std::string_view> media{
      oci::media::code_raw,          oci::media::code_tar, oci::media::weight_raw,
      oci::media::weight_config_raw, oci::media::doc_raw,
  };
  std::set<std::string> paths;
  std::set<Digest> digests;
  for (const auto& layer : manifest.layers) {
    const std::string path = layer.title();
    if (!media.contains(layer.media_type)) throw refused(what, "unknown media type " + layer.media_type);
    const auto filepath = layer.annotations.find(oci::annotation::filepath);
    if (path.empty() || filepath == layer.annotations.end() || filepath->second != path) {
      throw refused(what, "a layer's title and file path differ or are missing");
    }
    check_member_path(path, what);
    if (!paths.insert(path).second) throw refused(what, "two layers have the path " + path);
    if (!digests.insert(layer.digest).second) throw refused(what, "two layers have the digest of " + path);
  }
  if (manifest.layers.empty() || manifest.layers.front().title() != bundle_path::info) {
    throw refused(what, "its first layer is not " + std::string(bundle_path::info));
  }
}

}  // namespace

Bundle open_bundle(const Path& layout_folder, const std::optional<Digest>& digest) {
  const oci::Layout layout = oci::Layout::open(layout_folder);
  const Digest id = digest ? *digest : only_bundle(layout);
  const std::string what = digest ? id.str() : layout_folder.string();
  return read_bundle(
      layout, id, layout.read_blob(id, largest_manifest),
      [&](const oci::Descriptor& blob) { return layout.read_blob(blob.digest, largest_manifest); }, what);
}

Bundle read_bundle(const oci::Layout& layout, const Digest& id, std::string bytes,
                   const std::function<std::string(const oci::Descriptor&)>& read, const std::string& what) {
  oci::Manifest manifest = oci::parse_manifest(bytes, "the manifest of " + what);
  if (manifest.artifact_type != oci::media::model_manifest ||
      manifest.config.media_type != oci::media::model_config) {
    throw refused(what, "it is an OCI artifact of another kind")
        .fact("artifactType", manifest.artifact_type)
        .fact("config", manifest.config.media_type);
  }
  check_layers(manifest, what);
  BundleInfo info =
      parse_bundle_info(read(manifest.layers.front()), std::string(bundle_path::info) + " of " + what);
  return {layout, id, std::move(bytes), std::move(manifest), std::move(info)};
}

bool Bundle::file_only() const {
  return !info.outputs.empty() &&
         std::all_of(manifest.layers.begin(), manifest.layers.end(), [](const oci::Descriptor& layer) {
           const std::string path = layer.title();
           return path == bundle_path::info || path.starts_with(bundle_path::outputs);
         });
}

Release Bundle::release() const {
  // Without dependencies there is nothing that could not run here.
  const bool anywhere = info.platforms.empty() && info.dependencies.empty();
  const bool fits = anywhere || fitting_platform(info, this_machine()) != nullptr;
  return {info.package, info.version, digest, info.outputs, fits && !file_only(), file_only()};
}

}  // namespace mlship
