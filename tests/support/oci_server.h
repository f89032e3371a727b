// A small OCI registry in memory on loopback (distribution-spec v1.1 without referrers, as
// docker-registry 2.8), and a place to answer something else for a request: what no honest server says is a
// line of a test.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/loopback_server.h"

namespace mlship::testing {

struct StoredManifest {
  std::string bytes, media_type;
};

class OciServer {
 public:
  OciServer() = default;

  // Asked first; nullopt: the honest answer. Called on the connections' threads, one at a time.
  std::function<std::optional<Reply>(const WireRequest&)> instead;
  std::string authorization;  // the header that every request must have; "": none

  // Of every repository. Read and written only while no request is under way.
  std::map<std::string, std::string> blobs;         // digest -> bytes
  std::map<std::string, StoredManifest> manifests;  // digest -> manifest
  std::map<std::string, std::string> tags;          // tag -> digest

  [[nodiscard]] std::string host() const { return "127.0.0.1:" + std::to_string(server_.port()); }
  [[nodiscard]] std::string origin() const { return "http://" + host(); }
  [[nodiscard]] std::vector<WireRequest> requests() const { return server_.requests(); }
  [[nodiscard]] std::vector<std::string> lines() const;  // "HEAD /v2/ml/churn/manifests/1.4.0"
  // Tags that are names of versions or movable, sorted.
  [[nodiscard]] std::vector<std::string> names() const;

  // As it would answer by itself.
  Reply honest(const WireRequest& request);

 private:
  Reply manifest(const WireRequest& request, const std::string& reference);
  Reply put_manifest(const WireRequest& request, const std::string& reference);
  Reply blob(const WireRequest& request, const std::string& digest);
  Reply upload(const WireRequest& request, const std::string& session);

  std::map<std::string, std::string> sessions_;
  int next_session_ = 0;
  LoopbackServer server_{[this](const WireRequest& request) {
    if (auto other = instead ? instead(request) : std::nullopt) return *std::move(other);
    return honest(request);
  }};
};

// The answer without its body, as to HEAD.
Reply headless(Reply answer);

}  // namespace mlship::testing
