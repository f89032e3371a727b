// What a source tree is made of before selection and links: the seam between git, folders and the one
// algorithm.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "packager/source_tree.h"

namespace mlship {

struct RawEntry {
  enum class Kind { file, folder, link, submodule, other };
  Kind kind = Kind::other;
  bool executable = false;
  std::uint64_t size = 0;                     // of a file
  std::string target;                         // of a link
  std::optional<FileIdentity> identity = {};  // of a file on disk
  bool missing = false;                       // of a file: its content is not in this clone
};

// Paths are relative to the project folder, "" is the folder itself.
class RawTree {
 public:
  virtual ~RawTree() = default;
  [[nodiscard]] virtual std::optional<RawEntry> look(const std::string& path) const = 0;
  [[nodiscard]] virtual std::vector<std::pair<std::string, RawEntry>> list(
      const std::string& folder) const = 0;
  // The file at `path`, which look() or list() gave `size` bytes; replaces what `into` holds.
  virtual void read(std::string_view path, std::uint64_t size, std::string& into) const = 0;
  // Called once with the files that are taken: a filter may give one another size.
  virtual void settle(std::vector<SourceFile>& /*files*/) {}
};

// Selects, follows the links that stay inside the project, sorts.
std::unique_ptr<SourceTree> make_source_tree(std::unique_ptr<RawTree> raw, const TreeSelection& selection,
                                             std::string commit);

// The path that `path` means when every link on the way is followed, seen from the folder `at`; nullopt when
// it leaves the tree or goes in circles. Whether something is there is another question.
std::optional<std::string> real_path(const RawTree& raw, const std::string& at, const std::string& path);

// Files of the commit whose content this (partial) clone does not have. Nothing is fetched in silence.
Error absent_content(const std::vector<std::string>& files);

// Git LFS specification §The Pointer: a short text that begins with the version line.
bool lfs_pointer(std::string_view content);
// The sha256 that a pointer names; nullopt when it names none.
std::optional<Digest> lfs_digest(std::string_view pointer);

}  // namespace mlship
