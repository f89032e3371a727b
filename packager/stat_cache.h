// Digests by stat identity, so that a byte is hashed once in its life: (device, inode, size, mtime, ctime) as
// in git's index, with its racy rule.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
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
  void forget() { entries_.clear(); }
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

// The stat of a file whose every later change moves its times. A page that is written through a memory map
// moves them only when it was clean before: what is dirty is written out first. nullopt when nothing is
// there.
std::optional<fs::Stat> settled_stat(const Path& file);
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
// Digests of files, from the cache where it can tell, else read on threads of their own, two files at a time.
class Hashing {
 public:
  // Begins. Until finish() nobody else may use the cache or report to `diagnostics`.
  Hashing(std::vector<FileToHash> files, StatCache& cache, Diagnostics& diagnostics);
  ~Hashing();  // gives up
  Hashing(const Hashing&) = delete;
  Hashing& operator=(const Hashing&) = delete;
  // Waits for the end. Throws Error(changed_since_build) when a file changes while it is read.
  std::vector<FileToHash> finish();

 private:
  void work();
  void advance(std::uint64_t bytes);

  std::vector<FileToHash> files_;
  StatCache& cache_;
  std::vector<FileToHash*> work_;
  std::unique_ptr<Progress> progress_;
  std::mutex mutex_;
  std::uint64_t done_ = 0;
  std::atomic<size_t> next_{0};
  std::atomic<bool> stopped_{false};
  std::exception_ptr failed_;
  std::vector<std::thread> threads_;
};
// All at once.
void hash_files(std::vector<FileToHash>& files, StatCache& cache, Diagnostics& diagnostics);

}  // namespace mlship
