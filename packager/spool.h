// A file that is hashed while it is written: what a layout takes over once its digest is known.
#pragma once

#include <functional>
#include <string_view>

#include "core/digest.h"
#include "core/host/fs.h"

namespace mlship {

struct Spooled {
  Path file;
  Digest digest;
  std::uint64_t size = 0;
};
// Makes a file in `folder` of what `write` gives to the sink; nothing is left when it throws. Hashing and
// writing happen on a thread each, beside whatever `write` does to get its bytes. Not flushed to the disk.
Spooled spool(const Path& folder,
              const std::function<void(const std::function<void(std::string_view)>& sink)>& write);

}  // namespace mlship
