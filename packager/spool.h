// A file that is hashed while it is written: what a layout takes over once its digest is known.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "core/digest.h"
#include "core/host/fs.h"

namespace mlship {

struct Spooled {
  Path file;
  Digest digest;
  std::uint64_t size = 0;
};
// A file in `folder` on its way. Hashing and writing happen on a thread each, beside whatever gets the bytes.
// Not flushed to the disk. Nothing is left of it without finish().
class Spool {
 public:
  explicit Spool(const Path& folder);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  void add(std::string_view data);
  Spooled finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Makes a file in `folder` of what `write` gives to the sink; nothing is left when it throws.
Spooled spool(const Path& folder,
              const std::function<void(const std::function<void(std::string_view)>& sink)>& write);

}  // namespace mlship
