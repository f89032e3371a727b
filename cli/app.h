// The command line: global flags, the command and its arguments. The contract is product.md; CLI11 does the
// splitting.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/command.h"

namespace mlship {

struct GlobalOptions {
  std::optional<std::string> project;      // -C
  std::optional<std::string> environment;  // --env
  std::optional<std::string> registry;     // --registry
  std::optional<std::string> color, progress;
  bool json = false, quiet = false, verbose = false, yes = false;
};

struct CommandLine {
  GlobalOptions global;
  bool help = false, version = false;
  const CommandFactory* command = nullptr;  // null: none was given
  CommandRun run;
  std::vector<ArgumentRow> arguments;  // of the command
  std::vector<ArgumentRow> global_arguments;
};

// Throws Error(usage) with a did-you-mean for unknown commands and flags.
CommandLine parse_command_line(const std::vector<std::string>& words);
// What every command declares, without parsing anything: for the manual and shell completion.
struct DeclaredCommand {
  const CommandFactory* factory;
  std::vector<ArgumentRow> arguments;
};
struct CommandTable {
  std::vector<ArgumentRow> global;
  std::vector<DeclaredCommand> commands;  // by name
};
CommandTable declared_commands();

// True when the words ask for JSON, whatever else is wrong with them: errors of the parse are documents too.
bool wants_json(const std::vector<std::string>& words);

}  // namespace mlship
