// `mlship doctor`: what would not work, and how to put it right.
#include "cli/doctor.h"

#include <algorithm>

#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/render.h"
#include "cli/services.h"
#include "core/json_library.h"

namespace mlship {
namespace {

using Status = Finding::Status;

size_t count(const std::vector<Finding>& findings, Status status) {
  return static_cast<size_t>(
      std::count_if(findings.begin(), findings.end(), [&](const Finding& f) { return f.status == status; }));
}

std::string area_of(const Finding& finding, bool several) {
  return several && !finding.environment.empty() ? finding.environment + " " + finding.area : finding.area;
}

// Not a Table: a cut fix cannot be run.
std::string text_of(const std::vector<Finding>& findings, const Style& style) {
  const bool several = std::any_of(findings.begin(), findings.end(), [&](const Finding& f) {
    return !f.environment.empty() && f.environment != findings.back().environment;
  });
  size_t widest = 0;
  for (const auto& f : findings) widest = std::max(widest, columns(area_of(f, several)));
  std::string out;
  for (const auto& f : findings) {
    const std::string area = area_of(f, several);
    const std::string word = fmt::format("{:<7}", to_string(f.status));
    out += fmt::format("{}  {}{}  {}\n", f.status == Status::ok ? word : style.bold(word), printable(area),
                       std::string(widest - columns(area), ' '), printable(f.detail));
    if (!f.fix.empty()) out += fmt::format("         fix: {}\n", printable(f.fix));
  }
  return out + fmt::format("\n{}, {}\n", human_count(count(findings, Status::problem), "problem"),
                           human_count(count(findings, Status::warning), "warning"));
}

OrderedJson document(const std::vector<Finding>& findings, ExitCode exit) {
  OrderedJson rows = OrderedJson::array();
  for (const auto& f : findings) {
    rows.push_back(
        {{"area", f.area},
         {"environment", f.environment.empty() ? OrderedJson(nullptr) : OrderedJson(f.environment)},
         {"status", to_string(f.status)},
         {"detail", f.detail},
         {"fix", f.fix.empty() ? OrderedJson(nullptr) : OrderedJson(f.fix)},
         {"exit", static_cast<int>(f.exit)}});
  }
  return {{"schema", "mlship.doctor/1"},
          {"checks", rows},
          {"counts",
           {{"ok", count(findings, Status::ok)},
            {"warning", count(findings, Status::warning)},
            {"problem", count(findings, Status::problem)}}},
          {"exit", static_cast<int>(exit)}};
}

ExitCode run(Services& services) {
  const auto findings = examine(services);
  const ExitCode exit = exit_of(findings);
  services.out().text(text_of(findings, services.out().style()));
  services.out().document(document(findings, exit));
  return exit;
}

CommandRun setup(Arguments&) {
  return run;
}

}  // namespace

extern const CommandFactory doctor_factory{
    "doctor", CommandGroup::settings,
    "try the registry, ledger, targets, indexes and credentials; say how to fix what fails",
    "Changes nothing. Without --env every environment is tried. Exit 0 when there is no problem (warnings "
    "are\n"
    "none), else the exit code that a command would end with, 8 when the problems differ.\n"
    "\n"
    "  mlship doctor\n"
    "  mlship doctor --env prod --json",
    setup};

}  // namespace mlship
