// A real git server on loopback for contract tests: lighttpd in front of git http-backend, user "u", password
// "p".
#pragma once

#include <memory>
#include <string>

#include "core/host/fs.h"
#include "core/host/process.h"

namespace mlship::testing {

// `git init --bare` with pushes over HTTP allowed.
void make_bare_repository(const Path& repository);

// Ended by destruction. Throws Error when lighttpd or htpasswd (scripts/setup test) is missing.
class GitServer {
 public:
  explicit GitServer(const Path& root);
  [[nodiscard]] std::string url() const;  // of the one repository, with the user
  [[nodiscard]] const Path& repository() const { return repository_; }
  // A HOME in which git's own helper knows the password.
  void remember_password(const Path& home) const;

 private:
  Path repository_;
  int port_ = 0;
  std::unique_ptr<RunningProgram> server_;
};

}  // namespace mlship::testing
