#include "core/host/git_work.h"

#include <algorithm>
#include <array>

#include "core/host/process.h"
#include "core/letters.h"
#include "core/text.h"

namespace mlship::git2 {
namespace {

using letters::lowered;

// A folder without git is built as it lies there, so this gets every repository through.
constexpr auto plain_copy = "git archive HEAD | tar -x -C DIR, and run mlship build in DIR";

[[noreturn]] void refuse(const Path& project, const std::string& why) {
  throw Error(ErrorCode::source_tree, "cannot read the git repository of " + project.string() + ": " + why)
      .hint(plain_copy);
}

std::string path_text(const char* path) {
  return path == nullptr ? "" : path;
}

std::string first_line(const std::string& text) {
  return text.substr(0, std::min(text.find('\n'), size_t{300}));
}

// The folder in which git looks for the user's own `attributes`.
Path user_folder() {
  git_buf found{};
  if (git().libgit2_opts(GIT_OPT_GET_SEARCH_PATH, GIT_CONFIG_LEVEL_XDG, &found) != 0) return {};
  Path folder(path_text(found.ptr));
  git().buf_dispose(&found);
  return folder;
}

// libgit2 opens these because Api() says so; what they say is read here.
void check_formats(const WorkTree& work, const Path& project) {
  const std::string objects = lowered(config_of(work, "extensions.objectformat"));
  if (!objects.empty() && objects != "sha1") {
    refuse(project, "its objects are named by " + objects + " (extensions.objectFormat)");
  }
  const std::string references = lowered(config_of(work, "extensions.refstorage"));
  if (!references.empty() && !references.starts_with("files")) {
    refuse(project, "its references are kept as a " + references + " (extensions.refStorage)");
  }
}

// libgit2 1.5 does not know config.worktree. The level APP is above the repository's own file.
void add_worktree_config(const WorkTree& work) {
  if (config_of(work, "extensions.worktreeconfig") != "true") return;
  const Path file = Path(path_text(git().repository_path(work.repository.get()))) / "config.worktree";
  if (!fs::exists(file)) return;
  Config config;
  int code = git().repository_config(config.out(), work.repository.get());
  if (code == 0) {
    code = git().config_add_file_ondisk(config.get(), file.c_str(), GIT_CONFIG_LEVEL_APP,
                                        work.repository.get(), 0);
  }
  if (code != 0) fail("read " + file.string(), code, {});
}

}  // namespace

void fail(const std::string& doing, int code, const Path& project) {
  const std::string words = last_words(code);
  Error error(ErrorCode::source_tree, "cannot " + doing + ": " + words);
  // git's own protection: a repository of another user may name programs to run.
  if (code == GIT_EOWNER)
    throw std::move(error).hint("git config --global --add safe.directory " + project.string());
  if (words.starts_with("unsupported extension")) throw std::move(error).hint(plain_copy);
  throw error;
}

std::optional<WorkTree> open_work_tree(const Path& project) {
  WorkTree work;
  const int code = git().repository_open_ext(work.repository.out(), project.c_str(), 0, nullptr);
  if (code == GIT_ENOTFOUND) return std::nullopt;
  if (code != 0) fail("open the git repository of " + project.string(), code, project);
  const char* top = git().repository_workdir(work.repository.get());
  if (top == nullptr) return std::nullopt;
  std::error_code failed;
  work.top = std::filesystem::canonical(top, failed);
  const Path relative = std::filesystem::canonical(project, failed).lexically_relative(work.top);
  if (failed || relative.empty() || *relative.begin() == "..") return std::nullopt;
  work.prefix = relative == "." ? "" : relative.generic_string();
  check_formats(work, project);
  add_worktree_config(work);
  return work;
}

std::optional<git_oid> head_of(const WorkTree& work) {
  git_oid id;
  const int code = git().reference_name_to_id(&id, work.repository.get(), "HEAD");
  if (code == GIT_ENOTFOUND || code == GIT_EUNBORNBRANCH) return std::nullopt;
  if (code != 0) fail("read HEAD", code, {});
  return id;
}

Tree tree_of(const WorkTree& work, const git_oid& commit_id) {
  Commit commit;
  Tree tree;
  int code = git().commit_lookup(commit.out(), work.repository.get(), &commit_id);
  if (code == 0) code = git().commit_tree(tree.out(), commit.get());
  if (code != 0) fail("read the commit " + hex(commit_id), code, {});
  return tree;
}

void need_index(const WorkTree& work) {
  Index index;
  if (git().repository_index(index.out(), work.repository.get()) == 0) return;
  const auto head = head_of(work);
  if (!head) return;  // whoever needs the index says why there is none
  Index made;
  int code = git().index_new(made.out());
  if (code == 0) code = git().index_read_tree(made.get(), tree_of(work, *head).get());
  if (code == 0) code = git().repository_set_index(work.repository.get(), made.get());
  if (code != 0) fail("compare the files with the commit " + hex(*head), code, {});
}

std::string config_of(const WorkTree& work, const std::string& key) {
  Config config;
  if (git().repository_config_snapshot(config.out(), work.repository.get()) != 0) return {};
  const char* value = nullptr;
  return git().config_get_string(&value, config.get(), key.c_str()) == 0 ? path_text(value) : "";
}

bool is_sparse(const WorkTree& work) {
  const std::string value = lowered(config_of(work, "core.sparsecheckout"));
  constexpr auto yes = std::to_array<std::string_view>({"true", "yes", "on", "1"});
  return std::find(yes.begin(), yes.end(), value) != yes.end();
}

bool is_partial(const WorkTree& work) {
  return !config_of(work, "extensions.partialclone").empty() ||
         !config_of(work, "remote.origin.promisor").empty();
}

bool is_shallow(const WorkTree& work) {
  return git().repository_is_shallow(work.repository.get()) == 1;
}

std::string attribute_of(const WorkTree& work, const std::string& path, const char* name) {
  const char* value = nullptr;
  const int code =
      git().attr_get(&value, work.repository.get(), GIT_ATTR_CHECK_FILE_THEN_INDEX, path.c_str(), name);
  if (code != 0) fail("read the attributes of " + path, code, {});
  return git().attr_value(value) == GIT_ATTR_VALUE_STRING ? path_text(value) : "";
}

bool has_own_attributes(const WorkTree& work) {
  const Path common(path_text(git().repository_commondir(work.repository.get())));
  return fs::exists(common / "info/attributes") || !config_of(work, "core.attributesfile").empty() ||
         fs::exists(user_folder() / "attributes") || fs::exists("/etc/gitattributes");
}

std::vector<std::string> hashes_by_git(const WorkTree& work, const std::vector<std::string>& paths) {
  ProcessRequest request;
  request.argv = {"git", "hash-object", "--stdin-paths"};
  request.folder = work.top;
  request.environment = {{"LC_ALL", "C"}};
  for (const auto& path : paths) {
    if (path.find('\n') != std::string::npos) return {};
    request.input += path + '\n';
  }
  try {
    const auto result = system_process()->run(request);
    auto lines = pieces(result.out, "\n");
    if (result.exit != 0 || lines.size() != paths.size()) return {};
    return lines;
  } catch (const Error&) {
    return {};
  }
}

std::string checked_out_by_git(const WorkTree& work, const std::string& path, const std::string& object,
                               const std::string& driver) {
  const std::string what = driver.empty() ? "its encoding" : "its git filter '" + driver + "'";
  const auto refused = [&](const std::string& why) {
    return Error(ErrorCode::source_tree, "cannot bundle " + path + ": " + what + " " + why)
        .hint("mend the filter, or add the file to code.exclude");
  };
  ProcessRequest request;
  // The line ends of one machine's settings are no part of the content; a filter that fails must say so.
  request.argv = {"git", "-c", "core.autocrlf=false", "-c", "core.eol=lf"};
  if (!driver.empty()) request.argv.insert(request.argv.end(), {"-c", "filter." + driver + ".required=true"});
  request.argv.insert(request.argv.end(), {"cat-file", "--filters", "--path=" + path, object});
  request.folder = work.top;
  request.environment = {{"LC_ALL", "C"}};
  try {
    auto result = system_process()->run(request);
    if (result.exit == 0) return std::move(result.out);
    throw refused("fails").fact("git says", first_line(result.err));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) throw refused("needs git, which is not in PATH");
    throw;
  }
}

}  // namespace mlship::git2
