// Locks: whatever the format, one normalised record per dependency. Reading a lock never runs Python, never
// resolves, never looks at this machine.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/digest.h"
#include "core/version.h"
#include "packager/markers.h"

namespace mlship {

struct LockedRequirement {
  std::string name;                // as written
  std::string normal;              // PEP 503
  std::string version;             // exact
  std::vector<Digest> hashes;      // every file the lock allows
  std::string file;                // file name when the lock names one
  std::string url;                 // "" when the lock names none
  std::string marker;              // PEP 508, "" for always
  std::string origin;              // "requirements.lock:12"
  std::set<std::string> extras{};  // normalised
};

struct Lock {
  std::string format;  // the factory's name
  std::vector<LockedRequirement> requirements;
};

struct LockFactory {
  std::string_view name;     // "requirements"
  std::string_view summary;  // for docs and errors
  // Judges by file name and the first bytes.
  bool (*detect)(std::string_view file_name, std::string_view text);
  // Throws Error(lock) with file:line. `file` is what messages call it.
  Lock (*read)(std::string_view text, const std::string& file);
};
std::span<const LockFactory* const> lock_factories();

// Finds the format and reads. Throws Error(lock) that lists the formats known.
Lock read_lock(std::string_view text, const std::string& file);

}  // namespace mlship
