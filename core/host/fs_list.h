// A folder's entries together with what lstat() says of each.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/host/fs.h"

namespace mlship::fs {

// Names in bytewise order, without . and ..; one that is gone by the time it is looked at is left out. Throws
// as list().
std::vector<std::pair<std::string, Stat>> list_stats(const Path& folder);

}  // namespace mlship::fs
