// Python package indexes: PEP 691 (JSON) and PEP 503 (HTML) pages, and find-links folders and pages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/digest.h"
#include "core/host/http.h"
#include "packager/netrc.h"

namespace mlship {

struct IndexFile {
  std::string name;  // file name
  std::string url;   // absolute
  std::optional<Digest> sha256;
  std::uint64_t size = 0;             // bytes; 0 when the index does not tell
  std::optional<std::string> yanked;  // PEP 592: the reason, perhaps empty
};

// PEP 691 §JSON Serialization. `url`: the page's own address, after redirects. Throws Error(network) when the
// document is not one or speaks a newer major version of the API.
std::vector<IndexFile> parse_index_json(std::string_view body, const std::string& url);
// PEP 503 §Specification: every anchor of the page. A find-links page is one too.
std::vector<IndexFile> parse_index_html(std::string_view body, const std::string& url);
// By the answer's Content-Type.
std::vector<IndexFile> parse_index_page(const HttpResponse& response);

// Who asks: the user and password in an index's own URL for that origin, else netrc.
class IndexAccess {
 public:
  IndexAccess(const Env& env, const std::vector<std::string>& urls);
  // A request for `url`, with credentials for its origin when there are any.
  [[nodiscard]] HttpRequest request(const std::string& url) const;
  // The page of `package` below the index `root`.
  [[nodiscard]] HttpRequest page(const std::string& root, const std::string& package) const;

 private:
  Netrc netrc_;
  std::vector<std::pair<std::string, Credentials>> origins_;
};

}  // namespace mlship
