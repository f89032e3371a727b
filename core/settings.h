// Settings: every value remembers where it came from. flag > environment variable > project file > user file
// > default.
#pragma once

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

}  // namespace mlship
