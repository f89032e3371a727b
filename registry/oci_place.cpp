#include "registry/oci_place.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/error.h"
#include "core/host/http.h"
#include "core/secret.h"

namespace mlship {
namespace {

constexpr std::string_view scheme = "oci://";

Error refused(const std::string& url, const std::string& why) {
  return Error(ErrorCode::project_file, "cannot open registry " + printable_url(url) + ": " + why)
      .hint("write oci://HOST/NAMESPACE, for example oci://registry.example.com/ml");
}

// distribution-spec §Pulling manifests: components of lower-case letters and digits, joined by ".", "_", "__"
// or dashes.
bool valid_component(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (text.empty() || !letter(text.front()) || !letter(text.back())) return false;
  for (size_t i = 0; i < text.size();) {
    size_t run = i;
    while (run < text.size() && !letter(text[run])) ++run;
    const std::string_view joint = text.substr(i, run - i);
    const bool dashes = joint.find_first_not_of('-') == std::string_view::npos;
    if (!dashes && joint != "." && joint != "_" && joint != "__") return false;
    i = run + 1;
  }
  return true;
}

std::string prefix_of(const std::string& url, std::string path) {
  while (path.ends_with('/')) path.pop_back();
  if (path.empty()) return "";
  for (size_t at = 0; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string component = path.substr(at, end - at);
    if (!valid_component(component)) {
      throw refused(url, "'" + component + "' is no part of a repository's name");
    }
    at = end + 1;
  }
  return path + "/";
}

// Other names under which Docker Hub is known.
constexpr auto hub_names =
    std::to_array<std::string_view>({"index.docker.io", "registry-1.docker.io", "registry.docker.io",
                                     "registry.hub.docker.com", "hub.docker.com"});

// One host has one name: that without capitals and without the port that is meant anyway.
std::string plain_host(const UrlParts& parts, const std::string& written, bool tls) {
  if (written.starts_with('[')) return written;  // of an IPv6 address only the form with brackets is known
  const bool port = written.find(':') != std::string::npos;
  if (std::find(hub_names.begin(), hub_names.end(), parts.host) != hub_names.end()) return "docker.io";
  const bool usual = !port || parts.port == (tls ? "443" : "80");
  return usual ? parts.host : parts.host + ":" + parts.port;
}

}  // namespace

OciPlace read_oci_place(const RegistryOptions& options) {
  const std::string& url = options.url;
  const std::string rest = url.starts_with(scheme) ? url.substr(scheme.size()) : "";
  const size_t slash = std::min(rest.find('/'), rest.size());
  std::string host = rest.substr(0, slash);
  if (host.empty()) throw refused(url, "it names no host");
  // https:// here only finds out what the host is.
  const auto parts = read_url("", "https://" + host);
  if (!parts || host.find_first_of("?#\\ ") != std::string::npos)
    throw refused(url, "'" + host + "' is not a host");
  if (host.find('@') != std::string::npos) {
    throw refused(url, "credentials do not belong into a URL")
        .hint("mlship login " + host.substr(host.rfind('@') + 1));
  }
  OciPlace place;
  place.loopback = parts->loopback;
  // A certificate to trust means TLS, wherever it is.
  place.tls = !options.plain_http.value_or(place.loopback && options.ca_file.empty());
  host = plain_host(*parts, host, place.tls);
  place.host = host;
  place.prefix = prefix_of(url, rest.substr(std::min(slash + 1, rest.size())));
  place.shown = std::string(scheme) + host + (place.prefix.empty() ? "" : "/" + place.prefix);
  if (place.shown.ends_with('/')) place.shown.pop_back();
  // Docker Hub's name is not where it answers.
  const std::string server = host == "docker.io" ? "registry-1.docker.io" : host;
  place.base = (place.tls ? "https://" : "http://") + server;
  const auto base = read_url("", place.base);
  place.origin = base->origin();
  place.name = base->host;
  return place;
}

}  // namespace mlship
