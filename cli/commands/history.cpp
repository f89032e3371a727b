// `mlship history`: what the ledger holds.
#include "deployers/history.h"

#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/render.h"
#include "cli/render_history.h"
#include "cli/resolve_ref.h"
#include "cli/services.h"
#include "core/json_library.h"
#include "deployers/ledger/check.h"

namespace mlship {
namespace {

struct Options {
  std::optional<std::string> name;
  bool verify = false;
};

std::string target_of(const HistoryEntry& entry) {
  if (!entry.inverse_of.empty()) return "undo " + entry.inverse_of;
  return entry.to_version.empty() ? "" : "-> " + entry.to_version;
}

// Throws Error(verification) with every finding.
LedgerCheck verified(Ledger& ledger) {
  LedgerCheck check = check_ledger(ledger);
  if (check.findings.empty()) return check;
  Error error(ErrorCode::verification,
              fmt::format("cannot verify the ledger {}: it is not what was written", ledger.url()));
  for (const auto& finding : check.findings) {
    error = std::move(error).fact(finding.rollout.empty() ? "holds" : finding.rollout, finding.problem);
  }
  throw error;
}

ExitCode run(const Options& options, Services& services) {
  std::optional<LedgerCheck> check;
  if (options.verify) check = verified(services.ledger());
  HistoryFilter filter;
  if (options.name) filter.package = parse_ref(*options.name).package;
  // One ledger may serve several environments; without one that is clear all are shown.
  if (const auto environment = services.environment_if_clear()) filter.environment = environment->name;
  const auto entries = history(services.ledger(), filter);
  Table table({"ID", "COMMAND", "PACKAGE", "TO", "STATE", "WHO", "STARTED", "TOOK", "RESULT"});
  OrderedJson rows = OrderedJson::array();
  for (const auto& entry : entries) {
    table.add({entry.id, entry.command, entry.package, target_of(entry),
               entry.problem.empty() ? entry.state : entry.state + ": " + entry.problem,
               entry.who + "@" + entry.host, human_time(entry.started),
               entry.seconds ? human_seconds(*entry.seconds) : "", counts_text(entry)});
    rows.push_back(to_json(entry));
  }
  auto& out = services.out();
  services.diagnostics().detail("ledger " + services.ledger().url());
  const std::string none =
      filter.package.empty() ? "no rollouts yet\n" : "no rollouts of " + filter.package + " yet\n";
  out.text(table.empty() ? none : table.render(out.width(), out.style()));
  OrderedJson document = {{"schema", "mlship.history/1"}, {"entries", rows}};
  if (check) {
    out.text(
        fmt::format("verified: {} rollouts, {} lines; the entries chain\n", check->rollouts, check->entries));
    document["verified"] = {{"rollouts", check->rollouts}, {"lines", check->entries}};
  }
  out.document(document);
  return ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional(options->name, "NAME", "one package (default: all)");
  arguments.flag(options->verify, "--verify",
                 "check that all entries chain by sha256; exit 9 when they do not");
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory history_factory{"history", CommandGroup::record,
                                            "who rolled out what, when, and how it went",
                                            "The newest first. `mlship show ID` has the details.", setup};

}  // namespace mlship
