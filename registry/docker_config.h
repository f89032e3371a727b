// docker's config.json: the credentials that docker, crane, oras and skopeo share, in the file itself or
// behind a credential helper (docker-credential-NAME).
#pragma once

#include <optional>
#include <string>

#include "core/host/env.h"
#include "core/host/fs.h"
#include "core/host/process.h"
#include "core/json.h"
#include "core/secret.h"

namespace mlship {

// Exactly one of the three ways is set.
struct RegistryLogin {
  std::string user;
  Secret password;        // with user
  Secret identity_token;  // OAuth2 refresh token
  Secret bearer;          // docker's registrytoken: sent as it is
  [[nodiscard]] bool basic() const { return identity_token.empty() && bearer.empty(); }
};

class DockerConfig {
 public:
  // Both must outlive the object.
  DockerConfig(const Env& env, Process& process);

  // $DOCKER_CONFIG/config.json, else ~/.docker/config.json.
  [[nodiscard]] const Path& file() const { return file_; }

  // host: "registry.example.com:5000", or docker.io. path: a repository or namespace there ("ml/churn", "");
  // the longest key that is HOST or HOST/PATH's beginning, whole components of it, counts
  // (containers-auth.json(5)). nullopt when there is none. Throws Error(unauthorized) when the file or the
  // helper is of no use.
  [[nodiscard]] std::optional<RegistryLogin> find(const std::string& host,
                                                  const std::string& path = "") const;
  // Under the key that find() would use, else under the host: into the helper that is configured for the key,
  // else into the file, mode 0600; everything else in the file stays as it is. Returns where: the file or the
  // helper's name.
  std::string store(const std::string& host, const std::string& user, const Secret& password,
                    const std::string& path = "") const;
  // The login that find() would use, and no other. False when there was nothing.
  [[nodiscard]] bool erase(const std::string& host, const std::string& path = "") const;

 private:
  // What is in the file; an empty object when there is none.
  [[nodiscard]] OrderedJson read() const;
  void write(const OrderedJson& config) const;
  // "docker-credential-NAME"; "" when the credentials of that key are in the file.
  [[nodiscard]] std::string helper_of(const OrderedJson& config, const std::string& key) const;
  [[nodiscard]] ProcessResult call(const std::string& helper, const std::string& action,
                                   const std::string& input) const;
  [[nodiscard]] std::optional<RegistryLogin> ask(const std::string& helper, const std::string& key) const;

  const Env& env_;
  Process& process_;
  Path file_;
};

}  // namespace mlship
