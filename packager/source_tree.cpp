#include "packager/source_tree.h"

#include <algorithm>

#include "core/error.h"
#include "core/names.h"
#include "packager/raw_tree.h"
#include "packager/text_arena.h"

namespace mlship {
namespace {

constexpr int most_links = 40;  // as Linux: ELOOP

std::string join(const std::string& folder, std::string_view name) {
  return folder.empty() ? std::string(name) : folder + "/" + std::string(name);
}

// "." and "./src/" as the tree spells them: "" and "src".
std::string clean_root(const std::string& root) {
  std::string clean = Path(root).lexically_normal().generic_string();
  while (clean.ends_with('/')) clean.pop_back();
  return clean == "." ? "" : clean;
}

bool below(std::string_view path, std::string_view folder) {
  return path == folder ||
         (path.starts_with(folder) && path.size() > folder.size() && path[folder.size()] == '/');
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return path.substr(0, slash == std::string::npos ? 0 : slash);
}

std::optional<std::string> walk(const RawTree& raw, std::string at, const std::string& path, int& budget) {
  if (path.empty() || path.front() == '/' || --budget < 0) return std::nullopt;
  for (const auto& part : Path(path)) {
    const std::string name = part.string();
    if (name.empty() || name == ".") continue;
    if (name == "..") {
      if (at.empty()) return std::nullopt;
      at = folder_of(at);
      continue;
    }
    at = join(at, name);
    const auto entry = raw.look(at);
    if (!entry || entry->kind != RawEntry::Kind::link) continue;
    auto real = walk(raw, folder_of(at), entry->target, budget);
    if (!real) return std::nullopt;
    at = std::move(*real);
  }
  return at;
}

bool matches(const std::string& glob, std::string_view path) {
  return glob == path || glob_match(glob, path);
}

bool matches(const std::vector<std::string>& globs, std::string_view path) {
  return std::any_of(globs.begin(), globs.end(),
                     [&](const std::string& glob) { return matches(glob, path); });
}

// One of its components begins with a dot.
bool has_dot_name(std::string_view path) {
  return path.starts_with('.') || path.find("/.") != std::string_view::npos;
}

bool included(const TreeSelection& selection, std::string_view path) {
  if (selection.dot_names || !has_dot_name(path)) {
    return selection.include.empty() || matches(selection.include, path);
  }
  return std::any_of(selection.include.begin(), selection.include.end(),
                     [&](const std::string& glob) { return has_dot_name(glob) && matches(glob, path); });
}

// False when no include can match anything below `folder`: saves reading virtual environments and data.
bool may_contain(const TreeSelection& selection, std::string_view folder) {
  if (selection.include.empty()) return true;
  return std::any_of(selection.include.begin(), selection.include.end(), [&](const std::string& glob) {
    const std::string fixed = glob.substr(0, glob.find_first_of("*?["));
    return std::string_view(fixed).starts_with(folder) || folder.starts_with(fixed);
  });
}

// selected() for a path without a component that never belongs to a bundle. `root` is clean.
bool chosen(const TreeSelection& selection, std::string_view root, std::string_view path) {
  const std::string_view in_project = root.empty() ? path : root;
  if (below(in_project, ".mlship") || below(in_project, "dist")) return false;
  return included(selection, path) && !matches(selection.exclude, path);
}

struct Collected {
  std::vector<SourceFile> files;
  TextArena texts;
};

class Collector {
 public:
  Collector(const RawTree& raw, const TreeSelection& selection)
      : raw_(raw), selection_(selection), root_(clean_root(selection.root)) {}

  Collected collect() {
    const auto entry = raw_.look(root_);
    if (!entry || entry->kind != RawEntry::Kind::folder) {
      throw Error(ErrorCode::source_tree,
                  "cannot read the code: there is no folder '" + selection_.root + "' in the tree")
          .hint("set code.root to the folder that holds the package");
    }
    visit(root_, "");
    if (!missing_.empty()) throw absent_content(missing_);
    // Folder by folder is nearly the order of whole paths: "a-b" comes before "a/b".
    std::sort(found_.files.begin(), found_.files.end(),
              [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
    return std::move(found_);
  }

 private:
  void visit(const std::string& real, const std::string& shown) {
    // A link to a folder above itself would never end.
    if (std::find(active_.begin(), active_.end(), real) != active_.end()) {
      throw Error(ErrorCode::source_tree,
                  "cannot read " + join(root_, shown) + ": the link leads in a circle");
    }
    active_.push_back(real);
    std::string real_at = join(real, "");
    std::string shown_at = join(shown, "");
    const size_t real_size = real_at.size();
    const size_t shown_size = shown_at.size();
    for (const auto& [name, entry] : raw_.list(real)) {
      if (never_bundled(name)) continue;
      real_at.replace(real_size, std::string::npos, name);
      shown_at.replace(shown_size, std::string::npos, name);
      take(real_at, shown_at, entry);
    }
    active_.pop_back();
  }

  void take(const std::string& real, const std::string& shown, const RawEntry& entry) {
    switch (entry.kind) {
      case RawEntry::Kind::file:
        if (!chosen(selection_, root_, shown)) return;
        if (entry.missing) missing_.push_back(real);
        keep(real, shown, entry);
        return;
      case RawEntry::Kind::folder:
        if (real != ".mlship" && real != "dist" && may_contain(selection_, shown)) visit(real, shown);
        return;
      case RawEntry::Kind::link: return follow(real, shown, entry);
      case RawEntry::Kind::submodule: return refuse(shown, "it is a git submodule");
      case RawEntry::Kind::other: return refuse(shown, "it is neither a file, a folder nor a link");
    }
  }

  void keep(std::string_view real, std::string_view shown, const RawEntry& entry) {
    SourceFile file{{}, found_.texts.add(real), entry.size, entry.executable, entry.identity};
    // Without a link on the way one text ends with the other.
    file.path =
        real.ends_with(shown) ? file.real.substr(real.size() - shown.size()) : found_.texts.add(shown);
    found_.files.push_back(file);
  }

  void follow(const std::string& real, const std::string& shown, const RawEntry& entry) {
    const auto target = real_path(raw_, folder_of(real), entry.target);
    if (!target) return refuse(shown, "the link leads out of the project, to " + entry.target);
    const auto found = raw_.look(*target);
    if (!found) return refuse(shown, "the link leads to nothing, " + entry.target);
    take(*target, shown, *found);
  }

  // Only what is selected is refused. A folder in disguise is selected when a module in it would be.
  void refuse(const std::string& shown, const std::string& why) const {
    if (!selected(selection_, shown) && !selected(selection_, shown + "/__init__.py")) return;
    throw Error(ErrorCode::source_tree, "cannot bundle " + join(root_, shown) + ": " + why)
        .hint("add \"" + shown + "\" to code.exclude, or put the file itself there");
  }

  const RawTree& raw_;
  const TreeSelection& selection_;
  std::string root_;
  std::vector<std::string> active_;
  std::vector<std::string> missing_;
  Collected found_;
};

class CollectedTree final : public SourceTree {
 public:
  CollectedTree(std::unique_ptr<RawTree> raw, const TreeSelection& selection, std::string commit)
      : raw_(std::move(raw)), commit_(std::move(commit)), found_(Collector(*raw_, selection).collect()) {
    raw_->settle(found_.files);
  }
  [[nodiscard]] const std::vector<SourceFile>& files() const override { return found_.files; }
  [[nodiscard]] std::string commit() const override { return commit_; }
  void read(const SourceFile& file, std::string& into) const override {
    raw_->read(file.real, file.size, into);
    if (!lfs_pointer(into)) return;
    throw Error(ErrorCode::lfs_pointer,
                "cannot bundle " + std::string(file.real) + ": it is a Git LFS pointer, not the content")
        .hint("name the file under [[models]] and run git lfs pull, or add it to code.exclude");
  }

 private:
  std::unique_ptr<RawTree> raw_;
  std::string commit_;
  Collected found_;
};

}  // namespace

std::optional<std::string> real_path(const RawTree& raw, const std::string& at, const std::string& path) {
  int budget = most_links + 1;
  return walk(raw, at, path, budget);
}

Error absent_content(const std::vector<std::string>& files) {
  constexpr size_t most_listed = 5;
  const std::string what = files.size() == 1 ? files.front() : std::to_string(files.size()) + " files";
  Error error(ErrorCode::source_tree,
              "cannot read " + what + " of the last commit: this partial clone does not have the content");
  for (size_t i = 0; files.size() > 1 && i < std::min(files.size(), most_listed); ++i)
    error = std::move(error).fact("absent", files[i]);
  if (files.size() > most_listed)
    error = std::move(error).fact("and", std::to_string(files.size() - most_listed) + " more");
  return std::move(error).hint("git fetch --refetch --no-filter");
}

std::optional<Digest> lfs_digest(std::string_view pointer) {
  constexpr std::string_view key = "\noid sha256:";
  const size_t at = pointer.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  const auto hex = pointer.substr(at + key.size());
  return Digest::from_hex(std::string(hex.substr(0, hex.find_first_of("\r\n"))));
}

bool never_bundled(std::string_view name) {
  return name == "__pycache__" || name == ".git" || name == ".hg" || name == ".svn" || name.ends_with(".pyc");
}

bool lfs_pointer(std::string_view content) {
  return content.size() < 1024 && content.starts_with("version https://git-lfs.github.com/spec/");
}

bool selected(const TreeSelection& selection, std::string_view path) {
  for (size_t start = 0; start <= path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    if (never_bundled(path.substr(start, end - start))) return false;
    start = end + 1;
  }
  return chosen(selection, clean_root(selection.root), path);
}

std::unique_ptr<SourceTree> make_source_tree(std::unique_ptr<RawTree> raw, const TreeSelection& selection,
                                             std::string commit) {
  return std::make_unique<CollectedTree>(std::move(raw), selection, std::move(commit));
}

}  // namespace mlship
