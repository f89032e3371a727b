#include "core/host/folder.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <deque>
#include <functional>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/error.h"
#include "core/host/fs_list.h"

namespace mlship::fs {
namespace {

constexpr const char* access_list = "system.posix_acl_access";

std::map<std::string, std::string> extended_attributes(int file, const Path& about) {
  std::string names(65536, '\0');  // XATTR_LIST_MAX
  const ssize_t size = ::flistxattr(file, names.data(), names.size());
  if (size < 0 && errno == ENOTSUP) return {};
  if (size < 0) fail(errno, "read the extended attributes of", about);
  std::map<std::string, std::string> out;
  for (size_t i = 0; i < static_cast<size_t>(size); i += std::strlen(&names[i]) + 1) {
    std::string value(65536, '\0');  // XATTR_SIZE_MAX
    const ssize_t length = ::fgetxattr(file, &names[i], value.data(), value.size());
    if (length < 0 && errno == ENODATA) continue;  // removed meanwhile: the comparison sees it
    if (length < 0) fail(errno, "read the extended attributes of", about);
    value.resize(static_cast<size_t>(length));
    out.emplace(&names[i], std::move(value));
  }
  return out;
}

// A FIFO that somebody puts there must not hold anybody up.
constexpr int careful = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

// Takes the descriptor, or what errno says in its place.
std::optional<OpenFile> regular(int file, std::string_view doing, const Path& path) {
  if (file < 0) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EISDIR || errno == ENXIO)
      return std::nullopt;
    fail(errno, doing, path);
  }
  OpenFile opened(file, path);
  if (opened.stat().kind != Kind::file) return std::nullopt;
  return opened;
}

void each_chunk(int file, const Path& about, const std::function<void(std::string_view)>& use) {
  std::string buffer(256U << 10U, '\0');
  off_t done = 0;
  while (true) {
    const ssize_t n = ::pread(file, buffer.data(), buffer.size(), done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(errno, "read", about);
    if (n == 0) return;
    use({buffer.data(), static_cast<size_t>(n)});
    done += n;
  }
}

// Part by part, so that no link is followed anywhere on the way.
int open_folder(const Path& folder) {
  int at = ::open(folder.is_absolute() ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (const auto& part : folder.relative_path()) {
    if (at < 0 || part.empty()) continue;
    const int next = ::openat(at, part.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const int failed = errno;
    ::close(at);
    errno = failed;
    at = next;
  }
  if (at < 0) return at;
  const int readable = ::openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int failed = errno;
  ::close(at);
  errno = failed;
  return readable;
}

// Goes along a path by descriptors.
class LinkWalk {
 public:
  LinkWalk(Path path, bool make) : path_(std::move(path)), make_(make) {
    enter(::open(path_.is_absolute() ? "/" : ".", path_flags));
    ahead(path_.relative_path());
    while (!parts_.empty()) {
      const std::string part = std::move(parts_.front());
      parts_.pop_front();
      if (!part.empty() && part != ".") step(part);
    }
  }
  ~LinkWalk() {
    if (at_ >= 0) ::close(at_);
  }
  LinkWalk(const LinkWalk&) = delete;
  LinkWalk& operator=(const LinkWalk&) = delete;

  [[nodiscard]] int open() const {
    const int folder = ::openat(at_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) fail(errno, "open the folder", path_);
    return folder;
  }

 private:
  static constexpr int path_flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  static constexpr int most_links = 40;  // as the kernel's own walk

  void ahead(const Path& more) {
    auto where = parts_.begin();
    for (const auto& part : more) where = std::next(parts_.insert(where, part.string()));
  }

  void enter(int next) {
    if (next < 0) fail(errno, "open the folder", path_);
    if (at_ >= 0) ::close(at_);
    at_ = next;
  }

  void step(const std::string& part) {
    int next = ::openat(at_, part.c_str(), path_flags);
    if (next < 0 && errno == ENOENT && make_) {
      make(part);
      next = ::openat(at_, part.c_str(), path_flags);
    }
    struct ::stat s{};
    if (next < 0 || ::fstat(next, &s) != 0) fail(errno, "open the folder", path_);
    if (!S_ISLNK(s.st_mode)) return enter(next);
    const Path behind = read_link(next, s.st_uid);
    if (behind.is_absolute()) enter(::open("/", path_flags));
    ahead(behind.relative_path());
  }

  void make(const std::string& part) const {
    if (::mkdirat(at_, part.c_str(), 0777) != 0 && errno != EEXIST) fail(errno, "make the folder", path_);
    const int readable = ::openat(at_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (readable < 0) return;
    ::fsync(readable);
    ::close(readable);
  }

  Path read_link(int link, uid_t owner) {
    std::string text(PATH_MAX, '\0');
    const ssize_t size = ::readlinkat(link, "", text.data(), text.size());
    const int failed = size < 0 ? errno : 0;
    ::close(link);
    if (failed != 0) fail(failed, "read a link of", path_);
    if (++links_ > most_links) fail(ELOOP, "open the folder", path_);
    text.resize(static_cast<size_t>(size));
    if (::geteuid() == 0 && owner != 0) {
      throw Error(ErrorCode::file_permission, "cannot open the folder " + path_.string() +
                                                  ": it goes through a link of user " +
                                                  std::to_string(owner) + " to " + text)
          .hint("write the path without that link, or run mlship as that user");
    }
    return text;
  }

  Path path_;
  bool make_;
  int at_ = -1;
  int links_ = 0;
  std::deque<std::string> parts_;  // still to go
};

}  // namespace

OpenFile::~OpenFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

OpenFile::OpenFile(OpenFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), about_(std::move(other.about_)) {}

Stat OpenFile::stat() const {
  return stat_of(descriptor_, about_);
}

std::string OpenFile::read(std::uint64_t limit) const {
  std::string out;
  each_chunk(descriptor_, about_, [&](std::string_view chunk) {
    out += chunk;
    if (out.size() > limit) fail(EFBIG, "read", about_);
  });
  return out;
}

std::string OpenFile::begin(size_t most) const {
  std::string out(most, '\0');
  size_t got = 0;
  while (got < most) {
    const ssize_t n = ::pread(descriptor_, out.data() + got, most - got, static_cast<off_t>(got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(errno, "read", about_);
    if (n == 0) break;
    got += static_cast<size_t>(n);
  }
  out.resize(got);
  return out;
}

Digest OpenFile::hash() const {
  Sha256 hasher;
  each_chunk(descriptor_, about_, [&](std::string_view chunk) { hasher.update(chunk); });
  return hasher.finish();
}

void OpenFile::write(std::string_view bytes) const {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n =
        ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(errno, "write", about_);
    done += static_cast<size_t>(n);
  }
  if (::ftruncate(descriptor_, static_cast<off_t>(bytes.size())) != 0) fail(errno, "write", about_);
}

Attributes OpenFile::attributes() const {
  const Stat now = stat();
  return {now.uid, now.gid, now.mode, extended_attributes(descriptor_, about_)};
}

// Owner before mode, because chown clears set-id bits, and the ACL last, because it holds the group's bits.
void OpenFile::set_attributes(const Attributes& wanted) const {
  const Stat now = stat();
  if ((now.uid != wanted.uid || now.gid != wanted.gid) &&
      ::fchown(descriptor_, wanted.uid, wanted.gid) != 0) {
    fail(errno, "keep the owner of", about_);
  }
  if (::fchmod(descriptor_, wanted.mode) != 0) fail(errno, "set the mode of", about_);
  const auto there = extended_attributes(descriptor_, about_);
  for (const auto& [name, value] : wanted.extended) {
    const auto same = there.find(name);
    if (same != there.end() && same->second == value) continue;
    if (::fsetxattr(descriptor_, name.c_str(), value.data(), value.size(), 0) != 0) {
      fail(errno, "keep the attribute " + name + " of", about_);
    }
  }
  // What the folder's default ACL gave the new file on its own.
  if (there.contains(access_list) && !wanted.extended.contains(access_list) &&
      ::fremovexattr(descriptor_, access_list) != 0) {
    fail(errno, "keep the access list of", about_);
  }
}

void OpenFile::sync() const {
  if (::fsync(descriptor_) != 0) fail(errno, "flush", about_);
}

bool OpenFile::lock() const {
  return ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
}

std::optional<OpenFile> open_regular(const Path& path) {
  return regular(::open(path.c_str(), O_RDONLY | careful), "open", path);
}

OpenFolder::OpenFolder(const Path& folder) : path_(folder), descriptor_(open_folder(folder)) {
  if (descriptor_ >= 0) return;
  // ELOOP and ENOTDIR: a link, or no folder, stands where one was.
  fail(errno == ELOOP ? ENOTDIR : errno, "open the folder", folder);
}

OpenFolder::OpenFolder(OpenFolder&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

OpenFolder OpenFolder::through_links(const Path& folder, Missing missing) {
  const LinkWalk walk(folder, missing == Missing::make);
  return {folder, walk.open()};
}

OpenFolder::~OpenFolder() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::vector<std::string> OpenFolder::names() const {
  const int again = ::openat(descriptor_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* dir = again < 0 ? nullptr : ::fdopendir(again);
  if (dir == nullptr) fail(errno, "list", path_);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(dir)) {
    const std::string_view name = static_cast<const char*>(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
  }
  const int failed = errno;
  ::closedir(dir);
  if (failed != 0) fail(failed, "list", path_);
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<OpenFile> OpenFolder::open(const std::string& name, Use use) const {
  // Not blocking: a FIFO that somebody puts there must not hold anybody up.
  const int flags = (use == Use::edit ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  const int file = ::openat(descriptor_, name.c_str(), flags);
  if (file < 0) {
    if (errno == ENOENT || errno == ELOOP || errno == EISDIR || errno == ENXIO) return std::nullopt;
    fail(errno, use == Use::edit ? "write" : "open", path_ / name);
  }
  OpenFile opened(file, path_ / name);
  if (opened.stat().kind != Kind::file) return std::nullopt;
  return opened;
}

OpenFile OpenFolder::create(const std::string& name, const Path& about) const {
  const int file =
      ::openat(descriptor_, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) fail(errno, "write in the folder", path_);
  return {file, about};
}

void OpenFolder::rename(const std::string& from, const std::string& to) const {
  if (::renameat(descriptor_, from.c_str(), descriptor_, to.c_str()) != 0)
    fail(errno, "write in the folder", path_);
}

bool OpenFolder::exchange(const std::string& a, const std::string& b) const {
  if (::renameat2(descriptor_, a.c_str(), descriptor_, b.c_str(), RENAME_EXCHANGE) == 0) return true;
  if (errno == EINVAL || errno == ENOSYS) return false;
  fail(errno, "replace", path_ / b);
}

void OpenFolder::remove(const std::string& name) const {
  if (::unlinkat(descriptor_, name.c_str(), 0) != 0 && errno != ENOENT)
    fail(errno, "write in the folder", path_);
}

void OpenFolder::remove_tree(const std::string& name) const {
  if (::unlinkat(descriptor_, name.c_str(), 0) == 0 || errno == ENOENT) return;
  if (errno != EISDIR && errno != EPERM) fail(errno, "remove", path_ / name);
  const auto inner = folder_in(name);
  if (!inner) fail(errno, "remove", path_ / name);
  for (const auto& each : inner->names()) inner->remove_tree(each);
  if (::unlinkat(descriptor_, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
    fail(errno, "remove", path_ / name);
}

// Who owns the folder may exchange what was just made in it: ours is what this user owns, or nobody, to whom
// a file server gives what root makes.
OpenFolder OpenFolder::make_private(const std::string& name) const {
  constexpr uid_t nobody = 65534;
  if (::mkdirat(descriptor_, name.c_str(), 0700) != 0) fail(errno, "write in the folder", path_);
  auto made = folder_in(name);
  struct ::stat s{};
  const bool ours = made && ::fstat(made->descriptor_, &s) == 0 && (s.st_mode & 077U) == 0 &&
                    (s.st_uid == ::geteuid() || s.st_uid == nobody);
  if (!ours) fail(EPERM, "write in the folder", path_);
  return std::move(*made);
}

std::optional<OpenFolder> OpenFolder::folder_in(const std::string& name) const {
  const int folder = ::openat(descriptor_, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0) return std::nullopt;
  return OpenFolder(path_ / name, folder);
}

bool OpenFolder::lock() const {
  return ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
}

bool OpenFolder::take(const OpenFolder& other, const std::string& from, const std::string& to) const {
  const auto rename = [&](unsigned flags) {
    return ::renameat2(other.descriptor_, from.c_str(), descriptor_, to.c_str(), flags) == 0;
  };
  if (rename(RENAME_NOREPLACE)) return true;
  if (errno == EEXIST || errno == ENOTEMPTY) return false;
  if (errno != EINVAL && errno != ENOSYS) fail(errno, "make", path_ / to);
  // Network file systems without the flag: folders do not replace a full folder anyway.
  if (::faccessat(descriptor_, to.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) return false;
  if (!rename(0)) fail(errno, "make", path_ / to);
  return true;
}

Path OpenFolder::lasting_path() const {
  Path path = "/proc/self/fd/" + std::to_string(descriptor_);
  return fs::exists(path) ? path : path_;
}

void OpenFolder::sync() const {
  if (::fsync(descriptor_) != 0) fail(errno, "flush", path_);
}

}  // namespace mlship::fs
