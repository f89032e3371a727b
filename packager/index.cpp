#include "packager/index.h"

#include <algorithm>

#include "core/error.h"
#include "core/json.h"
#include "core/json_library.h"
#include "core/letters.h"
#include "core/secret.h"
#include "packager/resolve.h"
#include "packager/url.h"

namespace mlship {
namespace {

constexpr std::string_view json_prefix = "application/vnd.pypi.simple.v";

Error bad_page(const std::string& url, const std::string& why) {
  return {ErrorCode::network, "cannot read " + printable_url(url) + ": " + why};
}

// PEP 691 §Versioning: an unknown major version is a hard error, a newer minor one is not.
void check_version(const Json& document, const std::string& url) {
  const auto meta = document.find("meta");
  const auto version =
      meta != document.end() && meta->is_object() ? meta->find("api-version") : Json::const_iterator();
  if (meta == document.end() || !meta->is_object() || version == meta->end() || !version->is_string()) {
    throw bad_page(url, "meta.api-version is missing: this is not a package index");
  }
  const auto text = version->get<std::string>();
  if (text != "1" && !text.starts_with("1.")) {
    throw bad_page(url, "the index speaks version " + text + " of the repository API, mlship speaks 1");
  }
}

std::optional<std::string> yanked(const Json& file) {
  const auto found = file.find("yanked");
  if (found == file.end() || (found->is_boolean() && !found->get<bool>())) return std::nullopt;
  return found->is_string() ? found->get<std::string>() : "";
}

std::optional<IndexFile> read_file(const Json& entry, const std::string& url) {
  if (!entry.is_object()) return std::nullopt;
  const auto name = entry.find("filename");
  const auto link = entry.find("url");
  if (name == entry.end() || !name->is_string() || link == entry.end() || !link->is_string())
    return std::nullopt;
  IndexFile file;
  file.name = name->get<std::string>();
  const auto target = link->get<std::string>();
  file.url = resolve_url(url, target);
  if (const auto hashes = entry.find("hashes"); hashes != entry.end() && hashes->is_object()) {
    const auto found = hashes->find("sha256");
    if (found != hashes->end() && found->is_string())
      file.sha256 = Digest::from_hex(found->get<std::string>());
  }
  if (const auto size = entry.find("size"); size != entry.end() && size->is_number_unsigned()) {
    file.size = size->get<std::uint64_t>();
  }
  file.yanked = yanked(entry);
  return file;
}

}  // namespace

std::vector<IndexFile> parse_index_json(std::string_view body, const std::string& url) {
  const Json document = parse_json(body, ErrorCode::network, printable_url(url));
  if (!document.is_object()) throw bad_page(url, "it is not an object");
  check_version(document, url);
  const auto list = document.find("files");
  if (list == document.end() || !list->is_array()) throw bad_page(url, "files is not a list");
  std::vector<IndexFile> files;
  for (const auto& entry : *list) {
    auto file = read_file(entry, url);
    if (!file) throw bad_page(url, "a file has no filename or no url");
    files.push_back(std::move(*file));
  }
  return files;
}

std::vector<IndexFile> parse_index_page(const HttpResponse& response) {
  std::string type = response.header("content-type").value_or("text/html");
  type.resize(std::min(type.find_first_of("; "), type.size()));
  type = letters::lowered(type);
  if (type == "application/json" || (type.starts_with(json_prefix) && type.ends_with("+json"))) {
    return parse_index_json(response.body, response.url);
  }
  if (type == "text/html" || type == "application/vnd.pypi.simple.v1+html") {
    return parse_index_html(response.body, response.url);
  }
  throw bad_page(response.url, "an index page is JSON or HTML, this is " + type);
}

IndexAccess::IndexAccess(const Env& env, const std::vector<std::string>& urls) : netrc_(Netrc::load(env)) {
  for (const auto& url : urls) {
    if (auto credentials = url_userinfo(url)) origins_.emplace_back(url_origin(url), std::move(*credentials));
  }
}

HttpRequest IndexAccess::request(const std::string& url) const {
  HttpRequest request;
  request.url = without_userinfo(url);
  const std::string origin = url_origin(url);
  const auto found = std::find_if(origins_.begin(), origins_.end(),
                                  [&](const auto& entry) { return entry.first == origin; });
  if (found != origins_.end()) {
    request.basic = found->second;
  } else {
    request.basic = netrc_.find(url_host(url));
  }
  return request;
}

HttpRequest IndexAccess::page(const std::string& root, const std::string& package) const {
  HttpRequest page = request(root + (root.ends_with('/') ? "" : "/") + package + "/");
  // PEP 691 §Version + Format Selection: JSON when the index has it.
  page.headers.emplace("accept",
                       "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, "
                       "text/html;q=0.1");
  return page;
}

bool index_has(const std::string& index_url, const std::string& package, const Digest& digest, Host& host) {
  const std::string root = index_url.starts_with("pypi+") ? index_url.substr(5) : index_url;
  const IndexAccess access(host.env, {root});
  const HttpRequest request = access.page(root, package);
  const HttpResponse response = host.http.send(request);
  if (response.status == 404 || response.status == 410) return false;
  if (response.status != 200)
    throw http_error(response, "look up " + package + " at " + printable_url(request.url));
  const auto files = parse_index_page(response);
  return std::any_of(files.begin(), files.end(),
                     [&](const IndexFile& file) { return file.sha256 == digest; });
}

}  // namespace mlship
