// What lstat() says of a folder's entries, and fstat() of what is open: for the sources of core/host, and
// whoever lists large folders.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/host/fs.h"

namespace mlship::fs {

// Names in bytewise order, without . and ..; one that is gone by the time it is looked at is left out. Throws
// as list().
std::vector<std::pair<std::string, Stat>> list_stats(const Path& folder);

// Of an open file or folder; errors name `about`.
Stat stat_of(int descriptor, const Path& about);

}  // namespace mlship::fs
