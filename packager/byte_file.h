// A regular file read at positions: archives and model headers are read where their records say, never from
// the start.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/host/fs.h"

namespace mlship {

class ByteFile {
 public:
  explicit ByteFile(const Path& path);  // throws when it is no regular file
  // The same over bytes in memory, which must outlive it.
  explicit ByteFile(std::string_view bytes) : fd_(-1), size_(bytes.size()), bytes_(bytes) {}
  ~ByteFile();
  ByteFile(ByteFile&& other) noexcept;
  ByteFile& operator=(ByteFile&&) = delete;
  ByteFile(const ByteFile&) = delete;

  [[nodiscard]] std::uint64_t size() const { return size_; }  // bytes, when it was opened
  // Up to `length` bytes from `offset` on: fewer only at the end of the file.
  [[nodiscard]] std::string read(std::uint64_t offset, std::uint64_t length) const;
  // The same into `buffer`; returns the bytes read.
  size_t read(std::uint64_t offset, char* buffer, size_t length) const;

 private:
  Path path_;
  int fd_;
  std::uint64_t size_ = 0;
  std::string_view bytes_{};
};

}  // namespace mlship
