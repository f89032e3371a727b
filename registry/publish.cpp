#include "registry/publish.h"

#include "registry/checks.h"

namespace mlship {
namespace {

void refuse_equal_version(Registry& registry, const PublishRequest& request) {
  for (const auto& info : registry.list(request.package)) {
    const auto other = Version::from_oci_tag(info.tag, request.version.scheme());
    if (!other || *other != request.version || info.manifest.digest == request.manifest.digest) continue;
    throw version_exists(request.package, other->str(), registry.url(), request.manifest.digest,
                         info.manifest.digest);
  }
}

}  // namespace

PublishResult publish_bundle(Registry& registry, const PublishRequest& request, Diagnostics& diagnostics) {
  if (!request.tag.empty()) require_tag(request.tag);
  refuse_equal_version(registry, request);
  PublishResult result;
  result.put = registry.put_if_absent(request.package, request.version.oci_tag(), request.layout,
                                      request.manifest, diagnostics);
  // Also when the version was there: a publish killed before this line left it without.
  if (result.put.published || !get_provenance(registry, request.package, request.manifest.digest)) {
    Provenance provenance = request.provenance;
    provenance.placements.push_back({"bundle", registry.url(), request.manifest.digest});
    put_provenance(registry, request.package, request.manifest, provenance);
    result.provenance_added = true;
  }
  if (request.tag.empty()) return result;
  result.tag_before = registry.resolve_tag(request.package, request.tag);
  if (result.tag_before != request.manifest.digest) {
    registry.move_tag(request.package, request.tag, request.manifest, result.tag_before);
  }
  return result;
}

}  // namespace mlship
