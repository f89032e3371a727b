#include "registry/promote.h"

#include <set>

#include "registry/blobs.h"
#include "registry/publish.h"

namespace mlship {
namespace {

// Into the scratch layout, whatever `to` lacks and cannot take over by itself.
void gather(Registry& from, Registry& to, const PromoteRequest& request, Diagnostics& diagnostics,
            PromoteResult& result) {
  const std::string bytes = from.get_manifest(request.package, request.manifest.digest);
  request.scratch.write_blob(bytes, request.manifest.media_type);
  std::vector<oci::Descriptor> travelling;
  std::uint64_t total = 0, done = 0;
  for (const auto& blob :
       to.missing(request.package, blobs_of(oci::parse_manifest(bytes, request.manifest.digest.str())))) {
    if (to.mount(request.package, blob, from)) {
      ++result.mounted_blobs;
      continue;
    }
    travelling.push_back(blob);
    total += blob.size;
  }
  const auto progress =
      diagnostics.progress("fetch " + request.package + ":" + request.version.str(), total, Unit::bytes);
  for (const auto& blob : travelling) {
    if (!request.scratch.has_blob(blob.digest))
      from.get_blob(request.package, blob, request.scratch.blob_path(blob.digest));
    progress->advance(done += blob.size);
  }
  progress->finish();
}

void copy_referrers(Registry& from, Registry& to, const PromoteRequest& request, PromoteResult& result) {
  const auto there = to.referrer_list(request.package, request.manifest.digest);
  std::set<Digest> known;
  for (const auto& referrer : there) known.insert(referrer.digest);
  for (const auto& referrer : from.referrers(request.package, request.manifest.digest)) {
    ++result.referrers;
    if (known.contains(referrer.descriptor.digest)) continue;
    const auto manifest = oci::parse_manifest(referrer.manifest, referrer.descriptor.digest.str());
    std::vector<std::string> blobs;
    for (const auto& blob : blobs_of(manifest)) blobs.push_back(from.read_blob(request.package, blob));
    to.copy_referrer(request.package, referrer.manifest, blobs);
    ++result.copied;
  }
}

}  // namespace

PromoteResult promote(Registry& from, Registry& to, const PromoteRequest& request, Diagnostics& diagnostics) {
  const auto& digest = request.manifest.digest;
  const std::string tag = request.version.oci_tag();
  PromoteResult result;
  const auto own = to.stat(request.package, tag);
  if (!own || own->digest != digest) {
    refuse_equal_version(to, request.package, request.version, digest);
    gather(from, to, request, diagnostics, result);
  } else {
    request.scratch.write_blob(from.get_manifest(request.package, digest), request.manifest.media_type);
  }
  result.put = to.put_if_absent(request.package, tag, request.scratch, request.manifest, diagnostics);
  copy_referrers(from, to, request, result);
  return result;
}

}  // namespace mlship
