#include "core/host/http_body.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace mlship {
namespace {

class File {
 public:
  explicit File(Path path) : path_(std::move(path)), fd_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) fs::fail(errno, "read", path_);
  }
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // Fewer than `room` only at the end of the file.
  size_t read(std::uint64_t offset, char* data, size_t room) const {
    size_t got = 0;
    while (got < room) {
      const ssize_t n = ::pread(fd_, data + got, room - got, static_cast<off_t>(offset + got));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fs::fail(errno, "read", path_);
      if (n == 0) break;
      got += static_cast<size_t>(n);
    }
    return got;
  }

 private:
  Path path_;
  int fd_;
};

using Changed = std::function<Error(const std::string&, std::uint64_t)>;

// The state of one body over all its tries.
class HashedFile {
 public:
  HashedFile(Path path, const Digest& digest, std::uint64_t size, Changed changed)
      : path_(std::move(path)), digest_(digest), size_(size), changed_(std::move(changed)) {}

  size_t read(std::uint64_t offset, char* data, size_t room) {
    // Opened when its turn comes: a thousand blobs are not a thousand open files.
    if (offset == 0) {
      file_ = std::make_unique<File>(path_);
      hasher_ = Sha256();
      hashed_ = 0;
    }
    if (offset != hashed_) throw Error(ErrorCode::internal, "a request body is not read in order");
    const size_t got = file_->read(offset, data, room);
    hasher_.update({data, got});
    hashed_ += got;
    if (got < room) throw changed_(hasher_.finish().str(), hashed_);
    if (hashed_ == size_) finish();
    return got;
  }

 private:
  void finish() {
    char more = 0;
    const bool longer = file_->read(size_, &more, 1) != 0;
    file_.reset();
    const Digest actual = hasher_.finish();
    if (longer) throw changed_("more bytes", fs::stat(path_).value_or(fs::Stat{}).size);
    if (actual != digest_) throw changed_(actual.str(), size_);
  }

  Path path_;
  Digest digest_;
  std::uint64_t size_;
  Changed changed_;
  std::unique_ptr<File> file_;
  Sha256 hasher_;
  std::uint64_t hashed_ = 0;
};

}  // namespace

HttpBody file_body(const Path& file, const Digest& digest, std::uint64_t size, Changed changed) {
  const auto state = std::make_shared<HashedFile>(file, digest, size, std::move(changed));
  return {size,
          [state](std::uint64_t offset, char* data, size_t room) { return state->read(offset, data, room); }};
}

HttpBody file_part(const Path& file, std::uint64_t first, std::uint64_t size) {
  const auto open = std::make_shared<File>(file);
  return {size, [open, file, first](std::uint64_t offset, char* data, size_t room) {
            if (open->read(first + offset, data, room) != room) {
              throw Error(ErrorCode::verification,
                          "cannot send " + file.string() + ": it became shorter meanwhile");
            }
            return room;
          }};
}

}  // namespace mlship
