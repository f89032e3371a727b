#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/host/fs.h"

namespace mlship::fs {
namespace {

// Another user's lock file need only be readable: flock(2) asks for no more.
int open_lock(const Path& path) {
  int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0 && errno == EACCES) fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(errno, "open", path);
  return fd;
}

bool lock_fd(int fd, int how, const Path& path) {
  while (::flock(fd, how) != 0) {
    const int failed = errno;
    if (failed == EINTR) continue;
    ::close(fd);
    if (failed == EWOULDBLOCK) return false;
    fail(failed, "lock", path);
  }
  return true;
}

}  // namespace

Lock Lock::wait(const Path& path) {
  const int fd = open_lock(path);
  lock_fd(fd, LOCK_EX, path);
  return Lock(fd);
}

std::optional<Lock> Lock::attempt(const Path& path) {
  const int fd = open_lock(path);
  if (!lock_fd(fd, LOCK_EX | LOCK_NB, path)) return std::nullopt;
  return Lock(fd);
}

Lock::~Lock() {
  if (fd_ >= 0) ::close(fd_);
}

Lock::Lock(Lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

void Lock::describe(std::string_view text) {
  // For people only; a failure to write it does not matter to the lock.
  if (::ftruncate(fd_, 0) == 0) (void)!::pwrite(fd_, text.data(), text.size(), 0);
}

}  // namespace mlship::fs
