#include "deployers/file_set.h"

#include <algorithm>
#include <map>

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

// The name that a part of a pattern means when it can mean one only: `[[]` is a bracket, and so is one that
// nothing closes.
std::optional<std::string> only_name(std::string_view component) {
  std::string out;
  for (size_t i = 0; i < component.size(); ++i) {
    const char c = component[i];
    if (c == '*' || c == '?') return std::nullopt;
    const bool negated = i + 1 < component.size() && (component[i + 1] == '!' || component[i + 1] == '^');
    if (c == '[' && !negated && component.find(']', i + 2) == i + 2) {
      out += component[i + 1];
      i += 2;
    } else if (c == '[' && component.find(']', i + 2) != std::string_view::npos) {
      return std::nullopt;
    } else {
      out += c;
    }
  }
  return out;
}

// The pattern that means this very text.
std::string literally(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool special = c == '*' || c == '?' || c == '[';
    out += special ? std::string("[") + c + "]" : std::string(1, c);
  }
  return out;
}

// Walks the file system along the components of one pattern.
class Expansion {
 public:
  Expansion(const std::string& pattern, std::map<Path, bool>& paths, std::vector<FileProblem>& problems)
      : pattern_(pattern), paths_(paths), problems_(problems) {
    for (const auto& part : Path(pattern).relative_path()) {
      if (!part.empty()) components_.push_back(part.string());
    }
    literal_ = std::all_of(components_.begin(), components_.end(),
                           [](const std::string& part) { return only_name(part).has_value(); });
  }

  void run() { below("/", 0); }
  [[nodiscard]] bool matched() const { return matched_; }

 private:
  void below(const Path& folder, size_t i) {
    if (i == components_.size()) return;
    const std::string& component = components_[i];
    if (component == "**") return anywhere_below(folder, i);
    const bool bracket = component.find('[') != std::string::npos;
    if (bracket && lstat(folder / component)) return take(folder / component, i);
    if (const auto name = only_name(component)) return take(folder / *name, i);
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
    matched_ = true;
    bool& by_name = paths_[path];
    by_name = by_name || literal_ || path == pattern_;
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

  Path pattern_;
  std::vector<std::string> components_;
  bool literal_ = false;
  bool matched_ = false;
  std::map<Path, bool>& paths_;  // and whether it was named in full
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
                      "", FileProblem::Unfit::other};
  if (stat.kind != fs::Kind::file) {
    problem.unfit = FileProblem::Unfit::special;
    problem.detail += "it is not a regular file";
  } else if (stat.links > 1) {
    problem.unfit = FileProblem::Unfit::many_names;
    // Exchanging one name would leave the others with the old text.
    problem.detail += "it has " + std::to_string(stat.links) + " names (hard links)";
    problem.hint = "find / -xdev -samefile " + file.resolved.string();
  } else if (stat.size > largest_text) {
    problem.unfit = FileProblem::Unfit::large;
    problem.detail += "it is larger than " + std::to_string(largest_text >> 20U) + " MiB";
    problem.hint = "narrow `files` of the target to text files";
  } else {
    return std::nullopt;
  }
  return problem;
}

// One more name of a file. A link is a second name; the first of equals stays.
void add_name(HostFile& file, const Path& path, const Path& resolved, bool by_name) {
  const auto is_link = [](const Path& name) {
    const auto s = fs::lstat(name);
    return s && s->kind == fs::Kind::link;
  };
  if (file.path.empty() || (is_link(file.path) && !is_link(path))) file.path = path;
  file.names.push_back(path);
  file.resolved = resolved;
  file.by_name = file.by_name || by_name;
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

std::string file_pattern(const Path& folder, const std::string& pattern) {
  // Without a project there is no folder: then it is the one mlship was started in.
  const Path start = literally(std::filesystem::absolute(folder / ".").string());
  return (start / pattern).lexically_normal().string();
}

FileSet expand_files(const std::vector<std::string>& patterns) {
  FileSet out;
  std::map<Path, bool> paths;
  for (const auto& pattern : patterns) {
    const size_t problems = out.problems.size();
    Expansion expansion(pattern, paths, out.problems);
    expansion.run();
    if (!expansion.matched() && out.problems.size() == problems) out.unmatched.push_back(pattern);
  }
  std::map<Path, HostFile> files;  // by resolved path
  for (const auto& [path, by_name] : paths) {
    try {
      const auto resolved = resolve_links(path);
      if (!resolved) {
        out.problems.push_back(dangling(path));
      } else {
        add_name(files[*resolved], path, *resolved, by_name);
      }
    } catch (const Error& e) {
      out.problems.push_back(problem_of(path, e));
    }
  }
  for (auto& [resolved, file] : files) out.files.push_back(std::move(file));
  std::sort(out.files.begin(), out.files.end(),
            [](const HostFile& a, const HostFile& b) { return a.path < b.path; });
  return out;
}

// A part of a pattern that is spelled like the part of the path means it.
std::string spelled_like(const Path& pattern, const Path& path) {
  Path out;
  auto part = path.begin();
  for (const auto& each : pattern) {
    const bool same = part != path.end() && each == *part && each != "**";
    out /= same ? literally(each.native()) : each.native();
    if (part != path.end()) ++part;
  }
  return out.string();
}

bool names_file(const std::vector<std::string>& patterns, const Path& path) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return glob_match(pattern, path.native()) || glob_match(spelled_like(pattern, path), path.native());
  });
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
                       "narrow `files` of the target to text files", FileProblem::Unfit::binary};
  } catch (const Error& e) {
    if (e.code() == ErrorCode::not_found) return std::nullopt;
    return problem_of(file.path, e);
  }
}

std::optional<std::string> begin_of_file(const HostFile& file) {
  try {
    const auto stat = fs::lstat(file.resolved);
    if (!stat || stat->kind != fs::Kind::file) return std::nullopt;
    const auto opened = fs::open_regular(file.resolved);
    return opened ? std::optional(opened->begin(largest_text)) : std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace mlship
