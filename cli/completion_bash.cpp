// The script for bash 4 and later; it needs no bash-completion package.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/completion.h"
#include "core/text.h"

namespace mlship {
namespace {

constexpr std::string_view head = R"sh(# bash completion for mlship, made by `mlship completion bash`

# The names in one table of the project file.
_mlship_names() {
  "$program" "${where[@]}" config --json 2>/dev/null | sed -n 's/^ *"name": "'"$1"'\.\(.*\)",$/\1/p'
}

_mlship_reply() {
  case $1 in
    folder) mapfile -t COMPREPLY < <(compgen -d -- "$2"); compopt -o filenames 2>/dev/null ;;
    file | path) mapfile -t COMPREPLY < <(compgen -f -- "$2"); compopt -o filenames 2>/dev/null ;;
    environments | registries | targets) mapfile -t COMPREPLY < <(compgen -W "$(_mlship_names "$1")" -- "$2") ;;
    words\ *) mapfile -t COMPREPLY < <(compgen -W "${1#words }" -- "$2") ;;
  esac
}

_mlship() {
  local program=$1 cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
  # readline takes --flag=value for three words
  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD - 2]}; fi
  local command='' flags='' kind='' given=0 i word
  local -a where=() arguments=()
)sh";

constexpr std::string_view walk = R"sh(  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $takes == *" $word "* ]]; then
      [[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))
      ((++i < COMP_CWORD)) && [[ $word == -C || $word == --project ]] && where=(-C "${COMP_WORDS[i]}")
    elif [[ $word == = ]]; then
      ((i++))
    elif [[ $word == -* ]]; then
      continue
    elif [[ -n $command ]]; then
      ((given++))
    else
      command=$word
      case $command in
)sh";

constexpr std::string_view choose = R"sh(      esac
    fi
  done
  if [[ $takes == *" $prev "* ]]; then
    case "$command $prev" in
)sh";

constexpr std::string_view tail = R"sh(    esac
  elif [[ $cur == -* ]]; then
    kind="words $global $flags"
  elif [[ -z $command ]]; then
    kind="words $commands"
  else
    kind=${arguments[given]}
  fi
  _mlship_reply "$kind" "$cur"
}
complete -F _mlship mlship
)sh";

std::string kind_word(const ArgumentRow& row) {
  switch (row.kind) {
    case ValueKind::text: return "text";
    case ValueKind::file: return "file";
    case ValueKind::folder: return "folder";
    case ValueKind::path: return "path";
    case ValueKind::words: return fmt::format("words {}", fmt::join(row.words, " "));
    default: return std::string(table_of(row.kind));
  }
}

std::vector<std::string> flags_of(const std::vector<ArgumentRow>& rows, bool with_value) {
  std::vector<std::string> out;
  for (const auto& row : rows) {
    if (!with_value || row.takes_value()) out.insert(out.end(), row.flags.begin(), row.flags.end());
  }
  return out;
}

std::string command_case(const DeclaredCommand& command) {
  std::string arguments;
  for (const auto& row : command.arguments) {
    if (row.positional()) arguments += (arguments.empty() ? "" : " ") + shell_quoted(kind_word(row));
  }
  return fmt::format("        {}) flags='{}' takes+='{} ' arguments=({}) ;;\n", command.factory->name,
                     fmt::join(flags_of(command.arguments, false), " "),
                     fmt::join(flags_of(command.arguments, true), " "), arguments);
}

// command: "*" for flags of every command.
std::string kind_cases(std::string_view command, const std::vector<ArgumentRow>& rows) {
  std::string out;
  for (const auto& row : rows) {
    if (!row.takes_value()) continue;
    std::string patterns;
    for (const auto& flag : row.flags) {
      patterns += fmt::format("{}{}", patterns.empty() ? "" : " | ",
                              command == "*" ? "*\" " + flag + "\"" : fmt::format("'{} {}'", command, flag));
    }
    out += fmt::format("      {}) kind={} ;;\n", patterns, shell_quoted(kind_word(row)));
  }
  return out;
}

}  // namespace

std::string bash_completion(const CommandTable& table) {
  std::vector<std::string_view> names;
  std::string cases, kinds;
  for (const auto& command : table.commands) {
    names.push_back(command.factory->name);
    cases += command_case(command);
    kinds += kind_cases(command.factory->name, command.arguments);
  }
  return std::string(head) +
         fmt::format("  local global='{}'\n  local takes=' {} '\n  local commands='{}'\n",
                     fmt::join(flags_of(table.global, false), " "),
                     fmt::join(flags_of(table.global, true), " "), fmt::join(names, " ")) +
         std::string(walk) + cases + std::string(choose) + kinds + kind_cases("*", table.global) +
         std::string(tail);
}

}  // namespace mlship
