#include "packager/resolve.h"

namespace mlship {

// As in an OCI layout (image-layout.md §Blobs): <folder>/sha256/<hex>.
Path BlobCache::path(const Digest& digest) const {
  return folder_ / "sha256" / digest.hex();
}

bool BlobCache::has(const Digest& digest) const {
  const Path file = path(digest);
  const auto stat = fs::stat(file);
  if (!stat || stat->kind != fs::Kind::file) return false;
  if (fs::hash_file(file) == digest) return true;
  fs::remove_file(file);
  return false;
}

}  // namespace mlship
