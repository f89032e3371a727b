#include "registry/list.h"

#include <algorithm>

#include "core/error.h"
#include "registry/further.h"
#include "registry/provenance.h"

namespace mlship {
namespace {

std::uint64_t size_of(Registry& registry, const std::string& package, const oci::Descriptor& descriptor) {
  const auto manifest =
      oci::parse_manifest(registry.get_manifest(package, descriptor.digest), descriptor.digest.str());
  std::uint64_t size = descriptor.size + manifest.config.size;
  for (const auto& layer : manifest.layers) size += layer.size;
  return size;
}

}  // namespace

std::vector<VersionRow> list_versions(Registry& registry, const std::string& package, Scheme scheme) {
  const auto names = registry.list(package);
  std::vector<VersionRow> rows;
  for (const auto& info : names) {
    const auto version = Version::from_oci_tag(info.tag, scheme);
    if (!version || info.manifest.media_type != oci::media::manifest) continue;
    VersionRow row{*version, {}, info.manifest, size_of(registry, package, info.manifest), 0, std::nullopt};
    for (const auto& file : further_files(registry, package, info.manifest.digest)) {
      row.size += size_of(registry, package, file);
      ++row.further;
    }
    const auto provenance = get_provenance(registry, package, info.manifest.digest);
    if (provenance && provenance->published != 0) row.published = provenance->published;
    for (const auto& other : names) {
      const bool movable = !Version::from_oci_tag(other.tag, scheme);
      if (movable && other.manifest.digest == info.manifest.digest) row.tags.push_back(other.tag);
    }
    rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.version < b.version; });
  return rows;
}

std::optional<oci::Descriptor> find_version(Registry& registry, const std::string& package,
                                            const Version& version) {
  if (auto found = registry.stat(package, version.oci_tag())) return found;
  for (const auto& tag : registry.tag_names(package)) {
    const auto other = Version::from_oci_tag(tag, version.scheme());
    if (!other || *other != version) continue;
    if (auto found = registry.stat(package, tag)) return found;
  }
  return std::nullopt;
}

std::vector<std::string> packages_if_told(Registry& registry) {
  try {
    return registry.packages();
  } catch (const Error&) {  // many registries do not tell; a suggestion is no reason to fail
    return {};
  }
}

std::vector<TagInfo> list_tags(Registry& registry, const std::string& package, Scheme scheme) {
  auto names = registry.list(package);
  std::erase_if(names,
                [scheme](const auto& info) { return Version::from_oci_tag(info.tag, scheme).has_value(); });
  return names;
}

}  // namespace mlship
