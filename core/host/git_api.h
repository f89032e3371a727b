// libgit2 behind a table of its functions, loaded on first use, and owners for its objects. For the files
// that speak to libgit2 themselves: core/host/git* and packager/git_tree.cpp.
#pragma once

#include <string>
#include <utility>

#include <git2.h>
#include <git2/sys/repository.h>
#include <git2/sys/transport.h>

#include "core/error.h"

namespace mlship::git2 {

// Every function used, by its own name: X(repository_free) is git_repository_free.
// clang-format off: it does not settle on one layout of a long macro
#define MLSHIP_GIT_FUNCTIONS(X) \
  X(libgit2_init) X(libgit2_opts) X(error_last) X(error_set_str) X(repository_open_ext) \
  X(repository_open_bare) X(repository_init) X(repository_free) X(repository_workdir) \
  X(repository_odb) X(odb_free) X(odb_read_header) X(odb_exists) X(odb_refresh) \
  X(reference_name_to_id) X(reference_create) X(reference_remove) X(commit_lookup) X(commit_free) X(commit_tree) \
  X(commit_create) X(tree_free) X(tree_lookup) X(tree_create_updated) X(tree_entry_bypath) \
  X(tree_entry_byname) X(tree_entry_free) X(tree_entrycount) X(tree_entry_byindex) X(tree_entry_name) X(tree_entry_id) \
  X(tree_entry_filemode) X(tree_entry_type) X(blob_lookup) X(blob_free) X(blob_rawcontent) X(blob_rawsize) \
  X(blob_create_from_buffer) X(signature_new) X(signature_free) X(graph_descendant_of) \
  X(status_options_init) X(status_list_new) X(status_list_free) X(status_list_entrycount) \
  X(status_byindex) X(repository_config_snapshot) X(config_get_string) X(config_free) \
  X(ignore_path_is_ignored) X(repository_hashfile) X(reference_iterator_glob_new) X(reference_next) \
  X(reference_iterator_free) X(reference_free) X(reference_name) X(reference_peel) X(object_free) \
  X(object_id) X(tag_tagger) X(oid_equal) X(oid_tostr) X(oid_fromstr) X(remote_create_with_opts) \
  X(remote_create_options_init) X(remote_free) X(remote_connect_ext) X(remote_connect_options_init) \
  X(remote_disconnect) X(remote_ls) X(remote_download) X(remote_upload) X(fetch_options_init) \
  X(push_options_init) X(transport_smart) X(repository_config) X(repository_path) X(repository_index) \
  X(repository_set_index) X(repository_is_shallow) X(config_add_file_ondisk) X(index_new) X(index_free) \
  X(index_read_tree) X(attr_get) X(attr_value) X(buf_dispose) \
  X(repository_commondir)
// clang-format on

struct Api {
  Api();
#define X(name) decltype(&::git_##name) name = nullptr;
  MLSHIP_GIT_FUNCTIONS(X)
#undef X
};

// Error(io) when the library is not installed.
const Api& git();

// A libgit2 object and the function that frees it.
template <auto Free, typename T>
class Owned {
 public:
  Owned() = default;
  explicit Owned(T* value) : value_(value) {}
  ~Owned() {
    if (value_ != nullptr) (git().*Free)(value_);
  }
  Owned(Owned&& other) noexcept : value_(std::exchange(other.value_, nullptr)) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  T** out() { return &value_; }
  [[nodiscard]] T* get() const { return value_; }
  explicit operator bool() const { return value_ != nullptr; }

 private:
  T* value_ = nullptr;
};
using Repository = Owned<&Api::repository_free, git_repository>;
using Commit = Owned<&Api::commit_free, git_commit>;
using Tree = Owned<&Api::tree_free, ::git_tree>;
using TreeEntry = Owned<&Api::tree_entry_free, git_tree_entry>;
using Odb = Owned<&Api::odb_free, git_odb>;
using Blob = Owned<&Api::blob_free, git_blob>;
using Status = Owned<&Api::status_list_free, git_status_list>;
using Index = Owned<&Api::index_free, git_index>;
using Config = Owned<&Api::config_free, git_config>;
using Reference = Owned<&Api::reference_free, git_reference>;
using References = Owned<&Api::reference_iterator_free, git_reference_iterator>;
using Object = Owned<&Api::object_free, git_object>;
using Signature = Owned<&Api::signature_free, git_signature>;
using Remote = Owned<&Api::remote_free, git_remote>;

std::string hex(const git_oid& id);
// libgit2's own words for what failed last on this thread.
std::string last_words(int code);
// disk_full, read_only or file_permission when that is what they say; else `otherwise`.
ErrorCode code_of(const std::string& words, ErrorCode otherwise);

}  // namespace mlship::git2
