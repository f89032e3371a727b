// One repository of an OCI registry: manifests and tags, blobs, referrers (distribution-spec v1.1).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/oci.h"
#include "registry/oci_client.h"

namespace mlship {

struct OciManifest {
  oci::Descriptor descriptor;
  std::string bytes;  // verified
};

// How a tag may be written: `if_absent` and `if_still` only where the registry honours conditions; others
// ignore them.
struct TagCondition {
  bool if_absent = false;
  std::string if_still;  // the ETag it must have
};

class OciRepository {
 public:
  // name: "ml/churn". `client` must outlive the object.
  OciRepository(OciClient& client, std::string name);

  [[nodiscard]] const std::string& name() const { return name_; }

  // By tag or digest; nullopt only for a definite 404. Throws Error(verification) when what came is not what
  // was asked for, or is not what it says it is. `etag`: receives the answer's ETag.
  std::optional<OciManifest> get(const std::string& reference);
  std::optional<oci::Descriptor> head(const std::string& reference, std::string* etag = nullptr);
  // The same for many tags at once; those that are gone by now are left out.
  std::map<std::string, oci::Descriptor> head_all(const std::vector<std::string>& references);
  // reference: a tag or the digest of `bytes`. Any status is an answer.
  HttpResponse put(const std::string& reference, std::string_view media_type, const std::string& bytes,
                   const TagCondition& condition = {});
  // True when the registry says that it is gone.
  bool remove(const Digest& manifest);
  // Every tag, also those that are no names of versions; empty when the repository is absent.
  std::vector<std::string> tags();

  // Those of `blobs` that the registry does not have.
  std::vector<oci::Descriptor> missing(const std::vector<oci::Descriptor>& blobs);
  // Gives the verified bytes to `sink`; `restart` takes back what it got so far. Throws Error(not_found).
  void get_blob(const oci::Descriptor& blob, const std::function<void(std::string_view)>& sink,
                const std::function<void()>& restart);

  [[nodiscard]] Error error(const HttpResponse& response, const std::string& doing) const {
    return client_.error(response, doing);
  }
  [[nodiscard]] OciClient& client() const { return client_; }
  [[nodiscard]] const Scopes& pull() const { return pull_; }

 private:
  [[nodiscard]] HttpRequest manifest_request(const std::string& method, const std::string& reference) const;
  std::optional<oci::Descriptor> described(const std::string& reference, const HttpResponse& response);
  [[nodiscard]] std::string shown(const std::string& reference) const;

  OciClient& client_;
  std::string name_;
  Scopes pull_, push_;
};

}  // namespace mlship
