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
constexpr auto order =
    std::to_array<std::string_view>({"init", "build", "inspect", "verify", "publish", "tag", "list", "pull",
                                     "scan", "plan", "rollout", "status", "rollback", "history", "show"});

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
    "  REF  churn:1.4.0, churn:stable, churn@sha256:…, layout:DIR/churn:1.4.0; without one the project's own "
    "version\n";
constexpr std::string_view exit_codes =
    "  0 done · 1 internal error · 2 usage · 3 bad project file, lock, bundle or model · 4 authentication\n"
    "  5 not found · 6 conflict, nothing written · 7 network · 8 partial · 9 verification failed · 10 local "
    "system\n"
    "  11 changes are pending (plan --detailed-exitcode) · 130 interrupted\n";
struct Variable {
  std::string_view name, help;
};
constexpr auto variables = std::to_array<Variable>({
    {"MLSHIP_PROJECT", "as -C"},
    {"MLSHIP_ENV", "as --env"},
    {"MLSHIP_REGISTRY", "as --registry"},
    {"MLSHIP_YES=1", "as --yes"},
    {"MLSHIP_COLOR", "as --color"},
    {"MLSHIP_PROGRESS", "as --progress"},
    {"MLSHIP_LEASE_TTL", "seconds after which a run that is not heard of loses a git ledger (default: 60)"},
    {"PIP_INDEX_URL", "the Python package index, as pip reads it (pip.conf too)"},
    {"XDG_DATA_HOME", "the default registry and ledger are below its mlship folder"},
});

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
  for (const auto& row : arguments) {
    std::string shown = row.shown;
    if (const size_t comma = shown.find(','); comma != std::string::npos) shown.insert(comma + 1, " ");
    lines.emplace_back(std::move(shown), row.help);
  }
  return rows(lines);
}

size_t rank(std::string_view name) {
  return static_cast<size_t>(std::find(order.begin(), order.end(), name) - order.begin());
}

std::string commands(const Style& style) {
  std::vector<const CommandFactory*> sorted(command_factories().begin(), command_factories().end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto* a, const auto* b) { return rank(a->name) < rank(b->name); });
  std::string out;
  for (const auto& [group, title] : groups) {
    out += "\n" + style.bold(title) + "\n";
    for (const auto* factory : sorted) {
      if (factory->group == group) out += fmt::format("  {:<10} {}\n", factory->name, factory->summary);
    }
  }
  return out;
}

}  // namespace

std::string program_help(const CommandLine& line, const Style& style) {
  std::string out(about);
  out += "\n" + style.bold("usage:") + " mlship COMMAND [ARGUMENT…]\n";
  out += commands(style);
  out += "\n" + style.bold("Flags of every command") + "\n" + argument_rows(line.global_arguments);
  out += "\n" + style.bold("The way through") + "\n" + std::string(examples);
  out += "\n" + style.bold("Naming a bundle") + "\n" + std::string(references);
  std::vector<std::pair<std::string, std::string>> lines;
  for (const auto* store : ledger_factories()) lines.emplace_back(store->example, store->summary);
  out += "\n" + style.bold("Where the ledger is (environments.NAME.ledger)") + "\n" + rows(lines);
  lines.clear();
  for (const auto& variable : variables) lines.emplace_back(variable.name, variable.help);
  out += "\n" + style.bold("Environment variables") + "\n" + rows(lines);
  return out + "\n" + style.bold("Exit codes") + "\n" + std::string(exit_codes);
}

std::string command_help(const CommandLine& line, const Style& style) {
  const auto& factory = *line.command;
  std::string usage = fmt::format("mlship {}", factory.name);
  std::vector<ArgumentRow> flags, positionals;
  for (const auto& row : line.arguments) (row.positional ? positionals : flags).push_back(row);
  for (const auto& row : positionals) usage += " " + row.shown;
  if (!flags.empty()) usage += " [FLAG…]";
  std::string out = fmt::format("{}\n\n{} {}\n", factory.summary, style.bold("usage:"), usage);
  if (!factory.details.empty()) out += fmt::format("\n{}\n", factory.details);
  if (!positionals.empty()) out += "\n" + style.bold("Arguments") + "\n" + argument_rows(positionals);
  if (!flags.empty()) out += "\n" + style.bold("Flags") + "\n" + argument_rows(flags);
  return out + "\n" + style.bold("Flags of every command") + "\n" + argument_rows(line.global_arguments);
}

}  // namespace mlship
