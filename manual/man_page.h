// Manual pages in man(7), from the table of commands and what `--help` says.
#pragma once

#include <string>

#include "cli/app.h"

namespace mlship {

std::string program_page(const CommandTable& table);                                  // mlship(1)
std::string command_page(const CommandTable& table, const DeclaredCommand& command);  // mlship-plan(1)

}  // namespace mlship
