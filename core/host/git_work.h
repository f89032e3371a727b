// The repository around a folder of files, as git itself would see it: opened whatever extensions it has,
// with an index that can be read, and git's own program for what only it can do (filters of .gitattributes).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/host/fs.h"
#include "core/host/git_api.h"

namespace mlship::git2 {

// Error(source_tree) of a libgit2 call about `project`.
[[noreturn]] void fail(const std::string& doing, int code, const Path& project);

struct WorkTree {
  Repository repository;
  Path top;            // where the files of the commit lie, links resolved
  std::string prefix;  // of the project in the repository: "" or "sub/folder"
};

// Nothing when the folder is in no repository (or in a bare one). Throws Error(source_tree) when the
// repository has what cannot be read: objects by sha256, a reftable, an unknown extension.
std::optional<WorkTree> open_work_tree(const Path& project);

// Nothing before the first commit.
std::optional<git_oid> head_of(const WorkTree& work);
Tree tree_of(const WorkTree& work, const git_oid& commit);

// A sparse or split index, or one without checksum, is put aside: one made of HEAD takes its place. Nothing
// is written.
void need_index(const WorkTree& work);

// "" when it is not set. The settings of the worktree count (extensions.worktreeConfig).
std::string config_of(const WorkTree& work, const std::string& key);
bool is_sparse(const WorkTree& work);
// Objects are missing because they were not asked for.
bool is_partial(const WorkTree& work);
bool is_shallow(const WorkTree& work);

// Of .gitattributes and its kin; `path` is the whole one in the repository. "" unless it has a value.
std::string attribute_of(const WorkTree& work, const std::string& path, const char* name);

// This clone or machine has attributes beside those of the commit.
bool has_own_attributes(const WorkTree& work);

// What `git hash-object` makes of these files, whole paths in the repository, filters and encodings applied;
// empty when git is not there or does not say.
std::vector<std::string> hashes_by_git(const WorkTree& work, const std::vector<std::string>& paths);
// What a checkout would write for the object at `path`. `driver`: the filter it has, "" when it is an
// encoding. Throws Error(source_tree).
std::string checked_out_by_git(const WorkTree& work, const std::string& path, const std::string& object,
                               const std::string& driver);

}  // namespace mlship::git2
