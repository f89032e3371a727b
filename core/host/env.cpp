#include "core/host/env.h"

#include <array>

#include <pwd.h>
#include <unistd.h>

extern char** environ;

namespace mlship {
namespace {

const passwd* account() {
  return getpwuid(getuid());
}

}  // namespace

Env Env::from_process() {
  std::map<std::string, std::string, std::less<>> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string_view::npos) variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return Env(std::move(variables));
}

std::optional<std::string> Env::get(std::string_view name) const {
  const auto found = variables_.find(name);
  if (found == variables_.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

std::filesystem::path Env::home() const {
  if (const auto home = get("HOME")) return *home;
  const passwd* entry = account();
  return entry != nullptr ? entry->pw_dir : "/";
}

namespace {

// XDG base directory specification: a relative path in the variable is invalid and ignored.
std::filesystem::path base(const Env& env, std::string_view variable, std::string_view fallback) {
  const std::filesystem::path folder = env.get(variable).value_or("");
  return (folder.is_absolute() ? folder : env.home() / fallback) / "mlship";
}

}  // namespace

std::filesystem::path Env::config_folder() const {
  return base(*this, "XDG_CONFIG_HOME", ".config");
}
std::filesystem::path Env::data_folder() const {
  return base(*this, "XDG_DATA_HOME", ".local/share");
}
std::filesystem::path Env::cache_folder() const {
  return base(*this, "XDG_CACHE_HOME", ".cache");
}

std::string Env::user() const {
  const passwd* entry = account();
  return entry != nullptr ? entry->pw_name : "uid " + std::to_string(getuid());
}

std::string Env::host() const {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

}  // namespace mlship
