#include "registry/publish.h"

#include <algorithm>

#include "registry/checks.h"
#include "registry/further.h"

namespace mlship {
namespace {

// The very same version needs no look at the others.
void refuse_conflict(Registry& registry, const PublishRequest& request) {
  const auto own = registry.stat(request.package, request.version.oci_tag());
  if (own && own->digest == request.manifest.digest) return;
  if (!own && request.when_new) request.when_new();
  refuse_equal_version(registry, request.package, request.version, request.manifest.digest);
}

// nullopt: another bundle of the version holds the file.
std::optional<PutResult> put(Registry& registry, const PublishRequest& request, Diagnostics& diagnostics) {
  if (request.version_there) {
    if (request.is_it(*request.version_there)) return std::nullopt;
    return add_further_file(
        registry,
        {request.package, request.version_there->digest, request.layout, request.manifest, request.is_it},
        diagnostics);
  }
  refuse_conflict(registry, request);
  return registry.put_if_absent(request.package, request.version.oci_tag(), request.layout, request.manifest,
                                diagnostics);
}

// As the registry lists it: that a publish is complete must not cost reading every referrer.
bool has_provenance(Registry& registry, const PublishRequest& request) {
  const auto listed = registry.referrer_list(request.package, request.manifest.digest);
  const bool told = std::any_of(listed.begin(), listed.end(), is_provenance);
  return told || get_provenance(registry, request.package, request.manifest.digest);
}

}  // namespace

void refuse_equal_version(Registry& registry, const std::string& package, const Version& version,
                          const Digest& digest) {
  for (const auto& tag : registry.tag_names(package)) {
    const auto other = Version::from_oci_tag(tag, version.scheme());
    if (!other || *other != version) continue;
    const auto there = registry.stat(package, tag);
    if (there && there->digest != digest)
      throw version_exists(package, other->str(), registry.url(), digest, there->digest);
  }
}

void refuse_dirty(const std::string& name, const Version& version, const Registry& registry) {
  // A label of the version itself may stand before the mark.
  const std::string text = version.str();
  const bool dirty = text.find("+dirty.") != std::string::npos ||
                     (text.find('+') < text.find(".dirty.") && text.find(".dirty.") != std::string::npos);
  if (!dirty || registry.url().starts_with("layout:")) return;
  throw Error(ErrorCode::dirty_tree, "cannot publish " + name + " " + version.str() + " to " +
                                         registry.url() + ": it was built from uncommitted files")
      .hint("git commit, then mlship build");
}

PublishResult publish_bundle(Registry& registry, const PublishRequest& request, Diagnostics& diagnostics) {
  if (!request.tag.empty()) require_tag(request.tag);
  PublishResult result;
  const auto sent = put(registry, request, diagnostics);
  result.put = sent.value_or(PutResult{});
  // Also when the version was there: a publish killed before this line left it without.
  if (sent && (sent->published || !has_provenance(registry, request))) {
    Provenance provenance = request.provenance;
    provenance.placements.push_back({"bundle", registry.url(), request.manifest.digest});
    put_provenance(registry, request.package, request.manifest, provenance);
    result.provenance_added = true;
  }
  if (request.tag.empty()) return result;
  const oci::Descriptor& version = request.version_there ? *request.version_there : request.manifest;
  result.tag_before = registry.resolve_tag(request.package, request.tag);
  if (result.tag_before != version.digest)
    registry.move_tag(request.package, request.tag, version, result.tag_before);
  return result;
}

}  // namespace mlship
