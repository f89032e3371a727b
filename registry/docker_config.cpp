#include "registry/docker_config.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/base64.h"
#include "core/error.h"
#include "core/host/http.h"
#include "core/json_library.h"

namespace mlship {
namespace {

// The one registry whose credentials docker keeps under another name than its host.
constexpr std::string_view hub_key = "https://index.docker.io/v1/";
// What may stand behind the host in a key that means all of it.
constexpr auto host_paths = std::to_array<std::string_view>({"", "/", "/v1", "/v1/", "/v2", "/v2/"});
constexpr auto hub_hosts =
    std::to_array<std::string_view>({"docker.io", "index.docker.io", "registry-1.docker.io"});

bool is_hub(std::string_view host) {
  return std::find(hub_hosts.begin(), hub_hosts.end(), host) != hub_hosts.end();
}

std::string key_of(const std::string& host) {
  return is_hub(host) ? std::string(hub_key) : host;
}

// docker writes hosts; older versions wrote https://HOST/v1/. "": the key names something below a host.
std::string host_in(const std::string& key) {
  const size_t scheme = key.find("://");
  const std::string rest = scheme == std::string::npos ? key : key.substr(scheme + 3);
  const size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view path = std::string_view(rest).substr(slash);
  const bool whole = std::find(host_paths.begin(), host_paths.end(), path) != host_paths.end();
  return whole ? rest.substr(0, slash) : "";
}

// The keys below the host that may serve HOST/PATH, longest first.
std::vector<std::string> keys_below(const std::string& host, const std::string& path) {
  std::string key = (is_hub(host) ? "docker.io" : host) + "/" + path;
  std::vector<std::string> out;
  while (key.ends_with('/')) key.pop_back();
  for (size_t slash = key.rfind('/'); slash != std::string::npos; slash = key.rfind('/')) {
    out.push_back(key);
    key.resize(slash);
  }
  return out;
}

Error unusable(const Path& file, const std::string& why) {
  return Error(ErrorCode::unauthorized, "cannot read " + file.string() + ": " + why)
      .hint("mend the file, or name another folder in DOCKER_CONFIG");
}

std::string text(const OrderedJson& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

const OrderedJson* member(const OrderedJson& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_object() ? &*found : nullptr;
}

bool names(const OrderedJson& config, const char* table, const std::string& key) {
  const OrderedJson* in = member(config, table);
  // An empty entry says that a store has the login, and stores know hosts alone.
  return in != nullptr && in->contains(key) && !in->at(key).empty();
}

// The key that serves HOST/PATH: the longest that is there, else the host's own.
std::string key_for(const OrderedJson& config, const std::string& host, const std::string& path) {
  for (const auto& key : keys_below(host, path)) {
    if (names(config, "auths", key) || names(config, "credHelpers", key)) return key;
  }
  return key_of(host);
}

// The key of "auths" that is `key`, or a host's under any spelling docker has used; "" when there is none.
std::string spelled(const OrderedJson& config, const std::string& key) {
  const OrderedJson* auths = member(config, "auths");
  if (auths == nullptr) return "";
  if (auths->contains(key) && auths->at(key).is_object()) return key;
  const std::string host = host_in(key);
  for (const auto& [other, value] : auths->items()) {
    if (!host.empty() && host_in(other) == host && value.is_object()) return other;
  }
  return "";
}

std::optional<RegistryLogin> login_in(const OrderedJson& entry, const Path& file, const std::string& host) {
  RegistryLogin login;
  login.identity_token = Secret(text(entry, "identitytoken"));
  login.bearer = Secret(text(entry, "registrytoken"));
  login.user = text(entry, "username");
  login.password = Secret(text(entry, "password"));
  const std::string packed = text(entry, "auth");
  if (!packed.empty()) {
    const auto plain = base64_decode(packed);
    const size_t colon = plain ? plain->find(':') : std::string::npos;
    if (colon == std::string::npos)
      throw unusable(file, "'auth' of " + host + " is not base64 of USER:PASSWORD");
    login.user = plain->substr(0, colon);
    // Old versions of docker padded with NUL.
    login.password = Secret(plain->substr(colon + 1, plain->find('\0', colon) - colon - 1));
  }
  if (login.user.empty() && login.basic()) return std::nullopt;
  return login;
}

}  // namespace

DockerConfig::DockerConfig(const Env& env, Process& process) : env_(env), process_(process) {
  const auto folder = env_.get("DOCKER_CONFIG");
  file_ = (folder ? Path(*folder) : env_.home() / ".docker") / "config.json";
}

OrderedJson DockerConfig::read() const {
  const auto content = fs::read_if_exists(file_);
  if (!content || content->find_first_not_of(" \t\r\n") == std::string::npos) return OrderedJson::object();
  (void)parse_json(*content, ErrorCode::unauthorized, file_.string());
  auto config = OrderedJson::parse(*content);
  if (!config.is_object()) throw unusable(file_, "it is not a JSON object");
  return config;
}

// Through a link, as people who keep their settings in a repository have one.
void DockerConfig::write(const OrderedJson& config) const {
  fs::make_folders(file_.parent_path());
  const Path real = fs::exists(file_) ? std::filesystem::canonical(file_) : file_;
  fs::write_atomic(real, config.dump(1, '\t') + "\n", 0600);
}

std::string DockerConfig::helper_of(const OrderedJson& config, const std::string& key) const {
  std::string name;
  if (const auto* helpers = member(config, "credHelpers")) name = text(*helpers, key.c_str());
  // A store knows hosts alone, as docker does.
  if (name.empty() && !host_in(key).empty()) name = text(config, "credsStore");
  if (name.empty()) return "";
  if (name.find('/') != std::string::npos)
    throw unusable(file_, "'" + name + "' is not the name of a credential helper");
  return "docker-credential-" + name;
}

ProcessResult DockerConfig::call(const std::string& helper, const std::string& action,
                                 const std::string& input) const {
  try {
    return process_.run({{helper, action}, {}, {}, input, std::chrono::seconds(60)});
  } catch (const Error& error) {
    throw Error(ErrorCode::unauthorized,
                "cannot use the credential helper " + helper + ": " +
                    (error.code() == ErrorCode::not_found ? "it is not in PATH" : error.message()))
        .fact("named in", file_.string());
  }
}

std::optional<RegistryLogin> DockerConfig::ask(const std::string& helper, const std::string& key) const {
  const auto result = call(helper, "get", key);
  // The helper's own error text may hold anything, secrets too: it is never repeated.
  if (result.exit != 0) {
    if ((result.out + result.err).find("credentials not found") != std::string::npos) return std::nullopt;
    throw Error(ErrorCode::unauthorized, "cannot get the credentials of " + key + ": " + helper +
                                             " get ended with exit " + std::to_string(result.exit))
        .hint("echo " + key + " | " + helper + " get");
  }
  const Json answer = parse_json(result.out, ErrorCode::unauthorized, "the answer of " + helper);
  const auto field = [&](const char* name) {
    return answer.is_object() && answer.contains(name) && answer[name].is_string()
               ? answer[name].get<std::string>()
               : std::string();
  };
  RegistryLogin login;
  login.user = field("Username");
  // docker/docker-credential-helpers: this user name says that the secret is an identity token.
  (login.user == "<token>" ? login.identity_token : login.password) = Secret(field("Secret"));
  return login;
}

std::optional<RegistryLogin> DockerConfig::find(const std::string& host, const std::string& path) const {
  const OrderedJson config = read();
  const std::string key = key_for(config, host, path);
  const std::string helper = helper_of(config, key);
  if (!helper.empty()) {
    if (auto login = ask(helper, key)) return login;
  }
  const std::string entry = spelled(config, key);
  return entry.empty() ? std::nullopt : login_in(config["auths"][entry], file_, host);
}

std::string DockerConfig::store(const std::string& host, const std::string& user, const Secret& password,
                                const std::string& path) const {
  OrderedJson config = read();
  const std::string key = key_for(config, host, path);
  const std::string helper = helper_of(config, key);
  OrderedJson& auths = config["auths"];
  if (!auths.is_object()) auths = OrderedJson::object();
  OrderedJson& entry = auths[key];
  if (helper.empty()) {
    entry = OrderedJson{{"auth", base64_encode(user + ":" + password.reveal())}};
    write(config);
    return file_.string();
  }
  const OrderedJson input{{"ServerURL", key}, {"Username", user}, {"Secret", password.reveal()}};
  const auto result = call(helper, "store", input.dump());
  if (result.exit != 0) {
    throw Error(ErrorCode::unauthorized, "cannot keep the credentials of " + key + ": " + helper +
                                             " store ended with exit " + std::to_string(result.exit))
        .fact("named in", file_.string());
  }
  // As docker does: the entry says that there are credentials, the helper has them.
  entry = OrderedJson::object();
  write(config);
  return helper;
}

bool DockerConfig::erase(const std::string& host, const std::string& path) const {
  OrderedJson config = read();
  const std::string key = key_for(config, host, path);
  const std::string helper = helper_of(config, key);
  const bool there = !helper.empty() && ask(helper, key);
  if (there) {
    const auto result = call(helper, "erase", key);
    if (result.exit != 0) {
      throw Error(ErrorCode::unauthorized, "cannot remove the credentials of " + key + ": " + helper +
                                               " erase ended with exit " + std::to_string(result.exit));
    }
  }
  bool changed = false;
  for (std::string entry = spelled(config, key); !entry.empty(); entry = spelled(config, key)) {
    config["auths"].erase(entry);
    changed = true;
  }
  if (changed) write(config);
  return there || changed;
}

}  // namespace mlship
