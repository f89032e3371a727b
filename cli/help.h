// `mlship --help` and `mlship COMMAND --help`: a newcomer must be able to work from them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/app.h"
#include "cli/terminal.h"

namespace mlship {

struct HelpGroup {
  std::string_view title;
  std::vector<const CommandFactory*> commands;  // in the order of work
};
std::vector<HelpGroup> grouped_commands();
struct HelpTexts {
  std::string_view about, examples, references;
};
HelpTexts help_texts();
struct ExitCodeRow {
  int code;
  std::string_view meaning;
};
std::span<const ExitCodeRow> exit_code_rows();
// Every environment variable that is read, with what it does.
std::vector<std::pair<std::string, std::string>> variable_rows();

std::string program_help(const CommandLine& line, const Style& style);
std::string command_help(const CommandLine& line, const Style& style);

}  // namespace mlship
