// Settings: every value remembers where it came from. flag > environment variable > project file > user file
// > default.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mlship {

enum class Origin { built_in, user_file, project_file, environment, flag };

struct SettingValue {
  std::string value;
  Origin origin = Origin::built_in;
  std::string where;  // "MLSHIP_YES", "mlship.toml:12", "--env", "built-in default"
};

// One row of the table that --help, `mlship config` and the docs read.
struct KeySpec {
  enum class Type { string, boolean, integer, string_list, string_map, any };
  std::string_view name;
  Type type;
  std::string_view help;
  std::string_view default_text;  // shown; "" when there is none
  bool required = false;
};

// What a person sets for a run of the program; one row for flag, variable, `mlship config` and --help.
struct ProgramSetting {
  std::string_view name;      // as `mlship config` shows it
  std::string_view flag;      // "--env"
  std::string_view variable;  // "MLSHIP_ENV"
  std::string_view default_text;
  std::string_view help;
};
std::span<const ProgramSetting> program_settings();
// Throws Error(internal) for a name without a row.
const ProgramSetting& program_setting(std::string_view name);

class Env;
// said: the flag's value when it was given. file: what the project or user file says. An empty variable
// counts as unset.
SettingValue resolve_setting(const ProgramSetting& setting, const std::optional<std::string>& said,
                             const Env& env, const std::optional<SettingValue>& file = std::nullopt);

}  // namespace mlship
