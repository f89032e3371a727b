#include "deployers/databricks/login.h"

#include <algorithm>
#include <array>

#include "core/host/fs.h"
#include "core/host/http.h"
#include "core/ini.h"
#include "core/names.h"

namespace mlship::databricks {
namespace {

constexpr std::string_view usual_profile = "DEFAULT";
constexpr std::string_view settings_section = "__settings__";  // of Databricks' own tools; no profile

// Ways to log in that a profile may ask for and that are known here.
constexpr auto known_ways = std::to_array<std::string_view>({"", "pat", "oauth-m2m"});

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

// A token or a service principal, and no way to log in that needs another program.
bool usable(const IniSection& profile) {
  const std::string way = value(profile, "auth_type");
  if (std::find(known_ways.begin(), known_ways.end(), way) == known_ways.end()) return false;
  return !value(profile, "token").empty() ||
         (!value(profile, "client_id").empty() && !value(profile, "client_secret").empty());
}

class Finder {
 public:
  Finder(const TargetSection& section, const Env& env) : section_(section), env_(env) {
    path_ = env.get("DATABRICKS_CONFIG_FILE").value_or((env.home() / ".databrickscfg").string());
    if (path_.starts_with("~/")) path_ = (env.home() / path_.substr(2)).string();
    shown_ = path_ == (env.home() / ".databrickscfg").string() ? "~/.databrickscfg" : path_;
    if (fs::exists(path_)) profiles_ = parse_ini(fs::read_file(path_, largest));
    if (const auto settings = profiles_.find(settings_section); settings != profiles_.end()) {
      default_profile_ = value(settings->second, "default_profile");
      profiles_.erase(settings);
    }
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
    if (const std::string chosen = env("DATABRICKS_CONFIG_PROFILE"); !chosen.empty())
      return of_profile(chosen);
    const auto usual = profiles_.find(usual_profile);
    const bool complete =
        usual != profiles_.end() && usable(usual->second) && !value(usual->second, "host").empty();
    if (!complete && profiles_.contains(default_profile_)) return of_profile(default_profile_);
    if (usual != profiles_.end() && !usual->second.empty()) return of_profile(std::string(usual_profile));
    throw Error(ErrorCode::project_file, at() + ": it has no host")
        .hint("set host = \"https://…\" of target " + section_.name + ", or DATABRICKS_HOST");
  }

 private:
  static constexpr std::uint64_t largest = 1U << 20U;  // bytes

  [[nodiscard]] std::string env(const std::string& name) const { return env_.get(name).value_or(""); }

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
    if (const std::string token = env("DATABRICKS_TOKEN"); !token.empty()) {
      const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
      if (std::any_of(token.begin(), token.end(), control)) {
        throw Error(ErrorCode::unauthorized,
                    at() + ": DATABRICKS_TOKEN holds a line break or another control character")
            .hint("set it without: DATABRICKS_TOKEN=$(tr -d '\\r\\n' <FILE)");
      }
      login.token = Secret(token);
      login.origin = "DATABRICKS_TOKEN";
      login.remedy = "make a new token and set DATABRICKS_TOKEN";
      return login;
    }
    const std::string id = env("DATABRICKS_CLIENT_ID"), secret = env("DATABRICKS_CLIENT_SECRET");
    if (id.empty() || secret.empty()) return std::nullopt;
    login.client_id = id;
    login.client_secret = Secret(secret);
    login.origin = "DATABRICKS_CLIENT_ID";
    login.remedy = "make a new secret of the service principal and set DATABRICKS_CLIENT_SECRET";
    return login;
  }

  // The host is known; whoever has credentials for it in the file.
  [[nodiscard]] Login with_host(const std::string& origin) const {
    std::vector<std::string> fit, unfit;
    for (const auto& [name, profile] : profiles_) {
      if (origin_of(value(profile, "host")) == origin) (usable(profile) ? fit : unfit).push_back(name);
    }
    const auto one_of = [&](const std::vector<std::string>& names, std::string_view name) {
      return !name.empty() && std::find(names.begin(), names.end(), name) != names.end();
    };
    if (const std::string chosen = env("DATABRICKS_CONFIG_PROFILE"); !chosen.empty()) {
      if (!one_of(fit, chosen) && !one_of(unfit, chosen)) throw no_credentials(origin);
      return credentials(chosen, profiles_.at(chosen), origin);
    }
    for (const std::string_view preferred : {usual_profile, std::string_view(default_profile_)}) {
      if (one_of(fit, preferred))
        return credentials(std::string(preferred), profiles_.find(preferred)->second, origin);
    }
    if (fit.size() > 1) throw several(origin, fit);
    const auto& names = fit.empty() ? unfit : fit;
    if (names.empty()) throw no_credentials(origin);
    return credentials(names.front(), profiles_.at(names.front()), origin);
  }

  // Which of them may look and which may write is not for us to guess.
  [[nodiscard]] Error several(const std::string& origin, const std::vector<std::string>& names) const {
    std::string all;
    for (const auto& name : names) all += (all.empty() ? "'" : ", '") + name + "'";
    return Error(ErrorCode::unauthorized,
                 at() + ": " + shown_ + " has several profiles for " + origin + ": " + all)
        .hint("set profile = \"" + names.back() + "\" in [targets." + section_.name +
              "], or DATABRICKS_CONFIG_PROFILE");
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
    login.remedy = login.token.empty() ? "make a new secret of the service principal" : "make a new token";
    login.remedy += " and write it into [" + name + "] of " + shown_;
    if (usable(profile)) return login;
    const std::string way = value(profile, "auth_type");
    const bool known = std::find(known_ways.begin(), known_ways.end(), way) != known_ways.end();
    throw Error(ErrorCode::unauthorized, at() + ": " + login.origin +
                                             (known ? " has neither token nor client_id"
                                                    : " logs in by " + way + ", which mlship does not"))
        .hint("add token = … to [" + name + "] of " + shown_);
  }

  [[nodiscard]] Error no_credentials(const std::string& origin) const {
    return Error(ErrorCode::unauthorized, at() + ": there are no credentials for " + origin)
        .hint("set DATABRICKS_HOST=" + origin +
              " and DATABRICKS_TOKEN (or DATABRICKS_CLIENT_ID and _SECRET), or add a profile to " + shown_);
  }

  const TargetSection& section_;
  const Env& env_;
  std::string path_, shown_, default_profile_;
  IniFile profiles_;
};

}  // namespace

Login find_login(const TargetSection& section, const Env& env) {
  return Finder(section, env).find();
}

}  // namespace mlship::databricks
