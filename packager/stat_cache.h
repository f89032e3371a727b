// Digests by stat identity, so that a byte is hashed once in its life: (device, inode, size, mtime, ctime) as
// in git's index, with its racy rule.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "core/diagnostics.h"
#include "core/digest.h"
#include "core/host/fs.h"

namespace mlship {

// Same file, same content, as far as stat(2) can tell.
bool same_identity(const fs::Stat& a, const fs::Stat& b);

class StatCache {
 public:
  StatCache() = default;  // remembers nothing beyond its own life
  // An absent, damaged or foreign file is an empty cache. Entries as young as the file itself are dropped:
  // the content may have changed within the clock's tick (git's Documentation/technical/racy-git.txt).
  explicit StatCache(Path file);

  [[nodiscard]] std::optional<Digest> find(const fs::Stat& stat) const;
  void put(const fs::Stat& stat, const Digest& digest);
  // Waits for the clock to leave the tick of the youngest entry, so that the next run may trust it. Never
  // fails a build: a read-only folder keeps nothing.
  void save() const;

 private:
  using Key = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::int64_t, std::int64_t>;
  static Key key(const fs::Stat& stat);

  Path file_;
  std::map<Key, Digest> entries_;
  bool changed_ = false;
};

// The clock that file times are made of, in nanoseconds since the epoch.
std::int64_t file_clock();
// Returns when file_clock() has passed `time_ns`, or at once when that lies more than a second ahead.
void wait_past(std::int64_t time_ns);

struct FileToHash {
  Path file;
  std::string shown;  // in progress and messages
  fs::Stat stat;      // filled in
  Digest digest;      // filled in
};
// Digests of all of them, from the cache where it can tell, else read, two files at a time. Throws
// Error(changed_since_build) when a file changes while it is read.
void hash_files(std::vector<FileToHash>& files, StatCache& cache, Diagnostics& diagnostics);

}  // namespace mlship
