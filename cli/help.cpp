#include "cli/help.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/core.h>

#include "cli/render.h"
#include "core/settings.h"
#include "deployers/ledger/ledger.h"

namespace mlship {
namespace {

constexpr auto groups = std::to_array<std::pair<CommandGroup, std::string_view>>({
    {CommandGroup::project, "Start"},
    {CommandGroup::bundle, "Build and look"},
    {CommandGroup::registry, "Publish"},
    {CommandGroup::jobs, "Roll out"},
    {CommandGroup::record, "What happened"},
    {CommandGroup::settings, "Settings"},
});
// The order of work, not of the alphabet; commands that are not named follow.
constexpr auto order = std::to_array<std::string_view>(
    {"init",  "build",  "inspect", "diff", "verify",  "publish", "promote",  "tag",     "list", "pull",
     "login", "logout", "scan",    "plan", "rollout", "status",  "rollback", "history", "show", "lineage"});

constexpr std::string_view about =
    "mlship ships ML pipelines: code, locked dependencies and models in one immutable bundle, and every job "
    "that\n"
    "refers to an older version moved to it, with a plan before, proof after, and a way back.\n";
constexpr std::string_view examples =
    "  mlship init                      write mlship.toml from what is found here\n"
    "  mlship build                     make the bundle dist/NAME-VERSION\n"
    "  mlship publish                   put it into the registry\n"
    "  mlship plan                      see which jobs would change, old and new\n"
    "  mlship rollout --jobs            change them\n"
    "  mlship rollback --to stable      put them back\n";
constexpr std::string_view references =
    "  REF  churn:1.4.0, churn:stable, churn@sha256:…, oci://HOST/NS/churn:1.4.0; without one the project's "
    "own "
    "version\n";
constexpr auto exit_codes = std::to_array<ExitCodeRow>({
    {0, "done"},
    {1, "internal error"},
    {2, "usage"},
    {3, "bad project file, lock, bundle or model"},
    {4, "authentication"},
    {5, "not found"},
    {6, "conflict, nothing written"},
    {7, "network"},
    {8, "partial"},
    {9, "verification failed"},
    {10, "local system"},
    {11, "changes are pending (plan --detailed-exitcode)"},
    {130, "interrupted"},
});
constexpr size_t line_width = 108;

std::string rows(const std::vector<std::pair<std::string, std::string>>& lines) {
  size_t widest = 0;
  for (const auto& [left, right] : lines) widest = std::max(widest, std::min<size_t>(columns(left), 30));
  std::string out;
  for (const auto& [left, right] : lines) {
    out += "  " + left;
    if (columns(left) > widest)
      out += "\n  " + std::string(widest, ' ');
    else
      out += std::string(widest - columns(left), ' ');
    out += "  " + right + "\n";
  }
  return out;
}

std::string argument_rows(const std::vector<ArgumentRow>& arguments) {
  std::vector<std::pair<std::string, std::string>> lines;
  for (const auto& row : arguments) lines.emplace_back(row.shown(), row.help);
  return rows(lines);
}

size_t rank(std::string_view name) {
  return static_cast<size_t>(std::find(order.begin(), order.end(), name) - order.begin());
}

std::string commands(const Style& style) {
  std::string out;
  for (const auto& group : grouped_commands()) {
    out += "\n" + style.bold(group.title) + "\n";
    for (const auto* factory : group.commands)
      out += fmt::format("  {:<13}  {}\n", factory->name, factory->summary);
  }
  return out;
}

std::string environment_variables() {
  std::vector<std::pair<std::string, std::string>> lines;
  for (const auto& [name, help] : variable_rows()) lines.emplace_back(name, help);
  return rows(lines);
}

std::string exit_code_lines() {
  std::string out, line;
  for (const auto& [code, meaning] : exit_codes) {
    const std::string item = fmt::format("{} {}", code, meaning);
    if (!line.empty() && columns(line) + columns(item) + 3 > line_width) {
      out += "  " + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " · ") + item;
  }
  return out + "  " + line + "\n";
}

// "mlship plan [REF] [FLAG…]"
std::string usage_line(const CommandFactory& factory, const std::vector<ArgumentRow>& arguments) {
  std::string usage = fmt::format("mlship {}", factory.name);
  bool flags = false;
  for (const auto& row : arguments) {
    if (row.positional())
      usage += " " + row.shown();
    else
      flags = true;
  }
  return flags ? usage + " [FLAG…]" : usage;
}

}  // namespace

std::vector<HelpGroup> grouped_commands() {
  std::vector<const CommandFactory*> sorted(command_factories().begin(), command_factories().end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto* a, const auto* b) { return rank(a->name) < rank(b->name); });
  std::vector<HelpGroup> out;
  for (const auto& [group, title] : groups) {
    HelpGroup made{title, {}};
    for (const auto* factory : sorted) {
      if (factory->group == group) made.commands.push_back(factory);
    }
    out.push_back(std::move(made));
  }
  return out;
}

HelpTexts help_texts() {
  return {about, examples, references};
}

std::span<const ExitCodeRow> exit_code_rows() {
  return exit_codes;
}

std::vector<std::pair<std::string, std::string>> variable_rows() {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& setting : program_settings()) {
    out.emplace_back(setting.variable, fmt::format("as {}", setting.flag()));
  }
  for (const auto& variable : other_variables()) out.emplace_back(variable.names, variable.help);
  return out;
}

std::string program_help(const CommandLine& line, const Style& style) {
  std::string out(about);
  out += "\n" + style.bold("usage:") + " mlship COMMAND [ARGUMENT…]\n";
  out += commands(style);
  out += "\n" + style.bold("Flags of every command") + "\n" + argument_rows(line.global_arguments);
  out += "\n" + style.bold("The way through") + "\n" + std::string(examples);
  out += "\n" + style.bold("Naming a bundle") + "\n" + std::string(references);
  std::vector<std::pair<std::string, std::string>> stores;
  for (const auto* store : ledger_factories()) stores.emplace_back(store->example, store->summary);
  out += "\n" + style.bold("Where the ledger is (environments.NAME.ledger)") + "\n" + rows(stores);
  out += "\n" + style.bold("Environment variables") + "\n" + environment_variables();
  return out + "\n" + style.bold("Exit codes") + "\n" + exit_code_lines();
}

std::string command_help(const CommandLine& line, const Style& style) {
  const auto& factory = *line.command;
  std::vector<ArgumentRow> flags, positionals;
  for (const auto& row : line.arguments) (row.positional() ? positionals : flags).push_back(row);
  std::string out = fmt::format("{}\n\n{} {}\n", factory.summary, style.bold("usage:"),
                                usage_line(factory, line.arguments));
  if (!factory.details.empty()) out += fmt::format("\n{}\n", factory.details);
  if (!positionals.empty()) out += "\n" + style.bold("Arguments") + "\n" + argument_rows(positionals);
  if (!flags.empty()) out += "\n" + style.bold("Flags") + "\n" + argument_rows(flags);
  return out + "\n" + style.bold("Flags of every command") + "\n" + argument_rows(line.global_arguments);
}

}  // namespace mlship
