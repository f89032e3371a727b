#include "core/host/git_api.h"

#include <array>
#include <cerrno>
#include <cstring>

#include "core/host/dynlib.h"

namespace mlship::git2 {
namespace {

// libgit2 tells an errno by its text only.
struct LocalFailure {
  int number;
  ErrorCode code;
};
constexpr auto local_failures = std::to_array<LocalFailure>({{ENOSPC, ErrorCode::disk_full},
                                                             {EDQUOT, ErrorCode::disk_full},
                                                             {EROFS, ErrorCode::read_only},
                                                             {EACCES, ErrorCode::file_permission}});

}  // namespace

Api::Api() {
  const DynamicLibrary library("libgit2.so.1.5", "libgit2-1.5");
#define X(name) library.bind(name, "git_" #name);
  MLSHIP_GIT_FUNCTIONS(X)
#undef X
  libgit2_init();
  // None of these changes what a reader of objects and references sees; core/host/git_work.cpp reads the
  // values of those that may. Names as libgit2 compares them.
  std::array<const char*, 7> known{"worktreeconfig",    "relativeworktrees", "partialclone",
                                   "preciousobjects",   "objectformat",      "refstorage",
                                   "compatobjectformat"};
  libgit2_opts(GIT_OPT_SET_EXTENSIONS, known.data(), known.size());
}

const Api& git() {
  static const Api functions;
  return functions;
}

std::string hex(const git_oid& id) {
  std::string text(GIT_OID_HEXSZ + 1, '\0');
  git().oid_tostr(text.data(), text.size(), &id);
  text.resize(GIT_OID_HEXSZ);
  return text;
}

std::string last_words(int code) {
  const git_error* last = git().error_last();
  return last != nullptr && last->message != nullptr ? last->message : "error " + std::to_string(code);
}

ErrorCode code_of(const std::string& words, ErrorCode otherwise) {
  for (const auto& [number, code] : local_failures) {
    if (words.find(std::strerror(number)) != std::string::npos) return code;
  }
  return otherwise;
}

}  // namespace mlship::git2
