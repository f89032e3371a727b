// Completion scripts for shells, made from what the commands declare. They know every command, flag and
// closed list by heart; names of targets, environments and registries they ask `mlship config --json`, which
// reads the project file and nothing else.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/app.h"

namespace mlship {

struct CompletionShell {
  std::string_view name;
  std::string (*script)(const CommandTable& table);
};
std::span<const CompletionShell> completion_shells();

std::string bash_completion(const CommandTable& table);
std::string zsh_completion(const CommandTable& table);
std::string fish_completion(const CommandTable& table);

// The table of the project file whose names a value has ("targets"); "" for the other kinds.
std::string_view table_of(ValueKind kind);

}  // namespace mlship
