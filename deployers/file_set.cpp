#include "deployers/file_set.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/host/folder.h"
#include "core/names.h"

namespace mlship {
namespace {

FileProblem problem_of(const Path& path, const Error& error) {
  FileProblem problem{path.string(), Reason::unresolvable, error.message(), error.hint_text()};
  if (error.code() == ErrorCode::file_permission) {
    problem.reason = Reason::no_permission;
    problem.hint = "run mlship as a user who may read " + path.string();
  }
  return problem;
}

bool has_glob(std::string_view component) {
  return component.find_first_of("*?[") != std::string_view::npos;
}

// Walks the file system along the components of one pattern.
class Expansion {
 public:
  Expansion(const std::string& pattern, std::set<Path>& paths, std::vector<FileProblem>& problems)
      : paths_(paths), problems_(problems) {
    for (const auto& part : Path(pattern).relative_path()) {
      if (!part.empty()) components_.push_back(part.string());
    }
    literal_ = !has_glob(pattern);
  }

  void run() { below("/", 0); }

 private:
  void below(const Path& folder, size_t i) {
    if (i == components_.size()) return;
    const std::string& component = components_[i];
    if (component == "**") return anywhere_below(folder, i);
    if (!has_glob(component)) return take(folder / component, i);
    for (const auto& name : names(folder)) {
      if (hidden(name) && component[0] != '.') continue;
      if (glob_match(component, name)) take(folder / name, i);
    }
  }

  // `**`: no folder, or any folders below.
  void anywhere_below(const Path& folder, size_t i) {
    const bool last = i + 1 == components_.size();
    if (!last) below(folder, i + 1);
    for (const auto& name : names(folder)) {
      if (hidden(name)) continue;
      const auto s = lstat(folder / name);
      if (!s) continue;
      if (s->kind == fs::Kind::folder) {
        anywhere_below(folder / name, i);
      } else if (last) {
        take(folder / name, i);
      }
    }
  }

  void take(const Path& path, size_t i) {
    if (i + 1 < components_.size()) {
      const auto s = stat(path);
      if (s && s->kind == fs::Kind::folder) return below(path, i + 1);
      if (literal_) missing(path);
      return;
    }
    const auto s = lstat(path);
    if (!s) return literal_ ? missing(path) : void();
    // A folder that a pattern for files happens to match is nothing anybody meant.
    const auto behind = stat(path);
    if (behind && behind->kind == fs::Kind::folder && !literal_) return;
    paths_.insert(path);
  }

  void missing(const Path& path) {
    problems_.push_back({path.string(), Reason::unresolvable,
                         "cannot read " + path.string() + ": it is not there",
                         "correct `files` of the target, or use a pattern"});
  }

  static bool hidden(const std::string& name) { return name.starts_with('.'); }

  // What cannot be looked at is reported and left out.
  template <typename Call>
  auto reported(const Path& path, Call call) -> decltype(call()) {
    try {
      return call();
    } catch (const Error& e) {
      if (e.code() != ErrorCode::not_found) problems_.push_back(problem_of(path, e));
      return {};
    }
  }
  std::optional<fs::Stat> stat(const Path& path) {
    return reported(path, [&] { return fs::stat(path); });
  }
  std::optional<fs::Stat> lstat(const Path& path) {
    return reported(path, [&] { return fs::lstat(path); });
  }
  std::vector<std::string> names(const Path& folder) {
    return reported(folder, [&] { return fs::list(folder); });
  }

  std::vector<std::string> components_;
  bool literal_ = false;
  std::set<Path>& paths_;
  std::vector<FileProblem>& problems_;
};

// What it leads to may only not be installed or mounted yet.
FileProblem dangling(const Path& link) {
  std::error_code ignored;
  const Path behind = std::filesystem::read_symlink(link, ignored);
  return {link.string(), Reason::unresolvable,
          "cannot read " + link.string() + ": the link leads to " + behind.string() + ", which is not there",
          "make what it leads to available, or leave it out of `files` of the target"};
}

std::optional<FileProblem> unsuitable(const HostFile& file, const fs::Stat& stat) {
  FileProblem problem{file.path.string(), Reason::unresolvable, "cannot read " + file.path.string() + ": ",
                      ""};
  if (stat.kind != fs::Kind::file) {
    problem.detail += "it is not a regular file";
  } else if (stat.links > 1) {
    // Exchanging one name would leave the others with the old text.
    problem.detail += "it has " + std::to_string(stat.links) + " names (hard links)";
    problem.hint = "find / -xdev -samefile " + file.resolved.string();
  } else if (stat.size > largest_text) {
    problem.detail += "it is larger than " + std::to_string(largest_text >> 20U) + " MiB";
    problem.hint = "narrow `files` of the target to text files";
  } else {
    return std::nullopt;
  }
  return problem;
}

}  // namespace

std::optional<Path> resolve_links(const Path& path) {
  std::error_code failed;
  Path resolved = std::filesystem::canonical(path, failed);
  if (!failed) return resolved;
  if (failed == std::errc::no_such_file_or_directory || failed == std::errc::not_a_directory)
    return std::nullopt;
  fs::fail(failed.value(), "resolve", path);
}

FileSet expand_files(const std::vector<std::string>& patterns) {
  FileSet out;
  std::set<Path> paths;
  for (const auto& pattern : patterns) Expansion(pattern, paths, out.problems).run();
  std::set<Path> seen;
  for (const auto& path : paths) {
    try {
      const auto resolved = resolve_links(path);
      if (!resolved) {
        out.problems.push_back(dangling(path));
      } else if (seen.insert(*resolved).second) {
        out.files.push_back({path, *resolved});
      }
    } catch (const Error& e) {
      out.problems.push_back(problem_of(path, e));
    }
  }
  return out;
}

bool names_file(const std::vector<std::string>& patterns, const Path& path) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return glob_match(pattern, path.native()); });
}

std::optional<FileContent> read_host_file(const HostFile& file) {
  try {
    const auto stat = fs::lstat(file.resolved);
    if (!stat) return std::nullopt;
    if (auto problem = unsuitable(file, *stat)) return *problem;
    const auto opened = fs::open_regular(file.resolved);
    if (!opened) return std::nullopt;
    std::string text = opened->read(largest_text);
    if (text.find('\0') == std::string::npos) return text;
    return FileProblem{file.path.string(), Reason::unresolvable,
                       "cannot read " + file.path.string() + ": it holds NUL bytes and is no text",
                       "narrow `files` of the target to text files"};
  } catch (const Error& e) {
    if (e.code() == ErrorCode::not_found) return std::nullopt;
    return problem_of(file.path, e);
  }
}

}  // namespace mlship
