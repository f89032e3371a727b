// `mlship completion`: the script that makes a shell complete command lines.
#include "cli/completion.h"

#include <algorithm>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/services.h"
#include "core/json_library.h"

namespace mlship {
namespace {

struct Options {
  std::string shell;
};

ExitCode run(const Options& options, Services& services) {
  const auto shells = completion_shells();
  const auto row =
      std::find_if(shells.begin(), shells.end(), [&](const auto& s) { return s.name == options.shell; });
  const std::string script = row->script(declared_commands());
  services.out().text(script);
  services.out().document({{"schema", "mlship.completion/1"}, {"shell", options.shell}, {"script", script}});
  return ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  std::vector<std::string> names;
  for (const auto& shell : completion_shells()) names.emplace_back(shell.name);
  arguments.required_choice(options->shell, "SHELL", names, "the shell the script is for");
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory completion_factory{
    "completion", CommandGroup::settings, "a script that makes a shell complete mlship's command lines",
    "Completes commands, flags, closed lists and files; names of targets, environments and registries as\n"
    "`mlship config` reads them from the project file. It asks no server.\n"
    "\n"
    "  mlship completion bash >~/.local/share/bash-completion/completions/mlship\n"
    "  mlship completion zsh >~/.zfunc/_mlship            in a folder of $fpath\n"
    "  mlship completion fish >~/.config/fish/completions/mlship.fish",
    setup};

}  // namespace mlship
