// What a registry gets to see of a person's credentials: Basic, or a bearer token from the realm it names
// (distribution: docs/spec/auth/token.md, oauth.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/host.h"
#include "core/secret.h"
#include "registry/docker_config.h"
#include "registry/oci_place.h"

namespace mlship {

// "repository:ml/churn:pull,push", one per repository; empty for the registry itself.
using Scopes = std::vector<std::string>;

// The parameters of a WWW-Authenticate challenge (RFC 9110 §11.6.1): scheme and keys in lower case.
struct Challenge {
  std::string scheme;
  std::map<std::string, std::string> parameters;
};
std::optional<Challenge> parse_challenge(std::string_view header);

class OciAuth {
 public:
  // All but `login` must outlive the object. `login`: instead of what docker's config.json says.
  OciAuth(const OciPlace& place, const RegistryOptions& options, Host& host,
          std::optional<RegistryLogin> login = std::nullopt);

  // Adds the credentials of the registry to a request that goes to its own origin. Returns a mark for
  // learn().
  std::uint64_t authorize(HttpRequest& request, const Scopes& scopes);
  // Learns from a 401 to a request with that mark; false when trying again is of no use. Throws
  // Error(unauthorized) when the realm must not get the credentials or refuses them.
  bool learn(const HttpResponse& response, const Scopes& scopes, std::uint64_t mark);
  // False when no credentials of the registry were found wherever they were looked for.
  [[nodiscard]] bool has_login() const;

 private:
  struct Token {
    Secret value;
    std::chrono::milliseconds until{0};  // by Clock::monotonic
  };

  // Of the repository that the scopes are about.
  const std::optional<RegistryLogin>& login(const Scopes& scopes);
  void check_realm(const UrlParts& realm, const Scopes& scopes);
  [[nodiscard]] HttpRequest token_request(const Scopes& scopes);
  Token fetch_token(const Scopes& scopes);

  const OciPlace& place_;
  const RegistryOptions& options_;
  Host& host_;
  bool given_ = false;                                          // the one login is for every repository
  std::map<std::string, std::optional<RegistryLogin>> logins_;  // by repository, "" for the registry itself
  bool no_basic_ = false;        // the registry has refused it, or asks for tokens
  std::string realm_, service_;  // of the last Bearer challenge
  std::map<Scopes, Token> tokens_;
  std::uint64_t mark_ = 0;  // raised with everything that is learned
};

}  // namespace mlship
