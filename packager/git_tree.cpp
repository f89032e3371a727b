// The source tree of a git commit. Repositories are opened per question: a build asks a handful.
#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>

#include "core/error.h"
#include "core/host/git_work.h"
#include "core/names.h"
#include "core/secret.h"
#include "packager/raw_tree.h"
#include "packager/source_tree.h"

namespace mlship {
using namespace git2;
namespace {

std::string joined(const std::string& folder, std::string_view name) {
  if (folder.empty()) return std::string(name);
  return name.empty() ? folder : folder + "/" + std::string(name);
}

// Names are there too where a partial clone lacks the content.
enum class Wanted { names, content };

class GitRawTree final : public RawTree {
 public:
  GitRawTree(WorkTree opened, const git_oid& commit, Wanted wanted = Wanted::content)
      : opened_(std::move(opened)), wanted_(wanted) {
    folders_.emplace("", tree_of(opened_, commit));
    const int code = git().repository_odb(odb_.out(), opened_.repository.get());
    if (code != 0) fail("open the object database", code, {});
  }

  [[nodiscard]] std::optional<RawEntry> look(const std::string& path) const override {
    const std::string full = joined(opened_.prefix, path);
    if (full.empty()) return RawEntry{RawEntry::Kind::folder, false, 0, {}};
    const git_tree_entry* entry = find(full);
    if (entry == nullptr) return std::nullopt;
    return convert(entry);
  }

  [[nodiscard]] std::vector<std::pair<std::string, RawEntry>> list(const std::string& folder) const override {
    const ::git_tree* tree = open(joined(opened_.prefix, folder));
    if (tree == nullptr) {
      throw Error(ErrorCode::source_tree, "cannot read the folder " + folder + ": it is not in the commit");
    }
    std::vector<std::pair<std::string, RawEntry>> out;
    for (size_t i = 0; i < git().tree_entrycount(tree); ++i) {
      const git_tree_entry* entry = git().tree_entry_byindex(tree, i);
      out.emplace_back(git().tree_entry_name(entry), convert(entry));
    }
    return out;
  }

  void read(std::string_view path, std::uint64_t /*size*/, std::string& into) const override {
    const auto written = written_.find(std::string(path));
    into = written == written_.end() ? read(std::string(path)) : written->second;
  }

  void settle(std::vector<SourceFile>& files) override {
    if (wanted_ == Wanted::names) return;
    if (!has_own_attributes(opened_) && !names_filters(files)) return;
    need_index(opened_);
    for (auto& file : files) {
      const std::string path(file.real);
      auto content = checked_out(path);
      if (!content) continue;
      file.size = content->size();
      written_[path] = std::move(*content);
    }
  }

  // What a checkout writes where that is not what the commit keeps: a filter (git-crypt, notebook strippers)
  // or an encoding stands between the two. Nullopt: it is the same but for line ends.
  [[nodiscard]] std::optional<std::string> checked_out(const std::string& path) const {
    const std::string full = joined(opened_.prefix, path);
    std::string driver = attribute_of(opened_, full, "filter");
    if (driver == "lfs") driver.clear();  // a pointer is refused when it is read
    if (driver.empty() && attribute_of(opened_, full, "working-tree-encoding").empty()) return std::nullopt;
    const auto set = [&](const char* key) {
      return !config_of(opened_, "filter." + driver + "." + key).empty();
    };
    if (!driver.empty() && !set("smudge") && !set("process") && !set("clean")) {
      throw Error(ErrorCode::source_tree,
                  "cannot bundle " + path + ": its git filter '" + driver + "' is not set up in this clone")
          .hint("set up the filter (git config filter." + driver +
                ".smudge PROGRAM), or add the file to code.exclude");
    }
    // A filter for the way in alone: a checkout leaves the content as it is.
    if (!driver.empty() && !set("smudge") && !set("process")) return std::nullopt;
    const git_oid* id = file_id(path);
    return id == nullptr ? std::nullopt : std::optional(checked_out_by_git(opened_, full, hex(*id), driver));
  }

  [[nodiscard]] const WorkTree& work() const { return opened_; }

  [[nodiscard]] std::string read(const std::string& path) const {
    const git_tree_entry* entry = find(joined(opened_.prefix, path));
    if (entry == nullptr)
      throw Error(ErrorCode::source_tree, "cannot read " + path + ": it is not in the commit");
    auto text = content(git().tree_entry_id(entry));
    if (!text) throw absent_content({path});
    return std::move(*text);
  }

  // Nullopt when there is no such file, or this clone does not have its content.
  [[nodiscard]] std::optional<std::string> read_if_there(const std::string& path) const {
    const git_oid* id = file_id(path);
    return id == nullptr ? std::nullopt : content(id);
  }

  // Of whatever is at `path`; "" when nothing is.
  [[nodiscard]] std::string id_at(const std::string& path) const {
    const git_tree_entry* entry = find(joined(opened_.prefix, path));
    return entry == nullptr ? "" : hex(*git().tree_entry_id(entry));
  }

  // The object of the file at `path`; null when there is no file.
  [[nodiscard]] const git_oid* file_id(const std::string& path) const {
    const git_tree_entry* entry = find(joined(opened_.prefix, path));
    const bool file = entry != nullptr && git().tree_entry_type(entry) == GIT_OBJECT_BLOB;
    return file ? git().tree_entry_id(entry) : nullptr;
  }

 private:
  // By the whole path in the repository; null when it is not in the commit.
  [[nodiscard]] const git_tree_entry* find(const std::string& full) const {
    const size_t slash = full.rfind('/');
    const ::git_tree* folder = open(slash == std::string::npos ? "" : full.substr(0, slash));
    const size_t name = slash == std::string::npos ? 0 : slash + 1;
    return folder == nullptr ? nullptr : git().tree_entry_byname(folder, full.c_str() + name);
  }

  // Folders stay open: git makes one object of a folder, and each look into it from outside would inflate and
  // hash all of it again.
  [[nodiscard]] const ::git_tree* open(const std::string& full) const {
    if (const auto known = folders_.find(full); known != folders_.end()) return known->second.get();
    const git_tree_entry* entry = find(full);
    if (entry == nullptr || git().tree_entry_type(entry) != GIT_OBJECT_TREE) return nullptr;
    Tree tree;
    const int code = git().tree_lookup(tree.out(), opened_.repository.get(), git().tree_entry_id(entry));
    if (code != 0) fail("read the folder " + full + " of the commit", code, {});
    return folders_.emplace(full, std::move(tree)).first->second.get();
  }

  // Nullopt when this clone does not have it.
  [[nodiscard]] std::optional<std::string> content(const git_oid* id) const {
    Blob blob;
    const int code = git().blob_lookup(blob.out(), opened_.repository.get(), id);
    if (code == GIT_ENOTFOUND && is_partial(opened_)) return std::nullopt;
    if (code != 0) fail("read the object " + hex(*id), code, {});
    const auto size = static_cast<size_t>(git().blob_rawsize(blob.get()));
    return std::string(static_cast<const char*>(git().blob_rawcontent(blob.get())), size);
  }

  // An attributes file of these files' folders, or above, speaks of what a checkout changes. Looked for in
  // each folder once: asking git for every file takes longer than reading the files.
  [[nodiscard]] bool names_filters(const std::vector<SourceFile>& files) const {
    std::set<std::string> folders;
    for (const auto& file : files) {
      std::string folder = joined(opened_.prefix, file.real);
      do {
        const size_t slash = folder.rfind('/');
        folder.resize(slash == std::string::npos ? 0 : slash);
      } while (folders.insert(folder).second && !folder.empty());
    }
    return std::any_of(folders.begin(), folders.end(), [&](const std::string& folder) {
      const git_tree_entry* entry = find(joined(folder, ".gitattributes"));
      const auto text = entry == nullptr ? std::nullopt : content(git().tree_entry_id(entry));
      return text && (text->find("filter") != std::string::npos ||
                      text->find("working-tree-encoding") != std::string::npos);
    });
  }

  [[nodiscard]] RawEntry convert(const git_tree_entry* entry) const {
    RawEntry out;
    const git_oid* id = git().tree_entry_id(entry);
    switch (git().tree_entry_filemode(entry)) {
      case GIT_FILEMODE_TREE: out.kind = RawEntry::Kind::folder; break;
      case GIT_FILEMODE_COMMIT: out.kind = RawEntry::Kind::submodule; break;
      case GIT_FILEMODE_LINK:
        out.kind = RawEntry::Kind::link;
        if (auto target = content(id)) {
          out.target = std::move(*target);
        } else {
          out = {RawEntry::Kind::file, false, 0, {}, {}, wanted_ == Wanted::content};
        }
        break;
      case GIT_FILEMODE_BLOB_EXECUTABLE: out.executable = true; [[fallthrough]];
      case GIT_FILEMODE_BLOB: {
        out.kind = RawEntry::Kind::file;
        size_t size = 0;
        git_object_t type = GIT_OBJECT_INVALID;
        const int code = git().odb_read_header(&size, &type, odb_.get(), id);
        const bool left_out = code == GIT_ENOTFOUND && is_partial(opened_);
        out.missing = left_out && wanted_ == Wanted::content;
        if (code != 0 && !left_out) fail("read the object " + hex(*id), code, {});
        out.size = size;
        break;
      }
      default: break;
    }
    return out;
  }

  WorkTree opened_;
  Wanted wanted_;
  std::unordered_map<std::string, std::string> written_;   // by path in the project: see settle()
  mutable std::unordered_map<std::string, Tree> folders_;  // by the whole path in the repository
  Odb odb_;
};

// Without a filter for it libgit2 sees an LFS file as changed; git itself, which has one, sees it clean.
bool lfs_in_commit(const GitRawTree& commit, const Path& project, const std::string& path) {
  const auto entry = commit.look(path);
  if (!entry || entry->kind != RawEntry::Kind::file) return false;
  const auto text = commit.read_if_there(path);
  if (!text || !lfs_pointer(*text)) return false;
  const auto s = fs::lstat(project / path);
  return s && s->kind == fs::Kind::file;
}

std::optional<std::pair<WorkTree, git_oid>> open_head(const Path& project) {
  auto opened = open_work_tree(project);
  if (!opened) return std::nullopt;
  const auto head = head_of(*opened);
  if (!head) return std::nullopt;
  return std::pair(std::move(*opened), *head);
}

// Its absence means something: another file is read in its place.
bool decides(const std::string& path) {
  return path == "mlship.toml";
}

// What git would make of the file as it lies there (line ends and all) is what the commit has.
bool as_committed(const WorkTree& opened, const GitRawTree& commit, const std::string& at, const Path& file) {
  const auto real = at.starts_with("..") ? std::nullopt : real_path(commit, "", at);
  const git_oid* committed = real ? commit.file_id(*real) : nullptr;
  if (committed == nullptr) return false;
  git_oid id;
  const int code =
      git().repository_hashfile(&id, opened.repository.get(), file.c_str(), GIT_OBJECT_BLOB, real->c_str());
  if (code != 0) fail("hash " + file.string(), code, {});
  if (git().oid_equal(&id, committed) != 0) return true;
  const auto text = commit.read_if_there(*real);
  if (text && lfs_pointer(*text)) return lfs_digest(*text) == fs::hash_file(file);
  // git is asked by the path in the commit, which another file may have taken.
  std::error_code failed;
  if (std::filesystem::canonical(file, failed) != opened.top / *real) return false;
  return hashes_by_git(opened, {*real}) == std::vector{hex(*committed)};
}

// Those of `files` that differ from the commit or are not in it, whatever git was told to overlook
// (skip-worktree, assume-unchanged, ignore rules of one machine).
std::vector<std::string> unlike_commit(const Path& project, const std::vector<std::string>& files) {
  const auto opened = open_work_tree(project);
  auto whole = open_head(project);
  if (!opened || !whole) return {};
  need_index(*opened);
  whole->first.prefix.clear();
  const GitRawTree commit(std::move(whole->first), whole->second);
  std::vector<std::string> out;
  for (const auto& path : files) {
    const Path file = project / path;
    const auto there = fs::stat(file);
    const std::string at = Path(joined(opened->prefix, path)).lexically_normal().generic_string();
    const bool same = there ? there->kind == fs::Kind::file && as_committed(*opened, commit, at, file)
                            : !decides(path) || commit.file_id(at) == nullptr;
    if (!same) out.push_back(path);
  }
  return out;
}

std::string path_of(const git_status_entry& entry) {
  const git_diff_delta* delta =
      entry.index_to_workdir != nullptr ? entry.index_to_workdir : entry.head_to_index;
  if (delta == nullptr) return {};
  return delta->new_file.path != nullptr ? delta->new_file.path : delta->old_file.path;
}

// Relative to the project, bytewise order, as git status --untracked-files=all would list them; with
// `ignored` the files and whole folders (with a `/` at the end) that are ignored and not tracked instead.
std::vector<std::string> status_files(const WorkTree& opened, const Path& project, bool ignored) {
  git_status_options options;
  git().status_options_init(&options, GIT_STATUS_OPTIONS_VERSION);
  options.flags = GIT_STATUS_OPT_INCLUDE_UNTRACKED | GIT_STATUS_OPT_RECURSE_UNTRACKED_DIRS |
                  GIT_STATUS_OPT_DISABLE_PATHSPEC_MATCH | GIT_STATUS_OPT_EXCLUDE_SUBMODULES;
  if (ignored) options.flags |= GIT_STATUS_OPT_INCLUDE_IGNORED;
  std::string prefix = opened.prefix;
  char* only[] = {prefix.data()};
  if (!prefix.empty()) options.pathspec = {only, 1};
  need_index(opened);
  Status status;
  const int code = git().status_list_new(status.out(), opened.repository.get(), &options);
  if (code != 0) fail("compare " + project.string() + " with its last commit", code, project);
  std::vector<std::string> out;
  for (size_t i = 0; i < git().status_list_entrycount(status.get()); ++i) {
    const git_status_entry* entry = git().status_byindex(status.get(), i);
    if (((entry->status & GIT_STATUS_IGNORED) != 0) != ignored) continue;
    const std::string path = path_of(*entry);
    if (prefix.empty()) {
      out.push_back(path);
    } else if (path.starts_with(prefix + "/")) {
      out.push_back(path.substr(prefix.size() + 1));
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// Without what could be a secret. git also reads `user@host:path`, where only the usual name stays, and
// `helper::anything`, of which nothing is known.
std::string remote_address(const std::string& url) {
  if (url.find("://") != std::string::npos) return printable_url(url);
  if (url.find("::") != std::string::npos) return {};
  const size_t at = url.rfind('@', url.find('/'));
  return at == std::string::npos || url.substr(0, at) == "git" ? url : url.substr(at + 1);
}

// As configured. git_remote_lookup() would also apply url.*.insteadOf, with a pattern match that leaks in
// libgit2 1.5 whenever it fails.
std::string remote_of(const WorkTree& opened) {
  return remote_address(config_of(opened, "remote.origin.url"));
}

// libgit2 knows neither the filters of .gitattributes nor encodings: what it calls changed may be clean for
// git, which then has the last word.
void leave_out_clean(const GitRawTree& commit, const Path& project, std::vector<std::string>& changed) {
  const bool modes = config_of(commit.work(), "core.filemode") != "false";
  std::vector<std::string> asked;
  std::vector<std::string> paths;
  std::vector<std::string> committed;
  for (const auto& path : changed) {
    const auto entry = commit.look(path);
    const auto s = fs::lstat(project / path);
    if (!entry || entry->kind != RawEntry::Kind::file || !s || s->kind != fs::Kind::file) continue;
    if (modes && entry->executable != s->executable()) continue;
    asked.push_back(path);
    paths.push_back(joined(commit.work().prefix, path));
    committed.push_back(hex(*commit.file_id(path)));
  }
  if (asked.empty()) return;
  const auto hashes = hashes_by_git(commit.work(), paths);
  std::set<std::string> clean;
  for (size_t i = 0; i < hashes.size(); ++i) {
    if (hashes[i] == committed[i]) clean.insert(asked[i]);
  }
  std::erase_if(changed, [&](const std::string& path) { return clean.contains(path); });
}

// Takes out of `changed` what a sparse checkout left out, and returns it.
std::vector<std::string> take_absent(const GitRawTree& commit, const Path& project,
                                     std::vector<std::string>& changed) {
  std::vector<std::string> out;
  if (!is_sparse(commit.work())) return out;
  std::erase_if(changed, [&](const std::string& path) {
    if (commit.file_id(path) == nullptr || fs::lstat(project / path)) return false;
    out.push_back(path);
    return true;
  });
  return out;
}

std::string tag_name(git_reference* reference) {
  return std::string(git().reference_name(reference)).substr(std::string_view("refs/tags/").size());
}

// The tag's name when it points at HEAD, itself or through an annotation.
std::optional<std::string> tag_at(git_reference* reference, const git_oid& head) {
  Object commit;
  if (git().reference_peel(commit.out(), reference, GIT_OBJECT_COMMIT) != 0) return std::nullopt;
  if (git().oid_equal(git().object_id(commit.get()), &head) == 0) return std::nullopt;
  return tag_name(reference);
}

void each_tag(const WorkTree& opened, const Path& project, const std::function<void(git_reference*)>& look) {
  References all;
  const int code = git().reference_iterator_glob_new(all.out(), opened.repository.get(), "refs/tags/*");
  if (code != 0) fail("list the tags", code, project);
  while (true) {
    Reference reference;
    if (git().reference_next(reference.out(), all.get()) != 0) break;
    look(reference.get());
  }
}

}  // namespace

GitState git_state(const Path& project, const std::function<bool(const std::string&)>& covered,
                   const std::vector<std::string>& read) {
  GitState state;
  auto opened = open_work_tree(project);
  if (!opened) return state;
  const auto head = head_of(*opened);
  int ignored = 0;
  if (!opened->prefix.empty()) {
    git().ignore_path_is_ignored(&ignored, opened->repository.get(), (opened->prefix + "/").c_str());
  }
  // A project inside an ignored folder of somebody's repository is not that repository's business.
  if (ignored != 0) return state;
  state.present = true;
  state.remote = remote_of(*opened);
  if (head) state.commit = hex(*head);
  if (!covered) return state;
  std::vector<std::string> changed = status_files(*opened, project, false);
  std::erase_if(changed, [&](const std::string& path) { return !covered(path); });
  if (head && !changed.empty()) {
    const GitRawTree commit(std::move(*opened), *head);
    state.absent = take_absent(commit, project, changed);
    std::erase_if(changed, [&](const std::string& path) { return lfs_in_commit(commit, project, path); });
    leave_out_clean(commit, project, changed);
  }
  const std::vector<std::string> unlike = unlike_commit(project, read);
  changed.insert(changed.end(), unlike.begin(), unlike.end());
  std::sort(changed.begin(), changed.end());
  changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
  state.dirty = std::move(changed);
  return state;
}

std::vector<std::string> git_ignored(const Path& project) {
  const auto opened = open_work_tree(project);
  return opened ? status_files(*opened, project, true) : std::vector<std::string>();
}

std::unique_ptr<SourceTree> git_tree(const Path& project, const TreeSelection& selection) {
  auto opened = open_head(project);
  if (!opened) {
    throw Error(ErrorCode::source_tree, "cannot read the code of " + project.string() + ": no commit yet")
        .hint("git add . && git commit");
  }
  const git_oid head = opened->second;
  return make_source_tree(std::make_unique<GitRawTree>(std::move(opened->first), head), selection, hex(head));
}

bool git_same_since(const Path& project, const std::string& commit, const TreeSelection& selection,
                    const std::vector<std::string>& read) {
  auto now = open_head(project);
  git_oid before;
  Commit there;
  if (!now || git().oid_fromstr(&before, commit.c_str()) != 0) return false;
  if (git().commit_lookup(there.out(), now->first.repository.get(), &before) != 0) return false;
  const auto facts_of = [&](const git_oid& id) {
    auto raw = std::make_unique<GitRawTree>(*open_work_tree(project), id, Wanted::names);
    const GitRawTree& tree = *raw;
    std::vector<std::string> facts;
    for (const auto& path : read) facts.push_back(tree.id_at(Path(path).lexically_normal().generic_string()));
    const auto source = make_source_tree(std::move(raw), selection, hex(id));
    for (const auto& file : source->files()) {
      facts.push_back(std::string(file.path) + '\0' + tree.id_at(std::string(file.real)));
      if (file.executable) facts.emplace_back("executable");
    }
    return facts;
  };
  return facts_of(before) == facts_of(now->second);
}

std::optional<std::string> git_file(const Path& project, const std::string& relative) {
  auto opened = open_head(project);
  if (!opened) return std::nullopt;
  const GitRawTree tree(std::move(opened->first), opened->second);
  const auto entry = tree.look(Path(relative).lexically_normal().generic_string());
  if (!entry || entry->kind != RawEntry::Kind::file) return std::nullopt;
  const std::string path = Path(relative).lexically_normal().generic_string();
  need_index(tree.work());
  if (auto content = tree.checked_out(path)) return content;
  return tree.read(path);
}

std::vector<std::string> git_tags(const Path& project) {
  const auto opened = open_work_tree(project);
  std::vector<std::string> out;
  if (!opened) return out;
  each_tag(*opened, project, [&](git_reference* reference) { out.push_back(tag_name(reference)); });
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> git_tags_at_head(const Path& project, const std::string& glob) {
  const auto opened = open_head(project);
  if (!opened) return {};
  std::vector<std::string> out;
  each_tag(opened->first, project, [&](git_reference* reference) {
    const auto tag = tag_at(reference, opened->second);
    if (tag && glob_match(glob, *tag)) out.push_back(*tag);
  });
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace mlship
