#include "core/secret.h"

#include <openssl/crypto.h>

namespace mlship {

Secret::~Secret() {
  OPENSSL_cleanse(value_.data(), value_.size());
}

std::string printable_url(const std::string& url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const size_t start = scheme + 3;
  const size_t end = std::min(url.find_first_of("?#", start), url.size());
  size_t path = std::min(url.find('/', start), end);
  // A password with a `/` in it: what looks like a port is none.
  const size_t colon = url.find(':', start);
  const bool port = colon >= path || url.find_first_not_of("0123456789", colon + 1) >= path;
  if (!port && url.rfind('@', path) == std::string::npos) path = std::min(url.find('@', path), end);
  const size_t at = url.rfind('@', path);
  const size_t host = at != std::string::npos && at >= start ? at + 1 : start;
  return url.substr(0, start) + url.substr(host, end - host);
}

}  // namespace mlship
