// A command as data plus a function: one file per command in commands/, found by CMake (mlship_table). A
// file's stem is the command's name with `-` as `_`.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "core/error.h"

namespace mlship {

class Arguments;
class Services;

// The headings of `mlship --help`, in this order.
enum class CommandGroup { project, bundle, registry, jobs, record, settings };

using CommandRun = std::function<ExitCode(Services&)>;

struct CommandFactory {
  std::string_view name;
  CommandGroup group;
  std::string_view summary;  // one line of `mlship --help`
  std::string_view details;  // for `mlship NAME --help`: what happens, then examples
  // Declares the command's arguments; what it returns runs with the values that were parsed.
  CommandRun (*setup)(Arguments& arguments);
};
std::span<const CommandFactory* const> command_factories();

}  // namespace mlship
