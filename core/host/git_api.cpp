#include "core/host/git_api.h"

#include "core/host/dynlib.h"

namespace mlship::git2 {

Api::Api() {
  const DynamicLibrary library("libgit2.so.1.5", "libgit2-1.5");
#define X(name) library.bind(name, "git_" #name);
  MLSHIP_GIT_FUNCTIONS(X)
#undef X
  libgit2_init();
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

}  // namespace mlship::git2
