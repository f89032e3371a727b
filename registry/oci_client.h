// Requests to one OCI registry: authorised, one more try after a 401, never a credential to another origin.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/host/host.h"
#include "core/oci.h"
#include "registry/oci_auth.h"
#include "registry/oci_place.h"

namespace mlship {

// A request whose turn comes later; tokens are renewed when it does.
struct OciJob {
  std::function<HttpRequest()> make;
  Scopes scopes;
  std::function<void(HttpResponse)> done;         // any status but a 401 that can be answered
  std::function<void(const Error&)> failed = {};  // as Transfer::failed
  bool again = false;                             // it has been answered once with 401
};

class OciClient {
 public:
  // `host` must outlive the object. Throws Error(project_file) when the URL names no registry.
  OciClient(const RegistryOptions& options, Host& host, std::optional<RegistryLogin> login = std::nullopt);

  // A client of the same registry for another thread; a login given at construction is not taken over.
  struct Beside;
  [[nodiscard]] Beside beside() const;

  [[nodiscard]] const OciPlace& place() const { return place_; }
  [[nodiscard]] Host& host() const { return host_; }
  // "https://HOST/v2/…"; path: "ml/churn/tags/list".
  [[nodiscard]] std::string url(const std::string& path) const { return place_.base + "/v2/" + path; }

  HttpResponse send(const HttpRequest& request, const Scopes& scopes);
  // All of them, and those that their `done` adds, at most `parallel` at a time.
  void run(std::deque<OciJob>& jobs, int parallel);
  // The pages of a list (Link: rel="next"), each given to `page` until it returns false. Returns the first
  // answer that is not 200; nullopt when all were.
  std::optional<HttpResponse> pages(const std::string& first, const Scopes& scopes, const HttpRequest& like,
                                    const std::function<void(const HttpResponse&)>& page);

  // Where an answer's header points to (an upload's Location). Error(network) when it is no URL, Error(tls)
  // when it leaves TLS.
  [[nodiscard]] UrlParts location(const HttpResponse& response, const char* header) const;
  // As http_error(), with the hint that helps here.
  [[nodiscard]] Error error(const HttpResponse& response, const std::string& doing) const;

 private:
  [[nodiscard]] std::uint64_t prepare(HttpRequest& request, const Scopes& scopes);

  RegistryOptions options_;
  OciPlace place_;
  Host& host_;
  OciAuth auth_;
};

struct OciClient::Beside {
  std::unique_ptr<Http> http;  // null: the first client's serves several threads
  std::unique_ptr<Host> host;
  std::unique_ptr<OciClient> client;
};

// Throws Error(unauthorized|forbidden) when the registry does not take the credentials.
void check_login(const RegistryOptions& options, Host& host, const std::string& user, const Secret& password);

}  // namespace mlship
