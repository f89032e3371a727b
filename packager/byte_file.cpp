#include "packager/byte_file.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

namespace mlship {

ByteFile::ByteFile(const Path& path)
    : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  if (fd_ < 0) fs::fail(errno, "open", path);
  struct ::stat s{};
  const int failed = ::fstat(fd_, &s) == 0 ? 0 : errno;
  if (failed == 0 && S_ISREG(s.st_mode)) {
    size_ = static_cast<std::uint64_t>(s.st_size);
    return;
  }
  ::close(fd_);
  if (failed != 0) fs::fail(failed, "look at", path);
  throw Error(ErrorCode::io, "cannot read " + path.string() + ": it is not a regular file");
}

ByteFile::~ByteFile() {
  if (fd_ >= 0) ::close(fd_);
}

ByteFile::ByteFile(ByteFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      size_(other.size_),
      bytes_(other.bytes_) {}

std::string ByteFile::read(std::uint64_t offset, std::uint64_t length) const {
  const std::uint64_t there = offset < size_ ? size_ - offset : 0;
  std::string out(static_cast<size_t>(std::min(length, there)), '\0');
  out.resize(read(offset, out.data(), out.size()));
  return out;
}

size_t ByteFile::read(std::uint64_t offset, char* buffer, size_t length) const {
  if (fd_ < 0) return offset < size_ ? bytes_.copy(buffer, length, static_cast<size_t>(offset)) : 0;
  size_t done = 0;
  while (done < length) {
    const ssize_t n = ::pread(fd_, buffer + done, length - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fs::fail(errno, "read", path_);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return done;
}

}  // namespace mlship
