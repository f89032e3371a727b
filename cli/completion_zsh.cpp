// The script for zsh: a file _mlship in a folder of $fpath, or sourced.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/completion.h"
#include "core/text.h"

namespace mlship {
namespace {

constexpr std::string_view head = R"sh(#compdef mlship
# zsh completion for mlship, made by `mlship completion zsh`

# The names in one table of the project file.
_mlship_names() {
  local -a where names
  local folder=${opt_args[-C]:-${opt_args[--project]:-$project}}
  [[ -n $folder ]] && where=(-C ${(Q)folder})
  names=(${(f)"$(_call_program names mlship $where config --json 2>/dev/null | sed -n 's/^ *"name": "'$1'\.\(.*\)",$/\1/p')"})
  compadd -a names
}

_mlship() {
  local curcontext="$curcontext" state state_descr line project
  local -a global commands
  typeset -A opt_args
)sh";

constexpr std::string_view dispatch =
    R"sh(  _arguments -C $global '1: :->command' '*:: :->arguments' && return
  case $state in
    command) _describe -t commands command commands ;;
    arguments)
      project=${opt_args[-C]:-${opt_args[--project]}}
      case $words[1] in
)sh";

constexpr std::string_view tail = R"sh(      esac
      ;;
  esac
}

if [[ $funcstack[1] == _mlship ]]; then
  _mlship "$@"
else
  compdef _mlship mlship
fi
)sh";

// In the description of an option a bracket ends it; in the texts of values a colon does.
std::string escaped(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string value_spec(const ArgumentRow& row) {
  const std::string name = escaped(row.kind == ValueKind::words ? "word" : row.value, ":\\");
  switch (row.kind) {
    case ValueKind::text: return ":" + name + ": ";
    case ValueKind::file:
    case ValueKind::path: return ":" + name + ":_files";
    case ValueKind::folder: return ":" + name + ":_path_files -/";
    case ValueKind::words: return fmt::format(":{}:({})", name, fmt::join(row.words, " "));
    default: return fmt::format(":{}: _mlship_names {}", name, table_of(row.kind));
  }
}

// One word of _arguments: '(-C --project)'{-C,--project}'[help]:DIR:_files -/'
std::string spec(const ArgumentRow& row, size_t position) {
  if (row.positional()) return shell_quoted(fmt::format("{}{}", position, value_spec(row)));
  const std::string rest = "[" + escaped(row.help, "[]\\") + "]" + (row.takes_value() ? value_spec(row) : "");
  if (row.repeats || row.flags.size() == 1)
    return shell_quoted((row.repeats ? "*" : "") + row.flags.front() + rest);
  return fmt::format("'({})'{{{}}}{}", fmt::join(row.flags, " "), fmt::join(row.flags, ","),
                     shell_quoted(rest));
}

std::string specs(const std::vector<ArgumentRow>& rows, std::string_view indent) {
  std::string out;
  size_t position = 0;
  for (const auto& row : rows) {
    if (row.positional()) ++position;
    out += fmt::format("{}{}\n", indent, spec(row, position));
  }
  return out;
}

std::string joined_lines(std::string text) {
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 3)) {
    text.replace(at, 1, " \\\n");
  }
  return text;
}

}  // namespace

std::string zsh_completion(const CommandTable& table) {
  std::string out(head), names, cases;
  for (const auto& command : table.commands) {
    const auto& factory = *command.factory;
    names += fmt::format("    {}\n", shell_quoted(fmt::format("{}:{}", factory.name, factory.summary)));
    std::string rows = joined_lines(specs(command.arguments, "          "));
    if (!rows.empty()) rows = " \\\n" + rows.substr(0, rows.size() - 3);
    cases += fmt::format("        {}) _arguments $global{} ;;\n", factory.name, rows);
  }
  out += "  global=(\n" + specs(table.global, "    ") + "  )\n  commands=(\n" + names + "  )\n";
  return out + std::string(dispatch) + cases + std::string(tail);
}

}  // namespace mlship
