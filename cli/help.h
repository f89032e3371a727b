// `mlship --help` and `mlship COMMAND --help`: a newcomer must be able to work from them.
#pragma once

#include <string>

#include "cli/app.h"
#include "cli/terminal.h"

namespace mlship {

std::string program_help(const CommandLine& line, const Style& style);
std::string command_help(const CommandLine& line, const Style& style);

}  // namespace mlship
