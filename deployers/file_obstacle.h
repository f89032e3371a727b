// What keeps a file from being exchanged for another, whoever tries.
#pragma once

#include <optional>
#include <string>

#include "core/host/fs.h"
#include "deployers/target.h"

namespace mlship {

struct FileObstacle {
  bool mount_point = false;  // it can be edited in place all the same
  std::string why;           // "/etc/cron.d/churn is immutable (chattr +i)"
  std::string hint;
  Reason reason = Reason::no_permission;
};
// Links resolved. nullopt: nothing of that kind, or nobody can say.
std::optional<FileObstacle> obstacle_of(const Path& file);

}  // namespace mlship
