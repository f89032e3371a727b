// Files and folders. Every failure is an Error with the path: disk_full (ENOSPC, EDQUOT), read_only (EROFS),
// file_permission (EACCES, EPERM), not_found (ENOENT) or io. What must survive a crash says so.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/digest.h"

namespace mlship {

using Path = std::filesystem::path;

namespace fs {

enum class Kind { file, folder, link, other };

struct Stat {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;     // bytes
  std::int64_t mtime_ns = 0;  // since the epoch
  std::int64_t ctime_ns = 0;
  std::uint32_t mode = 0;  // permission bits only (07777)
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t links = 0;
  Kind kind = Kind::other;
  [[nodiscard]] bool executable() const { return (mode & 0100U) != 0; }
};

// nullopt when nothing is there (ENOENT, ENOTDIR).
std::optional<Stat> stat(const Path& path);   // follows links
std::optional<Stat> lstat(const Path& path);  // does not
bool exists(const Path& path);
Path nearest_existing(Path path);  // itself, or the nearest folder above it, in which it would be made
void require_writable(const Path& folder);  // that this user may write there; Error when not

constexpr std::uint64_t small_file = 64U << 20U;  // bytes
std::string read_file(const Path& path, std::uint64_t limit = small_file);
std::optional<std::string> read_if_exists(const Path& path, std::uint64_t limit = small_file);
// Calls `chunk` with consecutive pieces of at most 1 MiB.
void read_chunks(const Path& path, const std::function<void(std::string_view)>& chunk);
Digest hash_file(const Path& path);

// Instead of a mode: 0666 less the umask, for what a group may share.
constexpr std::uint32_t by_umask = ~0U;

// Temporary file beside it, fsync, rename, fsync of the folder: after a crash the old or the new content is
// there.
void write_atomic(const Path& path, std::string_view content, std::uint32_t mode = 0644);
// As write_atomic, but false (and nothing changed) when `path` exists already.
bool create_exclusive(const Path& path, std::string_view content, std::uint32_t mode = 0644);

// Names in bytewise order, without . and ..
std::vector<std::string> list(const Path& folder);
// Every file, link and other non-folder below `root`, relative, bytewise order of the whole path; `skip`
// prunes.
std::vector<Path> walk(const Path& root, const std::function<bool(const Path& relative)>& skip = {});

void make_folders(const Path& folder);
void make_folders_durable(const Path& folder);             // and fsync each parent that gained an entry
void remove_file(const Path& path);                        // absent is fine
void remove_tree(const Path& path);                        // absent is fine; never follows links
void rename(const Path& from, const Path& to);             // replaces `to`
bool rename_no_replace(const Path& from, const Path& to);  // false when `to` exists
// RENAME_EXCHANGE of two existing paths; false when the file system cannot.
bool exchange(const Path& a, const Path& b);
void sync_file(const Path& path);
void sync_folder(const Path& folder);
void sync_tree(const Path& folder);  // everything below it, by one syncfs(2) of its file system
void set_mode(const Path& path, std::uint32_t mode);

// Makes `to` (must not exist) share its blocks with `from` until one of them is written (FICLONE); false, and
// nothing left, when the file system cannot.
bool reflink(const Path& from, const Path& to);

enum class Placed { reflink, hardlink, copy };
// Makes `to` (must not exist) with the content of `from`. A reflink shares no inode; a hardlink does and is
// tried only when allowed. Falls back to a copy on EXDEV, EPERM, EMLINK, EOPNOTSUPP.
Placed place(const Path& from, const Path& to, bool allow_hardlink);

// A file being written in pieces; the temporary name is removed unless commit() was called.
class Writer {
 public:
  explicit Writer(const Path& path, std::uint32_t mode = 0644);  // creates `path`, which must not exist
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  void write(std::string_view data);
  void truncate();                  // back to empty
  void close(bool durable = true);  // fsync when durable; keeps the file
  [[nodiscard]] const Path& path() const { return path_; }

 private:
  Path path_;
  int fd_ = -1;
};

// A private folder that is removed at the end, whatever happens.
class TempFolder {
 public:
  explicit TempFolder(const Path& parent, std::string_view prefix = ".mlship-");
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] const Path& path() const { return path_; }

 private:
  Path path_;
};

// flock(2) on a file that is created when absent; released at the end or by the kernel when the process dies.
class Lock {
 public:
  // Waits for it.
  static Lock wait(const Path& path);
  // nullopt when another process has it.
  static std::optional<Lock> attempt(const Path& path);
  ~Lock();
  Lock(Lock&& other) noexcept;
  Lock& operator=(Lock&&) = delete;
  Lock(const Lock&) = delete;
  // Replaces the file's text: who holds it, for the message to the next one.
  void describe(std::string_view text);

 private:
  explicit Lock(int fd) : fd_(fd) {}
  int fd_;
};

// A name no other process makes: "<prefix><12 random letters and digits>".
std::string unique_name(std::string_view prefix);

// Throws the Error for errno `number`: "cannot <doing> <path>: <strerror>".
[[noreturn]] void fail(int number, std::string_view doing, const Path& path);

}  // namespace fs
}  // namespace mlship
