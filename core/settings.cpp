#include "core/settings.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/host/env.h"
#include "core/names.h"
#include "core/text.h"

namespace mlship {
namespace {

constexpr auto settings = std::to_array<ProgramSetting>({
    {"project", "-C,--project", "DIR", "", "MLSHIP_PROJECT", "",
     "the project's folder (default: here or the nearest folder above with mlship.toml)"},
    {"environment", "--env", "NAME", "", "MLSHIP_ENV", "", "the environment to work in"},
    {"registry", "--registry", "NAME|URL", "", "MLSHIP_REGISTRY", "", "the registry to use"},
    {"yes", "-y,--yes", "", "", "MLSHIP_YES", "false", "do not ask"},
    {"color", "--color", "", "auto|always|never", "MLSHIP_COLOR", "auto", "colours (NO_COLOR is honoured)"},
    {"progress", "--progress", "", "auto|always|never|json", "MLSHIP_PROGRESS", "auto",
     "progress on standard error"},
});

constexpr auto variables = std::to_array<Variable>({
    {"PIP_INDEX_URL, UV_INDEX_URL", "the Python package index, as pip and uv read it (pip.conf too)"},
    {"PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS, PIP_NO_INDEX, PIP_CONFIG_FILE, VIRTUAL_ENV",
     "more of pip's own settings that are followed"},
    {"NETRC", "the file with logins of indexes (default: ~/.netrc)"},
    {"HTTPS_PROXY, http_proxy, ALL_PROXY, NO_PROXY", "proxies, as curl reads them"},
    {"SSL_CERT_FILE, SSL_CERT_DIR", "certificates to trust"},
    {"XDG_CONFIG_HOME", "the user file is mlship/config.toml below it (default: ~/.config)"},
    {"DOCKER_CONFIG",
     "the folder of docker's config.json with the registries' credentials (default: ~/.docker)"},
    {"MLSHIP_LEASE_TTL", "seconds after which a run that is not heard of loses a git ledger (default: 60)"},
    {"MLSHIP_PROOF_TIMEOUT", "seconds that a run is waited for as proof (default: 3600)"},
    {"MLSHIP_SOAK_RUNS", "good runs that `--proof soak` wants (default: 3)"},
    {"XDG_DATA_HOME",
     "the default registry and ledger are below its mlship folder (default: ~/.local/share)"},
    {"XDG_CACHE_HOME", "downloads are below its mlship folder (default: ~/.cache)"},
    {"NO_COLOR, TERM, COLUMNS", "no colours; the kind of terminal; its width"},
    {"MLSHIP_PYTHON", "read by the launchers of a runnable tree: the Python interpreter to use"},
});

struct TypeWord {
  KeySpec::Type type;
  std::string_view word;
};
constexpr auto type_words = std::to_array<TypeWord>({
    {KeySpec::Type::string, "text"},
    {KeySpec::Type::boolean, "true or false"},
    {KeySpec::Type::integer, "integer"},
    {KeySpec::Type::string_list, "list of texts"},
    {KeySpec::Type::string_map, "table of texts"},
    {KeySpec::Type::any, "any"},
    {KeySpec::Type::string_or_table, "text or table of one key"},
    {KeySpec::Type::boolean_or_table, "true, false or table"},
});

}  // namespace

std::string_view to_string(KeySpec::Type type) {
  return type_words.at(static_cast<size_t>(type)).word;
}

std::span<const ProgramSetting> program_settings() {
  return settings;
}

std::span<const Variable> other_variables() {
  return variables;
}

const ProgramSetting& program_setting(std::string_view name) {
  const auto row =
      std::find_if(settings.begin(), settings.end(), [&](const auto& s) { return s.name == name; });
  if (row == settings.end()) throw Error(ErrorCode::internal, "no setting '" + std::string(name) + "'");
  return *row;
}

SettingValue resolve_setting(const ProgramSetting& setting, const std::optional<std::string>& said,
                             const Env& env) {
  if (said) return {*said, Origin::flag, std::string(setting.flag())};
  const auto text = env.get(setting.variable);
  if (!text) return {std::string(setting.default_value), Origin::built_in, "built-in default"};
  const auto words = pieces(setting.words, "|");
  if (!words.empty() && std::find(words.begin(), words.end(), *text) == words.end()) {
    throw Error(ErrorCode::usage, "cannot use " + std::string(setting.variable) + "=" + *text +
                                      ": not one of " + std::string(setting.words) +
                                      did_you_mean(*text, words));
  }
  return {*text, Origin::environment, std::string(setting.variable)};
}

}  // namespace mlship
