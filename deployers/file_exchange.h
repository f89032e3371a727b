// What file_swap.cpp, file_recover.cpp and file_in_place.cpp share; for them only.
#pragma once

#include <optional>
#include <string>

#include "core/host/folder.h"
#include "deployers/file_names.h"
#include "deployers/file_swap.h"

namespace mlship {

struct Snapshot {
  std::string bytes;
  fs::Attributes attributes;
  bool operator==(const Snapshot&) const = default;
};
// nullopt when nothing, or no regular file, is there.
std::optional<Snapshot> snapshot(const fs::OpenFolder& folder, const std::string& name);

// Where an exchange takes place.
struct SwapPlace {
  explicit SwapPlace(const Path& path)
      : file(path), name(path.filename().string()), folder(path.parent_path()), names(path) {}
  Path file;
  std::string name;
  fs::OpenFolder folder;
  SwapNames names;
};

// Puts what was displaced back under the file's name. "" when what then is displaced is exactly `ours`,
// which is removed. Else somebody wrote again in between: the newer text stays under the file's name, and the
// result is the path where the other is kept, so that nothing is lost.
std::string put_back(const SwapPlace& place, const std::string& displaced, std::string_view ours,
                     const std::string& tag);

// The text is written over, both texts being kept beside the file until that is done.
SwapResult edit_in_place(const SwapPlace& place, const Swap& swap);
// Takes back an edit that was cut short; a text that is neither is somebody else's and stays.
void recover_in_place(const SwapPlace& place, const std::string& journal);

}  // namespace mlship
