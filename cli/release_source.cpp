#include "cli/release_source.h"

#include <algorithm>

#include "core/error.h"
#include "packager/bundle_reading.h"
#include "packager/resolve.h"
#include "registry/further.h"
#include "registry/list.h"

namespace mlship {
namespace {

constexpr std::string_view metadata_path = ".mlship/bundle.json";

oci::Descriptor manifest_descriptor(const Digest& digest, const std::string& bytes) {
  oci::Descriptor descriptor;
  descriptor.media_type = oci::media::manifest;
  descriptor.artifact_type = oci::media::model_manifest;
  descriptor.digest = digest;
  descriptor.size = bytes.size();
  return descriptor;
}

}  // namespace

const oci::Descriptor* find_layer(const oci::Manifest& manifest, std::string_view path) {
  const auto found = std::find_if(manifest.layers.begin(), manifest.layers.end(),
                                  [&](const oci::Descriptor& layer) { return layer.title() == path; });
  return found == manifest.layers.end() ? nullptr : &*found;
}

void RegistrySource::fetch_blob(const std::string& package, const Bundle& bundle,
                                const oci::Descriptor& blob) {
  if (!bundle.layout.has_blob(blob.digest))
    registry_.get_blob(package, blob, bundle.layout.blob_path(blob.digest));
}

const RegistrySource::Looked& RegistrySource::looked(const std::string& package,
                                                     const oci::Descriptor& manifest) {
  const auto known = looked_.find(manifest.digest);
  if (known != looked_.end()) return known->second;
  const std::string bytes = registry_.get_manifest(package, manifest.digest);
  const oci::Manifest parsed = oci::parse_manifest(bytes, package + "@" + manifest.digest.str());
  const oci::Descriptor* metadata = find_layer(parsed, metadata_path);
  if (metadata == nullptr) {
    throw Error(ErrorCode::bundle, "cannot open " + package + "@" + manifest.digest.str() +
                                       ": it is no mlship bundle, " + std::string(metadata_path) +
                                       " is missing")
        .fact("registry", registry_.url());
  }
  std::string text = registry_.read_blob(package, *metadata);
  const auto read = [&](const oci::Descriptor& blob) {
    return blob.digest == metadata->digest ? text : registry_.read_blob(package, blob);
  };
  Bundle bundle = read_bundle(oci::Layout(Path()), manifest.digest, bytes, read, manifest.digest.str());
  return looked_.emplace(manifest.digest, Looked{std::move(bundle), std::move(text)}).first->second;
}

const Bundle& RegistrySource::look(const std::string& package, const oci::Descriptor& manifest) {
  return looked(package, manifest).bundle;
}

const Bundle& RegistrySource::open(const std::string& package, const oci::Descriptor& manifest) {
  const auto known = bundles_.find(manifest.digest);
  if (known != bundles_.end()) return known->second;
  const Looked& there = looked(package, manifest);
  const auto layout = oci::Layout::create(scratch_() / manifest.digest.hex());
  layout.write_blob(there.bundle.manifest_bytes, oci::media::manifest);
  layout.write_blob(there.metadata, there.bundle.manifest.layers.front().media_type);
  const oci::Descriptor& config = there.bundle.manifest.config;
  if (!layout.has_blob(config.digest)) registry_.get_blob(package, config, layout.blob_path(config.digest));
  layout.write_index({manifest_descriptor(manifest.digest, there.bundle.manifest_bytes)});
  return bundles_.emplace(manifest.digest, open_bundle(layout.folder(), manifest.digest)).first->second;
}

const std::vector<oci::Descriptor>& RegistrySource::further_manifests(const std::string& package,
                                                                      const Digest& version) {
  const auto known = further_manifests_.find(version);
  if (known != further_manifests_.end()) return known->second;
  return further_manifests_.emplace(version, further_files(registry_, package, version)).first->second;
}

std::vector<const Bundle*> RegistrySource::further(const std::string& package, const Digest& version) {
  std::vector<const Bundle*> out;
  for (const auto& manifest : further_manifests(package, version)) out.push_back(&open(package, manifest));
  return out;
}

Release RegistrySource::release(const std::string& package, const oci::Descriptor& manifest) {
  Release out = look(package, manifest).release();
  for (const auto& file : further_manifests(package, manifest.digest)) {
    const auto& more = look(package, file).info.outputs;
    out.outputs.insert(out.outputs.end(), more.begin(), more.end());
  }
  return out;
}

void RegistrySource::fetch_all(const std::string& package, const Bundle& bundle) {
  for (const auto& layer : bundle.manifest.layers) fetch_blob(package, bundle, layer);
}

std::optional<Release> RegistrySource::find(const std::string& package, const Version& version) {
  const auto manifest = find_version(registry_, package, version);
  if (!manifest) return std::nullopt;
  return release(package, *manifest);
}

const Bundle& RegistrySource::opened(const Release& release) {
  const auto known = bundles_.find(release.digest);
  if (known != bundles_.end()) return known->second;
  const auto manifest = registry_.stat(release.package, release.digest.str());
  if (!manifest) {
    throw Error(ErrorCode::version_not_found, "cannot open " + release.package + "@" + release.digest.str() +
                                                  ": " + registry_.url() + " does not have it")
        .hint("mlship list " + release.package);
  }
  return open(release.package, *manifest);
}

void RegistrySource::write_output(const Release& release, const Output& output,
                                  const std::filesystem::path& file) {
  // Of the version's bundle or of a further file's: the blobs of a package lie together.
  registry_.get_blob(release.package, {oci::media::code_raw, output.digest, output.size, {}, ""}, file);
  fs::set_mode(file, 0644);
}

void RegistrySource::make_tree(const Release& release, const std::filesystem::path& dir) {
  const Bundle& bundle = opened(release);
  fetch_all(release.package, bundle);
  mlship::make_tree(bundle, dir, host_.env, host_.process);
}

std::string RegistrySource::check_tree(const Release& release, const std::filesystem::path& dir) {
  return mlship::check_tree(dir, release.digest);
}

bool RegistrySource::index_serves(const std::string& index_url, const Release& release) {
  const auto ask = [&]() -> Answer {
    try {
      return std::any_of(release.outputs.begin(), release.outputs.end(), [&](const Output& output) {
        return output.kind == "wheel" && index_has(index_url, release.package, output.digest, host_);
      });
    } catch (const Error& e) {
      return e;
    }
  };
  std::vector<Digest> wheels;
  for (const auto& output : release.outputs) {
    if (output.kind == "wheel") wheels.push_back(output.digest);
  }
  const std::pair key{index_url, wheels};
  auto known = answers_.find(key);
  if (known == answers_.end()) known = answers_.emplace(key, ask()).first;
  if (const auto* problem = std::get_if<Error>(&known->second)) throw *problem;
  return std::get<bool>(known->second);
}

}  // namespace mlship
