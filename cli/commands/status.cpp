// `mlship status`: which version every object runs.
#include "deployers/status.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/render.h"
#include "cli/render_plan.h"
#include "cli/resolve_ref.h"
#include "cli/run_plan.h"
#include "cli/selection.h"
#include "cli/services.h"
#include "core/json_library.h"
#include "core/names.h"
#include "deployers/record.h"

namespace mlship {
namespace {

struct Options {
  std::optional<std::string> name;
  SelectionOptions selection;
};

OrderedJson document(const StatusReport& report, const std::string& environment) {
  OrderedJson objects = OrderedJson::array();
  for (const auto& row : report.objects) {
    OrderedJson references = OrderedJson::array();
    for (const auto& reference : row.references) {
      references.push_back(
          {{"package", reference.package},
           {"path", reference.path},
           {"text", reference.text},
           {"form", to_string(reference.form)},
           {"version", reference.version},
           {"digest", reference.digest ? OrderedJson(reference.digest->str()) : OrderedJson(nullptr)},
           {"current", reference.current ? OrderedJson(*reference.current) : OrderedJson(nullptr)},
           {"broken", !reference.broken.empty()}});
    }
    OrderedJson last = nullptr;
    if (row.last)
      last = {
          {"rollout", row.last->rollout}, {"outcome", row.last->outcome}, {"at", human_time(row.last->at)}};
    objects.push_back(
        {{"target", row.target},
         {"object", to_json(row.object)},
         {"references", references},
         {"last", last},
         {"next_run", row.next_run ? OrderedJson(rfc3339(*row.next_run)) : OrderedJson(nullptr)},
         {"drift", row.drift},
         {"pending", row.pending}});
  }
  return {{"schema", "mlship.status/2"},
          {"environment", environment},
          {"objects", objects},
          {"skipped", to_json(report.skipped)}};
}

std::string state_of(const ObjectStatus& object, const ReferenceStatus& reference) {
  if (!reference.broken.empty()) return "broken: " + reference.broken;
  if (!object.drift.empty()) return "drift: " + object.drift;
  if (!reference.current) return "";
  if (!*reference.current) return "not current";
  return object.pending.empty() ? "current" : "current, pending: " + object.pending;
}

// Of a reference that names no version: that it is free to move, or else what it is.
std::string version_of(const ReferenceStatus& reference) {
  if (!reference.version.empty()) return reference.version;
  constexpr auto pinnable = std::to_array<Form>({Form::pin, Form::image, Form::bundle});
  const bool could = std::find(pinnable.begin(), pinnable.end(), reference.form) != pinnable.end();
  return could && !reference.digest ? "unpinned" : std::string(to_string(reference.form));
}

std::string text(const StatusReport& report, const std::string& package, Stdout& out) {
  Table table(
      {"TARGET", "OBJECT", "NAME", "SCHEDULE", "NEXT RUN", "OWNER", "PACKAGE", "VERSION", "STATE", "LAST"});
  for (const auto& row : report.objects) {
    for (const auto& reference : row.references) {
      const std::string name = row.object.name == row.object.id ? "" : row.object.name;
      table.add({row.target, row.object.id, name, row.object.schedule,
                 row.next_run ? rfc3339(*row.next_run) : "", row.object.owner, reference.package,
                 version_of(reference), state_of(row, reference),
                 row.last ? row.last->outcome + " " + row.last->rollout : ""});
    }
  }
  const std::string none =
      package.empty() ? "no references found\n" : "no references to " + package + " found\n";
  table.drop_empty_columns();
  std::string shown = table.empty() ? none : table.render(out.width(), out.style());
  if (!report.skipped.empty()) shown += "\n" + skipped_text(report.skipped, out.width(), out.style());
  return shown;
}

bool any_broken(const StatusReport& report) {
  return std::any_of(report.objects.begin(), report.objects.end(), [](const ObjectStatus& object) {
    const auto broken = [](const ReferenceStatus& r) { return !r.broken.empty() && !r.accepted; };
    return std::any_of(object.references.begin(), object.references.end(), broken);
  });
}

// Of a package that is not the project's own its newest rollout knows.
Scheme scheme_for(Services& services, const StatusRequest& request) {
  Scheme scheme = scheme_of(services, request.package);
  const auto& own = services.project().package;
  if (request.package.empty() || (own && own->normal == request.package)) return scheme;
  each_rollout(
      services.ledger(), request.environment, request.package,
      [&](const RolloutView& rollout) {
        scheme = rollout.plan.scheme;
        return false;
      },
      [](const std::string&, const Error&) {});
  return scheme;
}

ExitCode run(const Options& options, Services& services) {
  StatusRequest request;
  request.environment = services.environment().name;
  if (options.name)
    request.package = parse_ref(*options.name).package;
  else if (services.project().package)
    request.package = services.project().package->normal;
  request.scheme = scheme_for(services, request);
  request.selection = selection(services, options.selection);
  request.now = services.host().clock.now();
  const StatusReport report = status(request, services.targets(), services.ledger());
  for (const auto& warning : report.warnings) services.diagnostics().warning(warning);
  report.unmet.check(services.diagnostics());
  auto& out = services.out();
  out.text(text(report, request.package, out));
  out.document(document(report, request.environment));
  mention_unfinished(services, request.package);
  mention_unreadable(services, request.package);
  return any_fell_short(report.skipped) || any_broken(report) ? ExitCode::partial : ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional(options->name, "NAME", "one package (default: the project's; without a project all)");
  add_selection(arguments, options->selection);
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory status_factory{
    "status", CommandGroup::record, "which version every job runs, and whether it is what was left there",
    "  mlship status\n"
    "  mlship status churn --jobs --json",
    setup};

}  // namespace mlship
