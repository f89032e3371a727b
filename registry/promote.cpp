#include "registry/promote.h"

#include <map>
#include <set>

#include "registry/blobs.h"
#include "registry/checks.h"
#include "registry/further.h"
#include "registry/publish.h"

namespace mlship {
namespace {

// Into the scratch layout, whatever of a bundle `to` lacks and cannot take over by itself.
void gather(Registry& from, Registry& to, const PromoteRequest& request, const oci::Descriptor& manifest,
            Diagnostics& diagnostics, PromoteResult& result) {
  const std::string bytes = from.get_manifest(request.package, manifest.digest);
  request.scratch.write_blob(bytes, manifest.media_type);
  std::vector<oci::Descriptor> travelling;
  std::uint64_t total = 0, done = 0;
  for (const auto& blob :
       to.missing(request.package, blobs_of(oci::parse_manifest(bytes, manifest.digest.str())))) {
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

void copy_referrers(Registry& from, Registry& to, const PromoteRequest& request, const Digest& subject,
                    PromoteResult& result) {
  const auto there = to.referrer_list(request.package, subject);
  std::set<Digest> known;
  for (const auto& referrer : there) known.insert(referrer.digest);
  for (const auto& referrer : from.referrers(request.package, subject)) {
    ++result.referrers;
    if (known.contains(referrer.descriptor.digest)) continue;
    const auto manifest = oci::parse_manifest(referrer.manifest, referrer.descriptor.digest.str());
    std::vector<std::string> blobs;
    for (const auto& blob : blobs_of(manifest)) blobs.push_back(from.read_blob(request.package, blob));
    to.copy_referrer(request.package, referrer.manifest, blobs);
    ++result.copied;
  }
}

void add(const PutResult& more, PutResult& sum) {
  sum.published |= more.published;
  sum.uploaded_blobs += more.uploaded_blobs;
  sum.uploaded_bytes += more.uploaded_bytes;
  sum.reused_blobs += more.reused_blobs;
  sum.reused_bytes += more.reused_bytes;
}

// The files of a bundle, by their paths in it.
std::map<std::string, Digest> files_of(Registry& registry, const std::string& package,
                                       const oci::Descriptor& bundle) {
  const auto manifest =
      oci::parse_manifest(registry.get_manifest(package, bundle.digest), bundle.digest.str());
  std::map<std::string, Digest> out;
  for (const auto& layer : manifest.layers) {
    if (layer.title().starts_with(".mlship/outputs/")) out.emplace(layer.title(), layer.digest);
  }
  return out;
}

// True when `to` has the same file; another content under its name is a conflict. Whether two files can
// stand side by side was said where they were published.
bool has_file(Registry& to, const PromoteRequest& request, const std::map<std::string, Digest>& files,
              const oci::Descriptor& there) {
  const auto known = files_of(to, request.package, there);
  for (const auto& [path, digest] : files) {
    const auto same = known.find(path);
    if (same == known.end()) continue;
    if (same->second == digest) return true;
    throw version_exists(request.package, request.version.str(), to.url(), digest, same->second);
  }
  return false;
}

void promote_file(Registry& from, Registry& to, const PromoteRequest& request, const oci::Descriptor& file,
                  Diagnostics& diagnostics, PromoteResult& result) {
  const auto files = files_of(from, request.package, file);
  if (has_file(to, request, files, request.manifest)) return;
  gather(from, to, request, file, diagnostics, result);
  const FurtherFile further{
      request.package, request.manifest.digest, request.scratch, file,
      [&](const oci::Descriptor& there) { return has_file(to, request, files, there); }};
  const auto sent = add_further_file(to, further, diagnostics);
  if (!sent) return;
  add(*sent, result.put);
  copy_referrers(from, to, request, file.digest, result);
}

}  // namespace

PromoteResult promote(Registry& from, Registry& to, const PromoteRequest& request, Diagnostics& diagnostics) {
  const auto& digest = request.manifest.digest;
  const std::string tag = request.version.oci_tag();
  PromoteResult result;
  const auto own = to.stat(request.package, tag);
  if (!own || own->digest != digest) {
    refuse_equal_version(to, request.package, request.version, digest);
    gather(from, to, request, request.manifest, diagnostics, result);
  } else {
    request.scratch.write_blob(from.get_manifest(request.package, digest), request.manifest.media_type);
  }
  result.put = to.put_if_absent(request.package, tag, request.scratch, request.manifest, diagnostics);
  copy_referrers(from, to, request, digest, result);
  for (const auto& file : further_files(from, request.package, digest)) {
    promote_file(from, to, request, file, diagnostics, result);
  }
  return result;
}

}  // namespace mlship
