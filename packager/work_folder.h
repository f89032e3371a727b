// A private folder for work in progress, beside where its result goes. What a killed process left is removed
// by the next one.
#pragma once

#include <string_view>

#include "core/host/fs.h"

namespace mlship {

// As fs::TempFolder, and locked while it is used: the kernel unlocks it when the process dies. Making one
// removes every unlocked folder of that prefix in `parent`.
class WorkFolder {
 public:
  explicit WorkFolder(const Path& parent, std::string_view prefix = ".mlship-work-");
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  [[nodiscard]] const Path& path() const { return path_; }

 private:
  Path path_;
  int fd_ = -1;
};

}  // namespace mlship
