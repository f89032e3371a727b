#include "packager/source_tree.h"

#include <algorithm>
#include <map>

#include "core/error.h"
#include "core/host/fs_list.h"
#include "core/names.h"
#include "packager/raw_tree.h"

namespace mlship {
namespace {

constexpr std::uint64_t largest_source = 2ULL << 30U;  // bytes
constexpr int most_links = 40;                         // as Linux: ELOOP

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

// What no bundle ever holds, judged on one path component.
bool never(std::string_view name) {
  return name == "__pycache__" || name == ".git" || name.ends_with(".pyc");
}

bool matches(const std::vector<std::string>& globs, std::string_view path) {
  return std::any_of(globs.begin(), globs.end(),
                     [&](const std::string& glob) { return glob == path || glob_match(glob, path); });
}

// False when no include can match anything below `folder`: saves reading virtual environments and data.
bool may_contain(const TreeSelection& selection, std::string_view folder) {
  if (selection.include.empty()) return true;
  return std::any_of(selection.include.begin(), selection.include.end(), [&](const std::string& glob) {
    const std::string fixed = glob.substr(0, glob.find_first_of("*?["));
    return std::string_view(fixed).starts_with(folder) || folder.starts_with(fixed);
  });
}

struct Collected {
  SourceFile file;
  std::string real;  // relative to the project
};

class Collector {
 public:
  Collector(const RawTree& raw, const TreeSelection& selection)
      : raw_(raw), selection_(selection), root_(clean_root(selection.root)) {}

  std::vector<Collected> collect() {
    const auto entry = raw_.look(root_);
    if (!entry || entry->kind != RawEntry::Kind::folder) {
      throw Error(ErrorCode::source_tree,
                  "cannot read the code: there is no folder '" + selection_.root + "' in the tree")
          .hint("set code.root to the folder that holds the package");
    }
    visit(root_, "");
    std::sort(found_.begin(), found_.end(),
              [](const Collected& a, const Collected& b) { return a.file.path < b.file.path; });
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
    for (const auto& [name, entry] : raw_.list(real)) {
      if (!never(name)) take(join(real, name), join(shown, name), entry);
    }
    active_.pop_back();
  }

  void take(const std::string& real, const std::string& shown, const RawEntry& entry) {
    switch (entry.kind) {
      case RawEntry::Kind::file:
        if (selected(selection_, shown))
          found_.push_back({{shown, entry.executable, entry.size, entry.stat}, real});
        return;
      case RawEntry::Kind::folder:
        if (real != ".mlship" && real != "dist" && may_contain(selection_, shown)) visit(real, shown);
        return;
      case RawEntry::Kind::link: return follow(real, shown, entry);
      case RawEntry::Kind::submodule: return refuse(shown, "it is a git submodule");
      case RawEntry::Kind::other: return refuse(shown, "it is neither a file, a folder nor a link");
    }
  }

  void follow(const std::string& real, const std::string& shown, const RawEntry& entry) {
    int budget = most_links;
    const auto target = resolve(real, entry.target, budget);
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

  // The path a link means, every folder on the way resolved; nullopt when it leaves the project.
  std::optional<std::string> resolve(const std::string& link, const std::string& target, int& budget) const {
    if (target.empty() || target.front() == '/' || --budget < 0) return std::nullopt;
    std::string at = link.substr(0, link.rfind('/') == std::string::npos ? 0 : link.rfind('/'));
    for (const auto& part : Path(target)) {
      const std::string name = part.string();
      if (name.empty() || name == ".") continue;
      if (name == "..") {
        if (at.empty()) return std::nullopt;
        at = at.substr(0, at.rfind('/') == std::string::npos ? 0 : at.rfind('/'));
        continue;
      }
      at = join(at, name);
      const auto entry = raw_.look(at);
      if (!entry || entry->kind != RawEntry::Kind::link) continue;
      const auto real = resolve(at, entry->target, budget);
      if (!real) return std::nullopt;
      at = *real;
    }
    return at;
  }

  const RawTree& raw_;
  const TreeSelection& selection_;
  std::string root_;
  std::vector<std::string> active_;
  std::vector<Collected> found_;
};

class CollectedTree final : public SourceTree {
 public:
  CollectedTree(std::unique_ptr<RawTree> raw, const TreeSelection& selection, std::string commit)
      : raw_(std::move(raw)), commit_(std::move(commit)) {
    for (auto& entry : Collector(*raw_, selection).collect()) {
      real_.emplace(entry.file.path, std::move(entry.real));
      files_.push_back(std::move(entry.file));
    }
  }
  [[nodiscard]] const std::vector<SourceFile>& files() const override { return files_; }
  [[nodiscard]] std::string commit() const override { return commit_; }
  [[nodiscard]] std::string read(const SourceFile& file) const override {
    std::string content = raw_->read(real_.at(file.path));
    if (lfs_pointer(content)) {
      throw Error(ErrorCode::lfs_pointer,
                  "cannot bundle " + real_.at(file.path) + ": it is a Git LFS pointer, not the content")
          .hint("name the file under [[models]] and run git lfs pull, or add it to code.exclude");
    }
    return content;
  }

 private:
  std::unique_ptr<RawTree> raw_;
  std::string commit_;
  std::vector<SourceFile> files_;
  std::map<std::string, std::string> real_;
};

class FolderTree final : public RawTree {
 public:
  explicit FolderTree(Path folder) : folder_(std::move(folder)) {}

  [[nodiscard]] std::optional<RawEntry> look(const std::string& path) const override {
    const Path file = path.empty() ? folder_ : folder_ / path;
    const auto s = path.empty() ? fs::stat(file) : fs::lstat(file);
    if (!s) return std::nullopt;
    return convert(file, *s);
  }

  [[nodiscard]] std::vector<std::pair<std::string, RawEntry>> list(const std::string& folder) const override {
    std::vector<std::pair<std::string, RawEntry>> out;
    const Path whole = folder_ / folder;
    for (auto& [name, s] : fs::list_stats(whole)) {
      RawEntry entry = s.kind == fs::Kind::link ? convert(whole / name, s) : convert({}, s);
      out.emplace_back(std::move(name), std::move(entry));
    }
    return out;
  }

  [[nodiscard]] std::string read(const std::string& path) const override {
    return fs::read_file(folder_ / path, largest_source);
  }

 private:
  // `file` is needed for a link only.
  static RawEntry convert(const Path& file, const fs::Stat& s) {
    RawEntry entry{RawEntry::Kind::other, s.executable(), s.size, {}, s};
    if (s.kind == fs::Kind::file) entry.kind = RawEntry::Kind::file;
    if (s.kind == fs::Kind::folder) entry.kind = RawEntry::Kind::folder;
    if (s.kind == fs::Kind::link) {
      entry.kind = RawEntry::Kind::link;
      std::error_code failed;
      entry.target = std::filesystem::read_symlink(file, failed).string();
    }
    return entry;
  }

  Path folder_;
};

}  // namespace

bool lfs_pointer(std::string_view content) {
  return content.size() < 1024 && content.starts_with("version https://git-lfs.github.com/spec/");
}

bool selected(const TreeSelection& selection, std::string_view path) {
  for (size_t start = 0; start <= path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    if (never(path.substr(start, end - start))) return false;
    start = end + 1;
  }
  const std::string in_project = join(clean_root(selection.root), path);
  if (below(in_project, ".mlship") || below(in_project, "dist")) return false;
  return (selection.include.empty() || matches(selection.include, path)) && !matches(selection.exclude, path);
}

std::unique_ptr<SourceTree> make_source_tree(std::unique_ptr<RawTree> raw, const TreeSelection& selection,
                                             std::string commit) {
  return std::make_unique<CollectedTree>(std::move(raw), selection, std::move(commit));
}

std::unique_ptr<SourceTree> folder_tree(const Path& project, const TreeSelection& selection) {
  return make_source_tree(std::make_unique<FolderTree>(project), selection, "");
}

}  // namespace mlship
