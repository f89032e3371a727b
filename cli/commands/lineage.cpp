// `mlship lineage`: one object over time.
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

constexpr size_t shown_commit = 12;  // hex digits

struct Options {
  std::string object;
};

void add_rows(Table& table, const LineageEntry& entry) {
  const HistoryEntry& rollout = entry.rollout;
  if (!rollout.problem.empty())
    table.add({"", rollout.id, "", "", rollout.state, "", "", "", rollout.problem});
  std::string commits;
  for (const auto& commit : rollout.commits) {
    commits += (commits.empty() ? "" : " ") + commit.substr(0, shown_commit);
  }
  for (const auto& change : entry.changes) {
    table.add({human_time(rollout.started), rollout.id, change.from, change.to,
               std::string(to_string(change.outcome)), change.object.id, rollout.who + "@" + rollout.host,
               commits, change.detail});
  }
}

ExitCode run(const Options& options, Services& services) {
  HistoryFilter filter;
  if (const auto environment = services.environment_if_clear()) filter.environment = environment->name;
  const auto entries = lineage(services.ledger(), filter, options.object);
  if (entries.empty()) {
    throw Error(ErrorCode::not_found, "cannot show " + options.object + ": no rollout in the ledger " +
                                          services.ledger().url() + " planned to change it")
        .hint("mlship status");
  }
  Table table({"WHEN", "ROLLOUT", "FROM", "TO", "OUTCOME", "OBJECT", "WHO", "COMMIT", "DETAIL"});
  OrderedJson rows = OrderedJson::array();
  for (const auto& entry : entries) {
    add_rows(table, entry);
    OrderedJson row = to_json(entry.rollout);
    row["changes"] = to_json(entry.changes);
    rows.push_back(std::move(row));
  }
  auto& out = services.out();
  out.text(table.render(out.width(), out.style()));
  out.document({{"schema", "mlship.lineage/2"}, {"selector", options.object}, {"entries", rows}});
  return ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.required(options->object, "OBJECT",
                     "an object's id or name, which means it alone, or a glob over them");
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory lineage_factory{
    "lineage", CommandGroup::record, "one object over time: what it ran, since when, from which commit",
    "  mlship lineage /etc/cron.d/churn:3\n  mlship lineage 'nightly-*'", setup};

}  // namespace mlship
