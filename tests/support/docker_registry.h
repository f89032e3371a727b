// Debian's docker-registry on a free port of 127.0.0.1, with an empty store; stopped by its pid.
#pragma once

#include <string>

#include <sys/types.h>

#include "core/host/fs.h"

namespace mlship::testing {

class DockerRegistry {
 public:
  static constexpr auto user = "robot";
  static constexpr auto password = "s3cret-Pass";

  // Keeps its files in `folder`, which it makes. basic_auth: only `user` with `password` may do anything.
  // Throws std::runtime_error when it does not come up (scripts/setup test installs it).
  DockerRegistry(const Path& folder, bool basic_auth);
  ~DockerRegistry();
  DockerRegistry(const DockerRegistry&) = delete;
  DockerRegistry& operator=(const DockerRegistry&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string host() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  int port_;
  pid_t pid_ = -1;
};

// Writes FOLDER/config.json as docker does after a login.
void write_docker_login(const Path& folder, const std::string& host, const std::string& user,
                        const std::string& password);

}  // namespace mlship::testing
