// A folder held open, and files in it by descriptor: what is done there is done to what was opened, whatever
// others put in the place of a path meanwhile. No link is ever followed. Errors name the folder or the file
// that the caller is about, never a temporary one.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/fs.h"

namespace mlship::fs {

// Owner, mode and extended attributes (POSIX ACLs are among them): what has to survive beside the bytes.
struct Attributes {
  std::uint32_t uid = 0, gid = 0, mode = 0;
  std::map<std::string, std::string> extended;
  bool operator==(const Attributes&) const = default;
};

class OpenFile {
 public:
  // Takes the descriptor; `about` is named in errors.
  OpenFile(int descriptor, Path about) : descriptor_(descriptor), about_(std::move(about)) {}
  ~OpenFile();
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&&) = delete;
  OpenFile(const OpenFile&) = delete;

  [[nodiscard]] Stat stat() const;
  [[nodiscard]] std::string read(std::uint64_t limit = small_file) const;  // all of it
  void write(std::string_view bytes) const;                                // in the place of all of it
  [[nodiscard]] Attributes attributes() const;
  void set_attributes(const Attributes& wanted) const;
  void sync() const;
  // flock(2), never waiting; the kernel gives it back when the process dies.
  [[nodiscard]] bool lock() const;

 private:
  int descriptor_;
  Path about_;
};

// A regular file by its path; nullopt when nothing of that kind is there. Waits for nobody, follows no link
// at its end.
std::optional<OpenFile> open_regular(const Path& path);

class OpenFolder {
 public:
  // Error(not_found), also where a part of the path is a link.
  explicit OpenFolder(const Path& folder);
  ~OpenFolder();
  OpenFolder(const OpenFolder&) = delete;
  OpenFolder& operator=(const OpenFolder&) = delete;

  [[nodiscard]] const Path& path() const { return path_; }
  [[nodiscard]] std::vector<std::string> names() const;  // in bytewise order
  // A regular file; nullopt when nothing of that kind is there.
  enum class Use { read, edit };
  [[nodiscard]] std::optional<OpenFile> open(const std::string& name, Use use = Use::read) const;
  // A new one of mode 0600, never what is there; `about` is named in errors.
  [[nodiscard]] OpenFile create(const std::string& name, const Path& about) const;
  void rename(const std::string& from, const std::string& to) const;  // replaces `to`
  // RENAME_EXCHANGE; false when the file system cannot.
  [[nodiscard]] bool exchange(const std::string& a, const std::string& b) const;
  void remove(const std::string& name) const;  // absent is fine
  void sync() const;

 private:
  Path path_;
  int descriptor_ = -1;
};

}  // namespace mlship::fs
