// The script for fish: a file mlship.fish in a completions folder, or sourced.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/completion.h"
#include "core/text.h"

namespace mlship {
namespace {

constexpr std::string_view head = R"sh(# fish completion for mlship, made by `mlship completion fish`

# What was typed so far without flags and the values of global flags: the command, then its arguments.
function __mlship_words
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if contains -- $word {takes}
            set skip 1
        else if not string match -q -- '-*' $word
            echo $word
        end
    end
end

function __mlship_no_command
    test (count (__mlship_words)) = 0
end

function __mlship_command
    set -l words (__mlship_words)
    test (count $words) -gt 0; and test $words[1] = $argv[1]
end

# The names in one table of the project file.
function __mlship_names
    set -l where
    set -l words (commandline -opc)
    for i in (seq (count $words))
        if contains -- $words[$i] -C --project; and test $i -lt (count $words)
            set where -C $words[(math $i + 1)]
        end
    end
    mlship $where config --json 2>/dev/null | string replace -rf '^ *"name": "'$argv[1]'\.(.*)",$' '$1'
end

complete -c mlship -f
)sh";

std::string value_words(const ArgumentRow& row) {
  switch (row.kind) {
    case ValueKind::text: return "-x";
    case ValueKind::file:
    case ValueKind::path: return "-r -F";
    case ValueKind::folder: return "-x -a '(__fish_complete_directories)'";
    case ValueKind::words: return fmt::format("-x -a '{}'", fmt::join(row.words, " "));
    default: return fmt::format("-x -a '(__mlship_names {})'", table_of(row.kind));
  }
}

std::string condition(std::string_view command) {
  return command.empty() ? "" : fmt::format(" -n '__mlship_command {}'", command);
}

std::string flag_line(std::string_view command, const ArgumentRow& row) {
  std::string out = "complete -c mlship" + condition(command);
  for (const auto& flag : row.flags) {
    out += flag.starts_with("--") ? " -l " + flag.substr(2) : " -s " + flag.substr(1);
  }
  if (row.takes_value()) out += " " + value_words(row);
  return out + " -d " + shell_quoted(row.help) + "\n";
}

// A positional argument that is neither a file nor a closed list has nothing to offer.
std::string argument_line(std::string_view command, const ArgumentRow& row) {
  const std::string lead = "complete -c mlship" + condition(command);
  if (row.kind == ValueKind::words) return lead + fmt::format(" -a '{}'\n", fmt::join(row.words, " "));
  if (row.kind == ValueKind::folder) return lead + " -a '(__fish_complete_directories)'\n";
  return row.kind == ValueKind::file || row.kind == ValueKind::path ? lead + " -F\n" : "";
}

std::string with_value(const CommandTable& table) {
  std::string out;
  for (const auto& row : table.global) {
    if (row.takes_value()) out += fmt::format("{}{}", out.empty() ? "" : " ", fmt::join(row.flags, " "));
  }
  return out;
}

}  // namespace

std::string fish_completion(const CommandTable& table) {
  std::string out(head);
  constexpr std::string_view mark = "{takes}";
  out.replace(out.find(mark), mark.size(), with_value(table));
  for (const auto& row : table.global) out += flag_line("", row);
  for (const auto& command : table.commands) {
    const auto& factory = *command.factory;
    out += fmt::format("complete -c mlship -n __mlship_no_command -a {} -d {}\n", factory.name,
                       shell_quoted(factory.summary));
    for (const auto& row : command.arguments) {
      out += row.positional() ? argument_line(factory.name, row) : flag_line(factory.name, row);
    }
  }
  return out;
}

}  // namespace mlship
