// Which files the lock allows for a requirement, and what each is called: a lock with hashes alone does not
// say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/digest.h"
#include "core/host/fs.h"
#include "packager/index.h"
#include "packager/lock.h"
#include "packager/platform.h"

namespace mlship {

struct Candidate {
  WheelName wheel;
  std::string file;
  std::string url;               // "" when only the name is known
  Path local;                    // in a find-links folder
  std::optional<Digest> sha256;  // none: the index does not tell it, the download will show
  std::uint64_t size = 0;        // 0: not known
  std::optional<std::string> yanked;
};

// Everything known about one requirement's files.
struct Candidates {
  std::vector<Candidate> allowed;       // wheels with a hash of the lock, or with none told
  std::vector<std::string> unlocked;    // wheels of the version whose hash is not in the lock
  std::optional<Digest> unlocked_hash;  // of the first of these
  std::vector<std::string> sources;     // source distributions of the version
  std::vector<Digest> named;            // the lock's hashes whose file's name is known, wheel or not
  std::vector<IndexFile> seen;          // what the indexes list, as it came

  // Sorts one file in. Files of other packages and versions do not count.
  void add(const LockedRequirement& requirement, Candidate file);
  // True when the name of every file that the lock allows is known: nothing a further look-up could add would
  // change the choice.
  [[nodiscard]] bool complete(const LockedRequirement& requirement) const;
};

// Remembers file names by hash between builds, beside the cached blobs, so that a build whose wheels are in
// the cache chooses the same wheels without the network.
class KnownNames {
 public:
  explicit KnownNames(Path folder) : folder_(std::move(folder)) {}
  [[nodiscard]] std::vector<IndexFile> read(const LockedRequirement& requirement) const;
  void write(const LockedRequirement& requirement, const std::vector<IndexFile>& files) const;
  void forget(const LockedRequirement& requirement) const;

 private:
  [[nodiscard]] Path file(const LockedRequirement& requirement) const;
  Path folder_;
};

// "numpy-1.26.4.tar.gz" is a source distribution of numpy 1.26.4.
bool is_source_of(const LockedRequirement& requirement, const std::string& file);
bool is_wheel_of(const LockedRequirement& requirement, const WheelName& wheel);

}  // namespace mlship
