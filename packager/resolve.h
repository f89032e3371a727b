// Lock + target -> verified wheel files in the blob cache.
#pragma once

#include <string>
#include <vector>

#include "core/diagnostics.h"
#include "core/digest.h"
#include "core/host/host.h"
#include "packager/lock.h"
#include "packager/platform.h"

namespace mlship {

// ~/.cache/mlship/blobs: content-addressed, shared between projects and processes.
class BlobCache {
 public:
  explicit BlobCache(Path folder) : folder_(std::move(folder)) {}
  [[nodiscard]] Path path(const Digest& digest) const;
  // Verified again when read (a damaged entry is removed and counts as absent).
  [[nodiscard]] bool has(const Digest& digest) const;
  [[nodiscard]] const Path& folder() const { return folder_; }

 private:
  Path folder_;
};

struct IndexSettings {
  std::vector<std::string> urls;        // PEP 503/691 roots, in order
  std::vector<std::string> find_links;  // folders or pages
  bool offline = false;                 // find_links folders and the cache only
};
// PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, UV_INDEX_URL, PIP_FIND_LINKS, PIP_CONFIG_FILE and the pip.conf files,
// then the built-in default. `project_url`: from [dependencies] index, wins.
IndexSettings index_settings(const Env& env, const std::string& project_url);
// The build-time default (CMake takes it from the platform's pip); "" when there is none.
std::string default_index();

struct Dependency {
  std::string name;  // PEP 503
  std::string version;
  std::string file;  // wheel file name
  std::uint64_t size = 0;
  Digest digest;                       // one of the lock's hashes
  std::string marker;                  // as in the lock
  std::vector<std::string> platforms;  // names of the targets that take this file
  Path cached;                         // where its bytes are
  bool among_fewer = false;            // chosen offline, where not all of the lock's files were known
};

// Every requirement of the lock whose marker holds for a platform, one wheel each, downloaded in parallel and
// verified before use. Ordered by file name. Throws Error(lock|wheel|hash_mismatch|network|…); Error(wheel)
// names package, target and the nearest tags there are.
std::vector<Dependency> resolve(const Lock& lock, const std::vector<Platform>& platforms,
                                const IndexSettings& settings, const BlobCache& cache, Host& host,
                                Diagnostics& diagnostics);

// True when the index lists, for that package, a file with that sha256 (PEP 503/691).
bool index_has(const std::string& index_url, const std::string& package, const Digest& digest, Host& host);

}  // namespace mlship
