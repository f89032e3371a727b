#include "core/host/fs.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/host/fs_list.h"
#include "core/letters.h"

namespace mlship::fs {
namespace {

constexpr size_t chunk_size = 256U << 10U;  // bytes; larger ones leave the cache of a core and hash slower

// A file descriptor that is closed at the end.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

Stat convert(const struct ::stat& s) {
  constexpr std::int64_t second = 1'000'000'000;
  Stat out;
  out.device = s.st_dev;
  out.inode = s.st_ino;
  out.size = static_cast<std::uint64_t>(s.st_size);
  out.mtime_ns = s.st_mtim.tv_sec * second + s.st_mtim.tv_nsec;
  out.ctime_ns = s.st_ctim.tv_sec * second + s.st_ctim.tv_nsec;
  out.mode = s.st_mode & 07777U;
  out.uid = s.st_uid;
  out.gid = s.st_gid;
  out.links = s.st_nlink;
  if (S_ISREG(s.st_mode)) out.kind = Kind::file;
  if (S_ISDIR(s.st_mode)) out.kind = Kind::folder;
  if (S_ISLNK(s.st_mode)) out.kind = Kind::link;
  return out;
}

std::optional<Stat> stat_with(int (*call)(const char*, struct ::stat*), const Path& path) {
  struct ::stat s{};
  if (call(path.c_str(), &s) == 0) return convert(s);
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  fail(errno, "look at", path);
}

void write_all(int fd, std::string_view data, const Path& path) {
  while (!data.empty()) {
    const ssize_t n = ::write(fd, data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(errno, "write", path);
    data.remove_prefix(static_cast<size_t>(n));
  }
}

void sync_fd(int fd, const Path& path) {
  if (::fsync(fd) != 0) fail(errno, "flush", path);
}

Path folder_of(const Path& path) {
  return path.has_parent_path() ? path.parent_path() : Path(".");
}

// A folder that is open for reading.
class Directory {
 public:
  explicit Directory(const Path& folder) : folder_(folder), dir_(::opendir(folder.c_str())) {
    if (dir_ == nullptr) fail(errno, "list", folder);
  }
  ~Directory() { ::closedir(dir_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  [[nodiscard]] int descriptor() const {
    const int open = ::dirfd(dir_);
    if (open < 0) fail(errno, "open", folder_);
    return open;
  }
  // In bytewise order, without . and ..
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(dir_)) {
      const std::string_view name = static_cast<const char*>(entry->d_name);
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) fail(errno, "list", folder_);
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  const Path& folder_;
  DIR* dir_;
};

// The finished temporary file beside `path`, durable.
Path write_beside(const Path& path, std::string_view content, std::uint32_t mode) {
  const Path temporary = folder_of(path) / unique_name("." + path.filename().string() + ".mlship-");
  Writer writer(temporary, mode);
  writer.write(content);
  writer.close();
  return temporary;
}

void walk_below(const Path& root, const Path& relative, const std::function<bool(const Path&)>& skip,
                std::vector<Path>& found) {
  for (const auto& name : list(root / relative)) {
    const Path path = relative / name;
    if (skip && skip(path)) continue;
    const auto s = lstat(root / path);
    if (!s) continue;
    if (s->kind == Kind::folder) {
      walk_below(root, path, skip, found);
    } else {
      found.push_back(path);
    }
  }
}

}  // namespace

void fail(int number, std::string_view doing, const Path& path) {
  const auto code = [number] {
    switch (number) {
      case ENOSPC:
      case EDQUOT: return ErrorCode::disk_full;
      case EROFS: return ErrorCode::read_only;
      case EACCES:
      case EPERM: return ErrorCode::file_permission;
      case ENOENT:
      case ENOTDIR: return ErrorCode::not_found;
      default: return ErrorCode::io;
    }
  }();
  std::string why = std::strerror(number);
  if (!why.empty()) why[0] = letters::lower(why[0]);
  throw Error(code, "cannot " + std::string(doing) + " " + path.string() + ": " + why);
}

std::optional<Stat> stat(const Path& path) {
  return stat_with(::stat, path);
}
std::optional<Stat> lstat(const Path& path) {
  return stat_with(::lstat, path);
}
Stat stat_of(int descriptor, const Path& about) {
  struct ::stat s{};
  if (::fstat(descriptor, &s) != 0) fail(errno, "look at", about);
  return convert(s);
}
bool exists(const Path& path) {
  return stat(path).has_value();
}

Path nearest_existing(Path path) {
  while (!path.empty() && !fs::exists(path) && path != path.parent_path()) path = path.parent_path();
  return path.empty() ? "." : path;
}

void require_writable(const Path& folder) {
  for (Path path = folder; !fs::exists(path) && path != path.parent_path(); path = path.parent_path()) {
    if (!lstat(path)) continue;
    throw Error(ErrorCode::file_permission,
                "cannot write in " + path.string() + ": it is a link to what is not there")
        .hint("ls -l " + path.string());
  }
  const Path there = nearest_existing(folder);
  if (::access(there.c_str(), W_OK | X_OK) != 0) fail(errno, "write in", there);
}

// A pipe that a shell made (/dev/fd/63, /dev/stdin) has somebody at its other end; one that lies in a folder
// may never have, and whoever put it there would hang everybody.
static void wait_for_writer(int fd, const Path& path) {
  const bool given = path.string().starts_with("/dev/") || path.string().starts_with("/proc/");
  if (!given) throw Error(ErrorCode::io, "cannot read " + path.string() + ": it is a pipe, not a file");
  ::fcntl(fd, F_SETFL, 0);
}

void read_chunks(const Path& path, const std::function<void(std::string_view)>& chunk) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.ok()) fail(errno, "open", path);
  std::string buffer;
  struct ::stat s{};
  if (::fstat(fd.get(), &s) != 0) fail(errno, "look at", path);
  if (S_ISDIR(s.st_mode)) fail(EISDIR, "read", path);
  if (S_ISFIFO(s.st_mode)) wait_for_writer(fd.get(), path);
  buffer.resize(std::clamp<size_t>(static_cast<size_t>(s.st_size) + 1, 4096, chunk_size));
  std::uint64_t read = 0;
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(errno, "read", path);
    if (n == 0) return;
    chunk(std::string_view(buffer.data(), static_cast<size_t>(n)));
    // A short read that ends where a regular file ends needs no second one to say so.
    read += static_cast<std::uint64_t>(n);
    const bool short_read = static_cast<size_t>(n) < buffer.size();
    if (short_read && S_ISREG(s.st_mode) && read == static_cast<std::uint64_t>(s.st_size)) return;
  }
}

std::string read_file(const Path& path, std::uint64_t limit) {
  std::string out;
  read_chunks(path, [&](std::string_view data) {
    if (out.size() + data.size() > limit) {
      throw Error(ErrorCode::io,
                  "cannot read " + path.string() + ": larger than " + std::to_string(limit) + " bytes");
    }
    out += data;
  });
  return out;
}

std::optional<std::string> read_if_exists(const Path& path, std::uint64_t limit) {
  try {
    return read_file(path, limit);
  } catch (const Error& e) {
    if (e.code() == ErrorCode::not_found) return std::nullopt;
    throw;
  }
}

Digest hash_file(const Path& path) {
  Sha256 hasher;
  read_chunks(path, [&hasher](std::string_view data) { hasher.update(data); });
  return hasher.finish();
}

void write_atomic(const Path& path, std::string_view content, std::uint32_t mode) {
  const Path temporary = write_beside(path, content, mode);
  try {
    fs::rename(temporary, path);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_folder(folder_of(path));
}

bool create_exclusive(const Path& path, std::string_view content, std::uint32_t mode) {
  if (lstat(path)) return false;
  const Path temporary = write_beside(path, content, mode);
  // link(2) is the create-only rename: it never replaces.
  const int failed = ::link(temporary.c_str(), path.c_str()) == 0 ? 0 : errno;
  ::unlink(temporary.c_str());
  if (failed == EEXIST) return false;
  if (failed != 0) fail(failed, "create", path);
  sync_folder(folder_of(path));
  return true;
}

std::vector<std::string> list(const Path& folder) {
  const Directory dir(folder);
  return dir.names();
}

std::vector<std::pair<std::string, Stat>> list_stats(const Path& folder) {
  const Directory dir(folder);
  std::vector<std::pair<std::string, Stat>> found;
  std::vector<std::string> names = dir.names();
  found.reserve(names.size());
  for (auto& name : names) {
    // By the open folder: the kernel does not walk the whole path again for each.
    struct ::stat s{};
    if (::fstatat(dir.descriptor(), name.c_str(), &s, AT_SYMLINK_NOFOLLOW) == 0) {
      found.emplace_back(std::move(name), convert(s));
    } else if (errno != ENOENT) {
      fail(errno, "look at", folder / name);
    }
  }
  return found;
}

std::vector<Path> walk(const Path& root, const std::function<bool(const Path&)>& skip) {
  std::vector<Path> found;
  walk_below(root, {}, skip, found);
  // Bytewise order of the whole path, which the order of names per folder is not ("a-b" < "a/b").
  std::sort(found.begin(), found.end(), [](const Path& a, const Path& b) { return a.native() < b.native(); });
  return found;
}

void make_folders(const Path& folder) {
  if (folder.empty() || ::mkdir(folder.c_str(), 0777) == 0) return;
  int failed = errno;
  if (failed == ENOENT && folder_of(folder) != folder) {
    make_folders(folder_of(folder));
    // Where no folder can be made (/proc) the answer is ENOENT again.
    if (::mkdir(folder.c_str(), 0777) == 0) return;
    failed = errno == ENOENT ? EACCES : errno;
  }
  const auto s = stat(folder);
  if (failed == EEXIST && s && s->kind == Kind::folder) return;
  fail(failed == EEXIST ? ENOTDIR : failed, "make the folder", folder);
}

void make_folders_durable(const Path& folder) {
  if (folder.empty() || fs::exists(folder)) return make_folders(folder);
  make_folders_durable(folder_of(folder));
  make_folders(folder);
  sync_folder(folder_of(folder));
}

void remove_file(const Path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail(errno, "remove", path);
}

void remove_tree(const Path& path) {
  const auto s = lstat(path);
  if (!s) return;
  if (s->kind != Kind::folder) return remove_file(path);
  for (const auto& name : list(path)) remove_tree(path / name);
  if (::rmdir(path.c_str()) != 0 && errno != ENOENT) fail(errno, "remove", path);
}

void rename(const Path& from, const Path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail(errno, "rename " + from.string() + " to", to);
}

bool rename_no_replace(const Path& from, const Path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno == EEXIST || errno == ENOTEMPTY) return false;
  if (errno != EINVAL && errno != ENOSYS) fail(errno, "rename " + from.string() + " to", to);
  // Network file systems without the flag: folders do not replace a full folder anyway.
  if (lstat(to)) return false;
  fs::rename(from, to);
  return true;
}

bool exchange(const Path& a, const Path& b) {
  if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) return true;
  if (errno == EINVAL || errno == ENOSYS) return false;
  fail(errno, "exchange " + a.string() + " with", b);
}

void sync_file(const Path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) fail(errno, "open", path);
  sync_fd(fd.get(), path);
}

void sync_folder(const Path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok()) fail(errno, "open", folder);
  sync_fd(fd.get(), folder);
}

// One syncfs(2) instead of an fsync for each file: it waits for all that was written, with its errors.
void sync_tree(const Path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok()) fail(errno, "open", folder);
  if (::syncfs(fd.get()) != 0) fail(errno, "write to disk", folder);
}

void set_mode(const Path& path, std::uint32_t mode) {
  if (::chmod(path.c_str(), mode) != 0) fail(errno, "set the mode of", path);
}

bool reflink(const Path& from, const Path& to) {
  const Fd source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source.ok()) fail(errno, "open", from);
  const Fd target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!target.ok()) fail(errno, "create", to);
  if (::ioctl(target.get(), FICLONE, source.get()) == 0) return true;
  ::unlink(to.c_str());
  return false;
}

Placed place(const Path& from, const Path& to, bool allow_hardlink) {
  if (reflink(from, to)) return Placed::reflink;
  if (allow_hardlink && ::link(from.c_str(), to.c_str()) == 0) return Placed::hardlink;
  Writer writer(to);
  try {
    read_chunks(from, [&writer](std::string_view data) { writer.write(data); });
    writer.close();
  } catch (...) {
    ::unlink(to.c_str());
    throw;
  }
  return Placed::copy;
}

Writer::Writer(const Path& path, std::uint32_t mode)
    : path_(path),
      fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode == by_umask ? 0666 : 0600)) {
  if (fd_ < 0) fail(errno, "create", path);
  // The mode asked for, whatever the umask says.
  if (mode != by_umask && ::fchmod(fd_, mode) != 0) fail(errno, "set the mode of", path);
}

Writer::~Writer() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(path_.c_str());
}

void Writer::write(std::string_view data) {
  write_all(fd_, data, path_);
}

void Writer::truncate() {
  if (::ftruncate(fd_, 0) != 0 || ::lseek(fd_, 0, SEEK_SET) != 0) fail(errno, "empty", path_);
}

void Writer::close(bool durable) {
  if (durable) sync_fd(fd_, path_);
  const int fd = std::exchange(fd_, -1);
  if (::close(fd) != 0) {
    const int failed = errno;
    ::unlink(path_.c_str());
    fail(failed, "close", path_);
  }
}

TempFolder::TempFolder(const Path& parent, std::string_view prefix) : path_(parent / unique_name(prefix)) {
  if (::mkdir(path_.c_str(), 0700) != 0) fail(errno, "make the folder", path_);
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string unique_name(std::string_view prefix) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string bytes(12, '\0');
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw Error(ErrorCode::io, "cannot read random bytes from the system");
  }
  std::string out(prefix);
  for (const char c : bytes) out += letters[static_cast<unsigned char>(c) % letters.size()];
  return out;
}

}  // namespace mlship::fs
