#include "packager/work_folder.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

namespace mlship {
namespace {

// The folder, open and locked; -1 when somebody else uses it or it is gone.
int lock_folder(const Path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return -1;
  struct ::stat open{};
  struct ::stat there{};
  const bool locked = ::flock(fd, LOCK_EX | LOCK_NB) == 0;
  // It may have been removed, and its name taken, before the lock was had.
  if (locked && ::fstat(fd, &open) == 0 && ::lstat(path.c_str(), &there) == 0 &&
      open.st_ino == there.st_ino) {
    return fd;
  }
  ::close(fd);
  return -1;
}

void remove_left(const Path& parent, std::string_view prefix) {
  for (const auto& name : fs::list(parent)) {
    if (!name.starts_with(prefix)) continue;
    const int fd = lock_folder(parent / name);
    if (fd < 0) continue;
    try {
      fs::remove_tree(parent / name);
    } catch (const Error&) {
      // Another user's.
    }
    ::close(fd);
  }
}

}  // namespace

WorkFolder::WorkFolder(const Path& parent, std::string_view prefix) {
  remove_left(parent, prefix);
  constexpr int tries = 100;
  for (int i = 0; i < tries && fd_ < 0; ++i) {
    path_ = parent / fs::unique_name(prefix);
    if (::mkdir(path_.c_str(), 0700) != 0) fs::fail(errno, "make", path_);
    fd_ = lock_folder(path_);  // another one may have removed it before it was locked
  }
  if (fd_ < 0) fs::fail(EBUSY, "lock", path_);
}

WorkFolder::~WorkFolder() {
  try {
    fs::remove_tree(path_);
  } catch (const Error&) {
    // The next one tries again.
  }
  ::close(fd_);
}

}  // namespace mlship
