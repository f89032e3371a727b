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
  [[nodiscard]] std::string begin(size_t most) const;                      // its first bytes
  [[nodiscard]] Digest hash() const;
  void write(std::string_view bytes) const;  // in the place of all of it
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
  // As above, but through links. Root follows those of root alone: where another's link leads is that user's
  // choice, Error(file_permission). With Missing::make, folders that are not there are made.
  enum class Missing { fail, make };
  static OpenFolder through_links(const Path& folder, Missing missing = Missing::fail);
  ~OpenFolder();
  OpenFolder(OpenFolder&& other) noexcept;
  OpenFolder& operator=(OpenFolder&&) = delete;
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
  void remove(const std::string& name) const;       // absent is fine
  void remove_tree(const std::string& name) const;  // absent is fine
  void sync() const;
  // A new folder of mode 0700 in it, into which nobody else gets.
  [[nodiscard]] OpenFolder make_private(const std::string& name) const;
  // A folder in it; nullopt when nothing of that kind is there or this user may not read it.
  [[nodiscard]] std::optional<OpenFolder> folder_in(const std::string& name) const;
  // flock(2), as OpenFile::lock.
  [[nodiscard]] bool lock() const;
  // Takes `from` of another folder under the name `to`; false when that is taken.
  [[nodiscard]] bool take(const OpenFolder& other, const std::string& from, const std::string& to) const;
  // For those who need a path: leads to the open folder wherever it is now.
  [[nodiscard]] Path lasting_path() const;

 private:
  OpenFolder(Path path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

  Path path_;
  int descriptor_ = -1;
};

}  // namespace mlship::fs
