// A read-only view of the files that make up a project's code: from a git commit, a folder or memory.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/fs.h"
#include "core/project.h"

namespace mlship {

// What tells one content of a file from another without reading it, beside its size.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t mtime_ns = 0;  // since the epoch
  std::int64_t ctime_ns = 0;
};

// Small, because trees have tens of thousands: the texts belong to the tree.
struct SourceFile {
  std::string_view path;  // relative to the tree's root, `/`, valid UTF-8 in NFC, no `.` or `..` component
  std::string_view real;  // of what lies there, every link followed; relative to the project
  std::uint64_t size = 0;
  bool executable = false;
  std::optional<FileIdentity> identity = {};  // on disk when it was listed; none in a commit
};

class SourceTree {
 public:
  virtual ~SourceTree() = default;
  // Bytewise order of path. Links inside the tree appear as the file they point to; a link out of the tree, a
  // submodule or a special file that is selected throws Error(source_tree).
  [[nodiscard]] virtual const std::vector<SourceFile>& files() const = 0;
  // Makes `into`, which may hold an earlier file, the content. Throws Error(lfs_pointer) when that is a Git
  // LFS pointer.
  virtual void read(const SourceFile& file, std::string& into) const = 0;
  [[nodiscard]] std::string read(const SourceFile& file) const {
    std::string content;
    read(file, content);
    return content;
  }
  // The commit's hex id, "" for a folder outside git.
  [[nodiscard]] virtual std::string commit() const = 0;
};

struct TreeSelection {
  std::string root = ".";            // relative to the project folder
  std::vector<std::string> include;  // globs relative to root; empty: all
  std::vector<std::string> exclude;
  // False where no git says what belongs to the code: a name that begins with a dot (.env, .ssh/) is then
  // taken only when an include spells a name with a dot.
  bool dot_names = true;
};
// What is part of no bundle, wherever it lies: __pycache__, *.pyc, and what version control keeps.
bool never_bundled(std::string_view name);
// True when the file (relative to root) belongs to the bundle: dist/, .mlship/ and what is never_bundled() do
// not.
bool selected(const TreeSelection& selection, std::string_view path);

// The selected files of a folder as they are on disk, without those of `left_out`: paths relative to the
// project, of a whole folder with a `/` at the end.
std::unique_ptr<SourceTree> folder_tree(const Path& project, const TreeSelection& selection,
                                        const std::vector<std::string>& left_out = {});

// What git knows of the project folder; absent() outside a repository.
struct GitState {
  bool present = false;
  std::string commit;               // HEAD, "" before the first commit
  std::string remote;               // origin's URL without userinfo, "" without one
  std::vector<std::string> dirty;   // changed or untracked, not ignored, that `covered` says would be shipped
                                    // or read; and of `read` whatever is not as HEAD has it, ignored or not
  std::vector<std::string> absent;  // `covered` files of HEAD that a sparse checkout leaves out; not in dirty
};
GitState git_state(const Path& project, const std::function<bool(const std::string& relative)>& covered,
                   const std::vector<std::string>& read = {});
// What git ignores and does not track, as folder_tree() takes it.
std::vector<std::string> git_ignored(const Path& project);
// Whether the selected files and what lies at `read` are in HEAD as they are in `commit`; false too when that
// commit is not here (a shallow clone).
bool git_same_since(const Path& project, const std::string& commit, const TreeSelection& selection,
                    const std::vector<std::string>& read);
// The selected files of HEAD, read from the object database: no autocrlf, eol, ident or export-ignore. A file
// with a filter of its own or a working-tree-encoding is what a checkout writes.
std::unique_ptr<SourceTree> git_tree(const Path& project, const TreeSelection& selection);
// One file of HEAD by its path in the project, whatever is selected; nullopt when it is not committed.
std::optional<std::string> git_file(const Path& project, const std::string& relative);
// All tags, by name.
std::vector<std::string> git_tags(const Path& project);
// The tags that match the glob and point at HEAD, by name.
std::vector<std::string> git_tags_at_head(const Path& project, const std::string& glob);

}  // namespace mlship
