#include "core/settings.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/host/env.h"

namespace mlship {
namespace {

constexpr auto settings = std::to_array<ProgramSetting>({
    {"project", "--project", "MLSHIP_PROJECT", "here or above", "the folder with mlship.toml"},
    {"environment", "--env", "MLSHIP_ENV", "the only one", "the [environments] entry to work in"},
    {"registry", "--registry", "MLSHIP_REGISTRY", "the environment's", "a [registries] entry or a URL"},
    {"yes", "--yes", "MLSHIP_YES", "false", "do not ask before writing"},
    {"color", "--color", "MLSHIP_COLOR", "auto", "auto, always or never"},
    {"progress", "--progress", "MLSHIP_PROGRESS", "auto", "auto, always, never or json"},
});

}  // namespace

std::span<const ProgramSetting> program_settings() {
  return settings;
}

const ProgramSetting& program_setting(std::string_view name) {
  const auto row =
      std::find_if(settings.begin(), settings.end(), [&](const auto& s) { return s.name == name; });
  if (row == settings.end()) throw Error(ErrorCode::internal, "no setting '" + std::string(name) + "'");
  return *row;
}

SettingValue resolve_setting(const ProgramSetting& setting, const std::optional<std::string>& said,
                             const Env& env, const std::optional<SettingValue>& file) {
  if (said) return {*said, Origin::flag, std::string(setting.flag)};
  if (const auto text = env.get(setting.variable)) {
    return {*text, Origin::environment, std::string(setting.variable)};
  }
  if (file) return *file;
  return {std::string(setting.default_text), Origin::built_in, "built-in default"};
}

}  // namespace mlship
