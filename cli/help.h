// `mlship --help` and `mlship COMMAND --help`: a newcomer must be able to work from them.
#pragma once

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
// Every environment variable that is read, with what it does.
std::vector<std::pair<std::string, std::string>> variable_rows();
// "mlship plan [REF] [FLAG…]"
std::string usage_line(const CommandFactory& factory, const std::vector<ArgumentRow>& arguments);

std::string program_help(const CommandLine& line, const Style& style);
std::string command_help(const CommandLine& line, const Style& style);

}  // namespace mlship
