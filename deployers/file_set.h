// The files a host target names by its `files` globs, and reading one of them.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/host/fs.h"
#include "deployers/target.h"

namespace mlship {

// A file as the globs name it, and as it is once links are resolved: what is read and written.
struct HostFile {
  Path path;
  Path resolved;
  bool by_name = false;          // `files` names it in full, without a pattern
  std::vector<Path> names = {};  // all that the globs name it by
  std::string idle = {};         // why the system does not act on it; "" when it does
};

// Why a file or folder cannot be looked at.
struct FileProblem {
  // What kind of file this is that mlship edits none of.
  enum class Unfit { other, special, many_names, large, binary };
  std::string path;
  Reason reason = Reason::unresolvable;
  std::string detail;
  std::string hint;
  Unfit unfit = Unfit::other;
};

struct FileSet {
  std::vector<HostFile> files;  // by path; each resolved file once, by the name that is no link if it has one
  std::vector<FileProblem> problems;
  std::vector<std::string> unmatched;  // patterns that name no file
};

// An absolute pattern; one that is relative starts at `folder`, whose own name is no pattern.
std::string file_pattern(const Path& folder, const std::string& pattern);
// `*`, `?`, `[…]` and `**` (folders below, links among them not followed); names with a leading dot only
// where the pattern has one. A pattern without any of these names a file that has to be there; one part of it
// that is itself the name of something there names that alone, whatever brackets it has.
FileSet expand_files(const std::vector<std::string>& patterns);
// True when one of the patterns names `path`.
bool names_file(const std::vector<std::string>& patterns, const Path& path);

constexpr std::uint64_t largest_text = 4U << 20U;  // bytes

// A text file's bytes. Not regular, several hard links, too large, or with NUL bytes: a problem, as is
// everything the system refuses. nullopt: nothing is there.
using FileContent = std::variant<std::string, FileProblem>;
std::optional<FileContent> read_host_file(const HostFile& file);
// The first `largest_text` bytes of a regular file, whatever they are and whatever names it has; nullopt: it
// is none, or it cannot be read.
std::optional<std::string> begin_of_file(const HostFile& file);

// The file behind a path; nullopt when there is none.
std::optional<Path> resolve_links(const Path& path);

}  // namespace mlship
