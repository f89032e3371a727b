#include "deployers/databricks/login.h"

#include <algorithm>

#include "core/host/fs.h"
#include "core/host/http.h"
#include "core/ini.h"
#include "core/names.h"

namespace mlship::databricks {
namespace {

constexpr std::string_view default_profile = "DEFAULT";

// "adb-1.net/", "https://adb-1.net/?o=7" -> "https://adb-1.net"; "" for what is no address.
std::string origin_of(std::string text) {
  if (text.empty()) return "";
  if (text.find("://") == std::string::npos) text = "https://" + text;
  const auto url = read_url("", text);
  if (!url || url->host.empty()) return "";
  const bool usual = url->port == (url->scheme == "https" ? "443" : "80");
  return url->scheme + "://" + url->host + (usual ? "" : ":" + url->port);
}

std::string value(const IniSection& section, std::string_view key) {
  const auto found = section.find(key);
  return found == section.end() ? "" : found->second;
}

class Finder {
 public:
  Finder(const TargetSection& section, const Env& env) : section_(section), env_(env) {
    path_ = env.get("DATABRICKS_CONFIG_FILE").value_or((env.home() / ".databrickscfg").string());
    if (path_.starts_with("~/")) path_ = (env.home() / path_.substr(2)).string();
    shown_ = path_ == (env.home() / ".databrickscfg").string() ? "~/.databrickscfg" : path_;
    if (fs::exists(path_)) profiles_ = parse_ini(fs::read_file(path_, largest));
  }

  Login find() {
    const std::string named = section_.text("profile");
    if (!named.empty()) return of_profile(named);
    const std::string said = env_.get("DATABRICKS_HOST").value_or("");
    std::string host = section_.text("host");
    if (host.empty()) host = said;
    if (!host.empty()) {
      const std::string origin = checked(host);
      if (origin_of(said) == origin) {
        if (auto login = of_environment(origin)) return *login;
      }
      return with_host(origin);
    }
    const std::string profile = env_.get("DATABRICKS_CONFIG_PROFILE").value_or(std::string(default_profile));
    if (profiles_.contains(profile)) return of_profile(profile);
    throw Error(ErrorCode::project_file, at() + ": it has no host")
        .hint("set host = \"https://…\" of target " + section_.name + ", or DATABRICKS_HOST");
  }

 private:
  static constexpr std::uint64_t largest = 1U << 20U;  // bytes

  [[nodiscard]] std::string at() const {
    return "cannot use target '" + section_.name + "' of " + section_.at.str();
  }

  [[nodiscard]] std::string checked(const std::string& host) const {
    std::string origin = origin_of(host);
    if (!origin.empty()) return origin;
    throw Error(ErrorCode::project_file, at() + ": '" + host + "' is no address of a workspace")
        .hint("write host = \"https://…\", as the browser shows it");
  }

  [[nodiscard]] std::optional<Login> of_environment(const std::string& origin) const {
    Login login;
    login.host = origin;
    if (const auto token = env_.get("DATABRICKS_TOKEN")) {
      const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
      if (std::any_of(token->begin(), token->end(), control)) {
        throw Error(ErrorCode::unauthorized,
                    at() + ": DATABRICKS_TOKEN holds a line break or another control character")
            .hint("set it without: DATABRICKS_TOKEN=$(tr -d '\\r\\n' <FILE)");
      }
      login.token = Secret(*token);
      login.origin = "DATABRICKS_TOKEN";
      return login;
    }
    const auto id = env_.get("DATABRICKS_CLIENT_ID"), secret = env_.get("DATABRICKS_CLIENT_SECRET");
    if (!id || !secret) return std::nullopt;
    login.client_id = *id;
    login.client_secret = Secret(*secret);
    login.origin = "DATABRICKS_CLIENT_ID";
    return login;
  }

  // The host is known; whoever has credentials for it in the file.
  [[nodiscard]] Login with_host(const std::string& origin) const {
    const auto chosen = env_.get("DATABRICKS_CONFIG_PROFILE");
    for (const auto& [name, profile] : profiles_) {
      if (chosen && name != *chosen) continue;
      if (origin_of(value(profile, "host")) == origin) return credentials(name, profile, origin);
    }
    throw no_credentials(origin);
  }

  [[nodiscard]] Login of_profile(const std::string& name) const {
    const auto found = profiles_.find(name);
    if (found == profiles_.end()) {
      std::vector<std::string> names;
      for (const auto& [known, profile] : profiles_) names.push_back(known);
      throw Error(ErrorCode::unauthorized,
                  at() + ": " + shown_ + " has no profile '" + name + "'" + did_you_mean(name, names))
          .hint("add [" + name + "] with host and token to " + shown_);
    }
    const std::string host = section_.text("host", value(found->second, "host"));
    if (host.empty()) {
      throw Error(ErrorCode::unauthorized, at() + ": profile '" + name + "' of " + shown_ + " has no host")
          .hint("add host = https://… to [" + name + "] of " + shown_);
    }
    const std::string origin = checked(host);
    const std::string own = origin_of(value(found->second, "host"));
    if (own.empty()) {
      throw Error(ErrorCode::unauthorized, at() + ": profile '" + name + "' of " + shown_ +
                                               " does not say which host its credentials are for")
          .hint("add host = " + origin + " to [" + name + "] of " + shown_);
    }
    if (own != origin) {
      throw Error(ErrorCode::project_file,
                  at() + ": its host is " + origin + ", profile '" + name + "' is for " + own)
          .hint("leave out host or profile of [targets." + section_.name + "]");
    }
    return credentials(name, found->second, origin);
  }

  [[nodiscard]] Login credentials(const std::string& name, const IniSection& profile,
                                  const std::string& origin) const {
    Login login;
    login.host = origin;
    login.origin = "profile '" + name + "' of " + shown_;
    login.token = Secret(value(profile, "token"));
    login.client_id = value(profile, "client_id");
    login.client_secret = Secret(value(profile, "client_secret"));
    const bool oauth = !login.client_id.empty() && !login.client_secret.empty();
    if (login.token.empty() && !oauth) {
      throw Error(ErrorCode::unauthorized, at() + ": " + login.origin + " has neither token nor client_id")
          .hint("add token = … to [" + name + "] of " + shown_);
    }
    return login;
  }

  [[nodiscard]] Error no_credentials(const std::string& origin) const {
    return Error(ErrorCode::unauthorized, at() + ": there are no credentials for " + origin)
        .hint("set DATABRICKS_HOST=" + origin +
              " and DATABRICKS_TOKEN (or DATABRICKS_CLIENT_ID and _SECRET), or add a profile to " + shown_);
  }

  const TargetSection& section_;
  const Env& env_;
  std::string path_, shown_;
  IniFile profiles_;
};

}  // namespace

Login find_login(const TargetSection& section, const Env& env) {
  return Finder(section, env).find();
}

}  // namespace mlship::databricks
