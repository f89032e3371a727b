#include "cli/app.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "core/names.h"
#include "core/settings.h"
#include "core/text.h"

namespace mlship {
namespace {

struct Entry {
  const CommandFactory* factory;
  CLI::App* app;
  std::unique_ptr<Arguments> arguments;
  CommandRun run;
};

void add_setting(Arguments& arguments, std::string_view name, std::optional<std::string>& value,
                 std::optional<ValueKind> kind = std::nullopt) {
  const auto& row = program_setting(name);
  const std::string flags(row.flags), help(row.help);
  if (row.words.empty()) {
    arguments.option(value, flags, std::string(row.value), help, kind);
  } else {
    arguments.choice(value, flags, pieces(row.words, "|"), help);
  }
}

void add_global_flags(Arguments& arguments, CommandLine& line) {
  auto& global = line.global;
  add_setting(arguments, "project", global.project);
  add_setting(arguments, "environment", global.environment, ValueKind::environment);
  add_setting(arguments, "registry", global.registry, ValueKind::registry);
  arguments.flag(global.json, "--json", "one JSON document on standard output, also for errors");
  arguments.flag(global.quiet, "-q,--quiet", "no status lines, no progress");
  arguments.flag(global.verbose, "-v,--verbose", "say more on standard error");
  add_setting(arguments, "color", global.color);
  add_setting(arguments, "progress", global.progress);
  const auto& yes = program_setting("yes");
  arguments.flag(global.yes, std::string(yes.flags), std::string(yes.help));
  arguments.flag(line.version, "--version", "the version of mlship");
  arguments.flag(line.help, "-h,--help", "this help, or a command's: mlship COMMAND --help");
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const auto* factory : command_factories()) names.emplace_back(factory->name);
  return names;
}

std::vector<std::string> flag_names(const std::vector<ArgumentRow>& rows) {
  std::vector<std::string> names;
  for (const auto& row : rows) names.insert(names.end(), row.flags.begin(), row.flags.end());
  return names;
}

// Other programs have short names for what has a long one here: `-u` is --username.
std::string likely_flag(const std::string& flag, const Entry* entry, const std::vector<std::string>& known) {
  const bool is_short = flag.size() == 2 && flag[1] != '-';
  if (!is_short || entry == nullptr) return did_you_mean(flag, known);
  std::vector<std::string> long_names;
  for (const auto& name : flag_names(entry->arguments->rows())) {
    if (name.starts_with("--" + flag.substr(1))) long_names.push_back(name);
  }
  if (long_names.size() != 1) return did_you_mean(flag, known);
  return fmt::format(" (did you mean '{}'?)", long_names.front());
}

[[noreturn]] void refuse_leftover(const std::string& word, const Entry* entry, const Arguments& global) {
  if (entry == nullptr && !word.starts_with('-')) {
    throw Error(ErrorCode::usage,
                fmt::format("cannot run '{}': no such command{}", word, did_you_mean(word, command_names())))
        .hint(word == "help" ? "mlship COMMAND --help" : "mlship --help");
  }
  const std::string help =
      entry == nullptr ? "mlship --help" : fmt::format("mlship {} --help", entry->factory->name);
  const std::string subject = entry == nullptr ? "mlship" : fmt::format("mlship {}", entry->factory->name);
  if (!word.starts_with('-')) {
    throw Error(ErrorCode::usage, fmt::format("cannot run '{}': it does not take '{}'", subject, word))
        .hint(help);
  }
  const std::string flag = word.substr(0, word.find('='));
  auto known = flag_names(global.rows());
  if (entry != nullptr) {
    const auto more = flag_names(entry->arguments->rows());
    known.insert(known.end(), more.begin(), more.end());
  }
  throw Error(ErrorCode::usage, fmt::format("cannot run '{}': no such flag '{}'{}", subject, flag,
                                            likely_flag(flag, entry, known)))
      .hint(help);
}

// CLI11's own words ("--output: 1 required TEXT missing") in ours; the flag stands before or after them.
struct ParserWords {
  std::string_view theirs, ours;
};
constexpr auto parser_words = std::to_array<ParserWords>({
    {" was given a disallowed flag override", "{} takes no value"},
    {": 1 required ", "{} needs a value"},
    {": At Most 1 required but received ", "{} may be given once"},
});

std::string in_our_words(std::string_view theirs) {
  for (const auto& row : parser_words) {
    const size_t at = theirs.find(row.theirs);
    if (at == std::string_view::npos || at == 0) continue;
    std::string flag(theirs.substr(0, at));
    if (!flag.starts_with('-')) flag.insert(0, flag.size() == 1 ? "-" : "--");
    return fmt::format(fmt::runtime(row.ours), flag);
  }
  return std::string(theirs);
}

[[noreturn]] void refuse(const CLI::ParseError& error, const Entry* entry) {
  std::string why = in_our_words(error.what());
  if (why.size() > 1 && std::isupper(static_cast<unsigned char>(why[0])) != 0 &&
      std::islower(static_cast<unsigned char>(why[1])) != 0) {
    why[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(why[0])));
  }
  const std::string subject = entry == nullptr ? "mlship" : fmt::format("mlship {}", entry->factory->name);
  throw Error(ErrorCode::usage, fmt::format("cannot run '{}': {}", subject, why)).hint(subject + " --help");
}

// `--jobs=$JOB` of a script in which JOB is not set does not mean what `--jobs` alone means.
void refuse_empty_values(const std::vector<std::string>& words, const std::vector<ArgumentRow>& rows) {
  for (const auto& row : rows) {
    if (!row.optional_value) continue;
    const std::string& flag = row.flags.back();
    if (std::find(words.begin(), words.end(), flag + "=") == words.end()) continue;
    throw Error(ErrorCode::usage, fmt::format("cannot use '{}=': there is nothing after the =", flag))
        .hint(fmt::format("write {0}={1}, or {0} alone", flag, row.value));
  }
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& words) {
  CommandLine line;
  CLI::App app;
  app.set_help_flag();
  app.require_subcommand(0, 1);
  Arguments global(app);
  add_global_flags(global, line);
  std::vector<Entry> entries;
  for (const auto* factory : command_factories()) {
    CLI::App* sub = app.add_subcommand(std::string(factory->name));
    sub->fallthrough();
    auto arguments = std::make_unique<Arguments>(*sub);
    auto run = factory->setup(*arguments);
    entries.push_back({factory, sub, std::move(arguments), std::move(run)});
  }
  const auto chosen = [&]() -> Entry* {
    const auto found =
        std::find_if(entries.begin(), entries.end(), [](const Entry& e) { return e.app->parsed(); });
    return found == entries.end() ? nullptr : &*found;
  };
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ExtrasError& error) {
    const auto left = app.remaining(true);
    if (left.empty()) refuse(error, chosen());
    const auto word =
        std::find_if(left.begin(), left.end(), [](const auto& w) { return !w.starts_with('-'); });
    const bool command = chosen() == nullptr && word != left.end();
    refuse_leftover(command ? *word : left.front(), chosen(), global);
  } catch (const CLI::ParseError& error) {
    refuse(error, chosen());
  }
  line.global_arguments = global.rows();
  if (Entry* entry = chosen(); entry != nullptr) {
    line.command = entry->factory;
    line.arguments = entry->arguments->rows();
    refuse_empty_values(words, line.arguments);
    if (!line.help) entry->arguments->check(entry->factory->name);
    line.run = std::move(entry->run);
  }
  return line;
}

CommandTable declared_commands() {
  CommandTable table;
  CLI::App app;
  app.set_help_flag();
  CommandLine line;
  Arguments global(app);
  add_global_flags(global, line);
  table.global = global.rows();
  for (const auto* factory : command_factories()) {
    CLI::App sub;
    sub.set_help_flag();
    Arguments arguments(sub);
    (void)factory->setup(arguments);
    table.commands.push_back({factory, arguments.rows()});
  }
  return table;
}

bool wants_json(const std::vector<std::string>& words) {
  const auto end = std::find(words.begin(), words.end(), "--");
  return std::find(words.begin(), end, "--json") != end;
}

}  // namespace mlship
