// Settings: every value remembers where it came from. flag > environment variable > project file > user file
// > default. The tables here are read by the command line, `mlship config`, --help and the manual.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mlship {

enum class Origin { built_in, user_file, project_file, environment, flag };

struct SettingValue {
  std::string value;
  Origin origin = Origin::built_in;
  std::string where;  // "MLSHIP_YES", "mlship.toml:12", "--env", "built-in default"
};

struct KeyTable;

// One key of the project file: the parser, the docs and the JSON schema read it.
struct KeySpec {
  // string_or_table: the table holds exactly one of its keys.
  enum class Type {
    string,
    boolean,
    integer,
    string_list,
    string_map,
    any,
    string_or_table,
    boolean_or_table
  };
  std::string_view name;
  Type type;
  std::string_view help;
  std::string_view default_text;  // shown; "" when there is none
  bool required = false;
  std::string_view words = "";      // "pep440|semver": the only strings it takes; "": any
  const KeyTable* table = nullptr;  // of the types that may be a table: the table's keys
};
struct KeyTable {
  std::span<const KeySpec> keys;
};
std::string_view to_string(KeySpec::Type type);  // "list of texts"

// What a person sets for a run of the program.
struct ProgramSetting {
  std::string_view name;   // as `mlship config` shows it
  std::string_view flags;  // "-C,--project"
  std::string_view value;  // "DIR"; "" for a switch and for a choice of words
  std::string_view words;  // "auto|always|never"; "" when any text will do
  std::string_view variable;
  std::string_view default_value;  // "" when it is found out (see help)
  std::string_view help;
  [[nodiscard]] std::string_view flag() const { return flags.substr(flags.find("--")); }
};
std::span<const ProgramSetting> program_settings();
// Throws Error(internal) for a name without a row.
const ProgramSetting& program_setting(std::string_view name);

// The environment variables beside those of program_settings().
struct Variable {
  std::string_view names;  // one, or several that belong together: "HTTPS_PROXY, ALL_PROXY"
  std::string_view help;
};
std::span<const Variable> other_variables();

class Env;
// said: the flag's value when it was given. An empty variable counts as unset; one that is not among the
// setting's words is Error(usage).
SettingValue resolve_setting(const ProgramSetting& setting, const std::optional<std::string>& said,
                             const Env& env);

}  // namespace mlship
