// Files into the blob cache: streamed, hashed on the way, under their digest's name only when they are right.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/diagnostics.h"
#include "core/digest.h"
#include "core/host/host.h"
#include "packager/index.h"
#include "packager/resolve.h"

namespace mlship {

struct DownloadRequest {
  std::string file;
  HttpRequest request;
  std::vector<Digest> allowed;  // one of these
  std::uint64_t size = 0;       // bytes; 0: not known
  std::string origin;           // "requirements.lock:12"
};
struct Downloaded {
  Digest digest;
  std::uint64_t size = 0;
};

// In the order of the requests. Throws Error(hash_mismatch) and what HTTP throws; then no temporary file is
// left.
std::vector<Downloaded> download(std::vector<DownloadRequest> requests, const BlobCache& cache, Http& http,
                                 Diagnostics& diagnostics);
// The same for a file on this machine.
Downloaded import_file(const Path& file, const std::vector<Digest>& allowed, const BlobCache& cache);

}  // namespace mlship
