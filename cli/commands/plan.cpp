// `mlship plan`: what a rollout would change; writes nothing but the plan file it is asked for.

#include <algorithm>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/release_source.h"
#include "cli/render_plan.h"
#include "cli/selection.h"
#include "cli/services.h"
#include "core/json_library.h"
#include "deployers/rollout.h"

namespace mlship {
namespace {

struct Options {
  PlanOptions plan;
  std::optional<std::string> out;
  bool detailed_exitcode = false;
};

ExitCode run(const Options& options, Services& services) {
  const PlanRequest request = plan_request(services, options.plan);
  check_holds(services.ledger(), request.release.package, request.release.version);
  const Plan plan = make_plan(request, services.targets(), services.source(), services.diagnostics());
  if (options.out) fs::write_atomic(*options.out, pretty_json(OrderedJson(to_json(plan))));
  auto& out = services.out();
  out.text(plan_text(plan, out.width(), out.style()));
  out.document(plan_document(plan));
  const bool pending = options.detailed_exitcode && !plan.operations.empty();
  if (pending) return ExitCode::pending;
  const bool broken = std::any_of(plan.skipped.begin(), plan.skipped.end(),
                                  [](const Skipped& row) { return row.reason == Reason::broken; });
  return broken ? ExitCode::partial : ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  add_plan_options(arguments, options->plan);
  arguments.option(options->out, "--out", "FILE", "write the plan file that `rollout --plan FILE` executes");
  arguments.flag(options->detailed_exitcode, "--detailed-exitcode",
                 "exit 11 when there is something to change");
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory plan_factory{
    "plan", CommandGroup::jobs, "the exact list of references that would change, old and new",
    "Reads every target, changes nothing. What is seen and does not move is listed with its reason.\n"
    "\n"
    "  mlship plan\n"
    "  mlship plan churn:1.4.0 --jobs='churn*' --target edge --out plan.json",
    setup};

}  // namespace mlship
