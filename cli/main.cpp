// The program: signals, one catch, exit codes. Only this file ends the process.
#include <clocale>
#include <cstdio>
#include <exception>
#include <vector>

#include <fmt/core.h>

#include "cli/app.h"
#include "cli/help.h"
#include "cli/interrupt.h"
#include "cli/render.h"
#include "cli/services.h"
#include "core/json_library.h"
#include "core/settings.h"

namespace mlship {
namespace {

void report(const Error& error, Stdout& out, Stderr& diagnostics, const Terminal& terminal) {
  if (diagnostics.json_lines()) {
    diagnostics.json_line("error", error.message());
  } else {
    diagnostics.raw(render_error(error, Style(terminal.color_err)));
  }
  out.document(error_document(error));
}

// The one catch: whatever was thrown becomes a report and an exit code.
template <typename Work>
ExitCode guarded(Work&& work, Stdout& out, Stderr& diagnostics, const Terminal& terminal) {
  try {
    const ExitCode code = work();
    out.flush();
    return code;
  } catch (const Error& error) {
    report(error, out, diagnostics, terminal);
    std::fflush(stdout);
    return error.exit_code();
  } catch (const std::exception& error) {
    const Error bug =
        Error(ErrorCode::internal, fmt::format("internal error: {}", error.what()))
            .fact("version", MLSHIP_VERSION)
            .hint("report it with this text and the command line at the project's issue tracker");
    report(bug, out, diagnostics, terminal);
    std::fflush(stdout);
    return ExitCode::internal;
  }
}

// A service account often has no home, or one that takes no folder; which variable leads elsewhere.
std::string hint_without_home(const Error& error, const Env& env) {
  const auto in = [&](const Path& folder) {
    return error.message().find(folder.string()) != std::string::npos;
  };
  const Path home = env.home();
  if (error.exit_code() != ExitCode::local) return "";
  if (in(env.cache_folder()) || in(home / ".cache"))
    return "set XDG_CACHE_HOME to a folder that can be written";
  if (in(env.data_folder()) || in(home / ".local") || (home != "/" && in(home)))
    return "set MLSHIP_REGISTRY to a registry, or XDG_DATA_HOME to a folder that can be written";
  return "";
}

ExitCode run_command(const CommandLine& line, Host& host, Stdout& out, Stderr& diagnostics,
                     const Terminal& terminal) {
  if (line.version) {
    out.text(fmt::format("mlship {}\n", MLSHIP_VERSION));
    out.document({{"schema", "mlship.version/1"}, {"version", MLSHIP_VERSION}});
    return ExitCode::done;
  }
  if (line.help || line.command == nullptr) {
    const std::string text =
        line.command == nullptr ? program_help(line, out.style()) : command_help(line, out.style());
    out.text(text);
    out.document({{"schema", "mlship.help/1"}, {"text", text}});
    return ExitCode::done;
  }
  Services services(line.global, terminal, host, diagnostics, out);
  (void)services.yes_setting();  // a variable that is none is said before anything is done
  try {
    return line.run(services);
  } catch (const Error& error) {
    const std::string& own = error.hint_text();
    throw Error(error).hint(services.runnable(own.empty() ? hint_without_home(error, host.env) : own));
  }
}

ExitCode run(const std::vector<std::string>& words) {
  const Env env = Env::from_process();
  const auto clock = system_clock();
  // Until the command line is understood, errors have to be reported in the form it asks for.
  const auto& color_setting = program_setting("color");
  const Terminal plain = find_terminal(env, env.get(color_setting.variable).value_or("auto"));
  Stdout early_out(plain, wants_json(words));
  Stderr early({ProgressMode::none, false, false, plain.color_err}, *clock);
  CommandLine line;
  std::string color, progress;
  const auto parsed = guarded(
      [&] {
        line = parse_command_line(words);
        color = resolve_setting(color_setting, line.global.color, env).value;
        progress = resolve_setting(program_setting("progress"), line.global.progress, env).value;
        return ExitCode::done;
      },
      early_out, early, plain);
  if (parsed != ExitCode::done) return parsed;

  const Terminal terminal = find_terminal(env, color);
  const auto mode = progress_mode(progress, terminal, line.global.quiet);
  Stderr diagnostics({mode, line.global.quiet, line.global.verbose, terminal.color_err}, *clock);
  Stdout out(terminal, line.global.json);
  const auto http = curl_http(env, *clock);
  const auto process = system_process();
  Host host{env, *clock, *http, *process};
  return guarded([&] { return run_command(line, host, out, diagnostics, terminal); }, out, diagnostics,
                 terminal);
}

}  // namespace
}  // namespace mlship

int main(int argc, char** argv) {
  mlship::catch_interrupts();
  return static_cast<int>(mlship::run({argv + 1, argv + argc}));
}
