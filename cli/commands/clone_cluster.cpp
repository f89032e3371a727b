// `mlship clone-cluster`: an interactive Databricks cluster like a job's.
#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/render.h"
#include "cli/services.h"
#include "core/json_library.h"
#include "deployers/databricks/clone.h"

namespace mlship {
namespace {

constexpr std::string_view kind = "databricks";

struct Options {
  std::optional<std::string> job, task, target;
};

// The one named, or the only workspace there is.
const TargetSection& workspace(Services& services, const std::optional<std::string>& named) {
  if (named) services.check_target_names({*named});
  std::vector<const TargetSection*> found;
  std::string names;
  for (const auto& target : services.targets()) {
    const TargetSection& section = target->section();
    if (section.kind != kind || (named && section.name != *named)) continue;
    found.push_back(&section);
    names += (names.empty() ? "" : " ") + section.name;
  }
  if (found.size() == 1) return *found.front();
  if (found.empty()) {
    throw Error(ErrorCode::no_target,
                named ? fmt::format("cannot clone a cluster: target '{}' is no Databricks workspace", *named)
                      : std::string("cannot clone a cluster: no target is a Databricks workspace"))
        .hint("mlship targets");
  }
  throw Error(ErrorCode::usage, "cannot clone a cluster: there are several workspaces: " + names)
      .hint("add --target " + found.front()->name);
}

ExitCode run(const Options& options, Services& services) {
  if (!options.job) {
    throw Error(ErrorCode::usage, "cannot clone a cluster: --job is missing")
        .hint("mlship clone-cluster --job NAME");
  }
  const auto clone = databricks::clone_cluster(workspace(services, options.target), services.host(),
                                               *options.job, options.task.value_or(""));
  services.out().text(fmt::format("{} {}\n{}\n", clone.cluster_id, clone.cluster_name, clone.url));
  OrderedJson libraries = OrderedJson::array();
  for (const auto& library : clone.libraries) {
    services.out().text("  " + library + "\n");
    libraries.push_back(OrderedJson::parse(library));
  }
  services.out().document(
      {{"schema", "mlship.clone-cluster/1"},
       {"job", {{"id", clone.job_id}, {"name", clone.job_name}}},
       {"cluster", {{"id", clone.cluster_id}, {"name", clone.cluster_name}, {"url", clone.url}}},
       {"libraries", libraries}});
  return ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.option(options->job, "--job", "JOB", "name or id of the job");
  arguments.option(options->task, "--task", "KEY", "the task whose cluster it is, where they have several");
  arguments.option(options->target, "--target", "NAME", "the workspace, where there are several",
                   ValueKind::target);
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory clone_cluster_factory{
    "clone-cluster", CommandGroup::jobs, "an interactive Databricks cluster like a job's, with its libraries",
    "It ends by itself after two idle hours, unless the job's cluster says otherwise.\n"
    "\n"
    "  mlship clone-cluster --job 'nightly scores'",
    setup};

}  // namespace mlship
