#include "registry/oci_auth.h"

#include <algorithm>

#include "core/error.h"
#include "core/host/public_suffix.h"
#include "core/json.h"
#include "core/json_library.h"
#include "core/letters.h"

namespace mlship {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// distribution: token.md, "expires_in (Optional) … defaults to 60 seconds".
constexpr seconds default_life{60};
constexpr seconds longest_life{3600};
constexpr std::uint64_t answer_limit = 1U << 20U;  // bytes

std::string percent_encode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view plain = "-._~:/,";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((std::isalnum(byte) != 0 && byte < 128) || plain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += {'%', digits[byte >> 4U], digits[byte & 15U]};
    }
  }
  return out;
}

// One parameter's value from `at` on: a token or a quoted string; `at` goes behind it.
std::string value_at(std::string_view text, size_t& at) {
  std::string out;
  if (at < text.size() && text[at] == '"') {
    for (++at; at < text.size() && text[at] != '"'; ++at) {
      if (text[at] == '\\' && at + 1 < text.size()) ++at;
      out += text[at];
    }
    ++at;
    return out;
  }
  while (at < text.size() && text[at] != ',' && text[at] != ' ') out += text[at++];
  return out;
}

std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

// The repository that a request is about: of the first scope. A mount names its source behind it.
std::string repository_of(const Scopes& scopes) {
  constexpr std::string_view kind = "repository:";
  if (scopes.empty() || !scopes.front().starts_with(kind)) return "";
  const std::string rest = scopes.front().substr(kind.size());
  return rest.substr(0, rest.rfind(':'));
}

}  // namespace

std::optional<Challenge> parse_challenge(std::string_view header) {
  const size_t space = std::min(header.find(' '), header.size());
  Challenge out;
  out.scheme = letters::lowered(header.substr(0, space));
  if (out.scheme.empty()) return std::nullopt;
  for (size_t at = space; at < header.size();) {
    if (header[at] == ' ' || header[at] == ',') {
      ++at;
      continue;
    }
    const size_t equals = header.find('=', at);
    if (equals == std::string_view::npos) break;
    const std::string key = letters::lowered(header.substr(at, equals - at));
    at = equals + 1;
    out.parameters.emplace(key, value_at(header, at));
  }
  return out;
}

OciAuth::OciAuth(const OciPlace& place, const RegistryOptions& options, Host& host,
                 std::optional<RegistryLogin> login)
    : place_(place), options_(options), host_(host), given_(login.has_value()) {
  if (given_) logins_.emplace("", std::move(login));
}

const std::optional<RegistryLogin>& OciAuth::login(const Scopes& scopes) {
  std::string path = given_ ? "" : repository_of(scopes);
  if (path.empty() && !given_) path = place_.prefix;
  const auto known = logins_.find(path);
  if (known != logins_.end()) return known->second;
  auto found = DockerConfig(host_.env, host_.process).find(place_.host, path);
  return logins_.emplace(path, std::move(found)).first->second;
}

std::uint64_t OciAuth::authorize(HttpRequest& request, const Scopes& scopes) {
  request.headers.erase("Authorization");
  request.basic.reset();
  // What must not be sent need not be looked up: plain HTTP off loopback carries no credentials.
  if (!place_.tls && !place_.loopback) return mark_;
  if (realm_.empty()) {
    const auto& known = login(scopes);
    if (known && !known->bearer.empty()) {
      request.headers.emplace("Authorization", "Bearer " + known->bearer.reveal());
    } else if (known && known->basic() && !no_basic_) {
      request.basic = Credentials{known->user, known->password};
    }
    return mark_;
  }
  auto found = tokens_.find(scopes);
  if (found == tokens_.end() || found->second.until <= host_.clock.monotonic()) {
    found = tokens_.insert_or_assign(scopes, fetch_token(scopes)).first;
  }
  request.headers.emplace("Authorization", "Bearer " + found->second.value.reveal());
  return mark_;
}

bool OciAuth::has_login() const {
  return std::any_of(logins_.begin(), logins_.end(), [](const auto& known) { return known.second; });
}

bool OciAuth::learn(const HttpResponse& response, const Scopes& scopes, std::uint64_t mark) {
  if (!place_.tls && !place_.loopback) return false;
  if (mark != mark_) return true;  // another request has learned since
  const auto [first, last] = response.headers.equal_range("www-authenticate");
  for (auto header = first; header != last; ++header) {
    const auto challenge = parse_challenge(header->second);
    if (!challenge || challenge->scheme != "bearer" || !challenge->parameters.contains("realm")) continue;
    const auto service = challenge->parameters.find("service");
    realm_ = challenge->parameters.at("realm");
    service_ = service == challenge->parameters.end() ? "" : service->second;
    no_basic_ = true;
    ++mark_;
    tokens_.insert_or_assign(scopes, fetch_token(scopes));
    return true;
  }
  return false;
}

// Whoever answers for the registry could name any realm: credentials go only where they belong
// (CVE-2026-48978 is what happens otherwise).
void OciAuth::check_realm(const UrlParts& realm, const Scopes& scopes) {
  const bool listed = std::find(options_.token_hosts.begin(), options_.token_hosts.end(), realm.host) !=
                      options_.token_hosts.end();
  const bool own = same_owner(realm.host, place_.name) || listed;
  const bool safe = realm.scheme == "https" || (realm.loopback && place_.loopback);
  // Without credentials nothing can be lost, but a registry must not point inward either.
  if (safe && (own || !login(scopes))) return;
  Error error(ErrorCode::unauthorized,
              "cannot log in to " + place_.host + ": it wants the credentials sent to " + realm.host +
                  (safe ? ", which is not known to belong to it" : " over plain HTTP"));
  error = std::move(error).fact("registry", place_.host).fact("token host", realm.host);
  if (safe)
    error = std::move(error).hint("add token-hosts = [\"" + realm.host +
                                  "\"] to its [registries.NAME] if that is right");
  throw error;
}

HttpRequest OciAuth::token_request(const Scopes& scopes) {
  const auto realm = read_url("", realm_);
  if (!realm || realm->userinfo) {
    throw Error(ErrorCode::unauthorized, "cannot log in to " + place_.host + ": '" + printable_url(realm_) +
                                             "' is not the URL of a token server");
  }
  check_realm(*realm, scopes);
  HttpRequest request;
  request.url = realm->text;
  request.ca_file = options_.ca_file;
  request.max_body = answer_limit;
  const auto& known = login(scopes);
  if (known && !known->identity_token.empty()) {
    request.method = "POST";
    request.repeatable = true;
    request.follow = false;
    request.headers.emplace("Content-Type", "application/x-www-form-urlencoded");
    std::string joined;
    for (const auto& scope : scopes) joined += (joined.empty() ? "" : " ") + scope;
    request.body = "grant_type=refresh_token&client_id=mlship&service=" + percent_encode(service_) +
                   "&scope=" + percent_encode(joined) +
                   "&refresh_token=" + percent_encode(known->identity_token.reveal());
    return request;
  }
  std::string query;
  if (!service_.empty()) query += "&service=" + percent_encode(service_);
  for (const auto& scope : scopes) query += "&scope=" + percent_encode(scope);
  if (!query.empty())
    request.url += (request.url.find('?') == std::string::npos ? "?" : "&") + query.substr(1);
  if (known) request.basic = Credentials{known->user, known->password};
  return request;
}

OciAuth::Token OciAuth::fetch_token(const Scopes& scopes) {
  const HttpResponse response = host_.http.send(token_request(scopes));
  const std::string doing = "log in to " + place_.host;
  if (response.status != 200) {
    Error error = http_error(response, doing);
    if (error.code() != ErrorCode::unauthorized && error.code() != ErrorCode::forbidden) throw error;
    throw std::move(error).hint("mlship login " + place_.host);
  }
  const Json answer = parse_json(response.body, ErrorCode::unauthorized, "the token of " + place_.host);
  std::string token = answer.is_object() ? text_of(answer, "token") : "";
  if (token.empty() && answer.is_object()) token = text_of(answer, "access_token");
  const bool printable =
      std::all_of(token.begin(), token.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  if (token.empty() || !printable) {
    throw Error(ErrorCode::unauthorized, "cannot " + doing + ": its token server answered without a token");
  }
  seconds life = default_life;
  const auto said = answer.find("expires_in");
  if (said != answer.end() && said->is_number_integer())
    life = std::clamp(seconds(said->get<std::int64_t>()), seconds(0), longest_life);
  // Renewed before it runs out on the way.
  const milliseconds margin = std::min<milliseconds>(seconds(10), milliseconds(life) / 4);
  return {Secret(token), host_.clock.monotonic() + life - margin};
}

}  // namespace mlship
