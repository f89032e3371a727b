// `mlship show`: one rollout in full.
#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/render.h"
#include "cli/render_history.h"
#include "cli/render_plan.h"
#include "cli/services.h"
#include "core/json_library.h"
#include "deployers/history.h"

namespace mlship {
namespace {

struct Options {
  std::string id;
};

std::string text(const RolloutDetails& details, Stdout& out) {
  const auto& entry = details.entry;
  std::string shown = out.style().bold(entry.id) + "\n";
  const auto row = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) shown += fmt::format("  {:<12} {}\n", name, printable(value));
  };
  row("command", entry.command);
  row("package", entry.package);
  row("to", entry.to_version + (entry.to_digest ? " " + entry.to_digest->str() : ""));
  row("undoes", entry.inverse_of);
  row("environment", entry.environment);
  row("state", entry.state);
  row("problem", entry.problem);
  row("who", entry.who + "@" + entry.host);
  row("started", human_time(entry.started));
  row("took", entry.seconds ? human_seconds(*entry.seconds) : "");
  for (const auto& commit : entry.commits) row("commit", commit);
  for (const auto& carrier : details.carriers) row("carrier", carrier.place);
  Table table({"OUTCOME", "TARGET", "OBJECT", "AT", "FROM", "TO", "DETAIL"});
  for (const auto& operation : details.operations) {
    table.add({std::string(to_string(operation.outcome)), operation.target, operation.object.id,
               operation.path, operation.from, operation.to, operation.detail});
  }
  if (!table.empty()) shown += "\n" + table.render(out.width(), out.style());
  if (!details.skipped.empty()) shown += "\n" + skipped_text(details.skipped, out.width(), out.style());
  return shown;
}

ExitCode run(const Options& options, Services& services) {
  const RolloutDetails details = show(services.ledger(), options.id);
  auto& out = services.out();
  out.text(text(details, out));
  OrderedJson document{{"schema", "mlship.show/2"}};
  document.update(to_json(details.entry));
  OrderedJson carriers = OrderedJson::array();
  for (const auto& carrier : details.carriers) {
    carriers.push_back({{"id", carrier.id}, {"place", carrier.place}, {"digest", carrier.digest.str()}});
  }
  document["operations"] = to_json(details.operations);
  document["carriers"] = carriers;
  document["skipped"] = to_json(details.skipped);
  out.document(document);
  return ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.required(options->id, "ID", "a rollout's id, or an unambiguous beginning of one");
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory show_factory{"show", CommandGroup::record,
                                         "one rollout: every reference, from, to, outcome",
                                         "  mlship show 20261121T093854Z-k3f9", setup};

}  // namespace mlship
