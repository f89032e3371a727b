// Blobs into one repository (distribution-spec §Pushing blobs).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "registry/oci_client.h"

namespace mlship {

struct OciBlob {
  oci::Descriptor blob;
  Path file;            // where its bytes are, or
  std::string content;  // the bytes, when there is no file
};

class OciUpload {
 public:
  // `sent` is called with the bytes that were handed over, negative when a try begins again.
  OciUpload(OciClient& client, std::string repository, std::function<void(std::int64_t)> sent = {});

  // All of them: four at a time, then what failed one at a time (uploads side by side get lost in some
  // registries). Throws Error(verification) when a file is not the blob any more; nothing of it is visible
  // then.
  void put(std::vector<OciBlob> blobs);
  // True when the registry has taken the blob over from `from`, a repository of its own.
  bool mount(const oci::Descriptor& blob, const std::string& from);

 private:
  // One blob on its way.
  struct Job {
    OciBlob source;
    bool chunked = false;  // the registry refuses it in one piece
    std::string why;       // it failed
  };
  using JobPtr = std::shared_ptr<Job>;

  [[nodiscard]] HttpRequest session(const std::string& query) const;
  [[nodiscard]] HttpRequest whole(const Job& job, const std::string& location) const;
  [[nodiscard]] HttpBody body(const Job& job) const;
  void round(const std::vector<JobPtr>& jobs, int parallel);
  void start(std::deque<OciJob>& queue, const JobPtr& job);
  void opened(std::deque<OciJob>& queue, const JobPtr& job, const HttpResponse& response);
  void finished(const JobPtr& job, const HttpResponse& response);
  void put_chunked(Job& job);
  [[nodiscard]] std::string doing(const Job& job) const;

  OciClient& client_;
  std::string repository_;
  std::function<void(std::int64_t)> sent_;
  Scopes scopes_;
  std::vector<JobPtr> failed_;
};

}  // namespace mlship
