// A file that is hashed while it is written: what the layout takes over once its digest is known.
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
// Makes a durable file in `folder` of what `write` gives to the sink; nothing is left when it throws.
inline Spooled spool(const Path& folder,
                     const std::function<void(const std::function<void(std::string_view)>& sink)>& write) {
  fs::Writer out(folder / fs::unique_name(".spool-"));
  Sha256 hasher;
  std::uint64_t size = 0;
  write([&](std::string_view data) {
    out.write(data);
    hasher.update(data);
    size += data.size();
  });
  out.close();
  return {out.path(), hasher.finish(), size};
}

}  // namespace mlship
