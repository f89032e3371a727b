// `mlship rollback`: the inverse of a rollout, or down to a version.
#include <algorithm>
#include <array>
#include <set>

#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/release_source.h"
#include "cli/render.h"
#include "cli/render_plan.h"
#include "cli/resolve_ref.h"
#include "cli/run_plan.h"
#include "cli/selection.h"
#include "cli/services.h"
#include "core/json_library.h"
#include "core/names.h"
#include "deployers/history.h"
#include "deployers/ledger/ledger.h"
#include "deployers/record.h"
#include "deployers/restore.h"

namespace mlship {
namespace {

struct Options {
  std::optional<std::string> name, to, rollout, compat;
  bool release_hold = false;
  SelectionOptions selection;
};

std::string package_of(Services& services, const Options& options) {
  if (options.name) return parse_ref(*options.name).package;
  return services.package_project("mlship rollback NAME").package->normal;
}

ExitCode release_hold(const Options& options, Services& services) {
  const Ref ref = parse_ref(options.name.value_or(""));
  if (ref.tag.empty()) {
    throw Error(ErrorCode::usage, fmt::format("cannot release a hold: '{}' names no version", *options.name))
        .hint(fmt::format("mlship rollback {}:VERSION --release-hold", ref.package));
  }
  const Scheme own = scheme_of(services, ref.package);
  // A package that is not the project's own does not say which it has.
  const bool other = !Version::parse(ref.tag, own) && Version::parse(ref.tag, Scheme::semver);
  const Version version = Version::require(ref.tag, other ? Scheme::semver : own, *options.name);
  const auto& env = services.host().env;
  const std::string who = env.user() + "@" + env.host();
  const auto held = services.ledger().acquire({who + ", rollback --release-hold", ref.package, {}});
  services.ledger().release_hold(ref.package, version, who);
  services.out().text(fmt::format("{} {} may be rolled out again\n", ref.package, version.str()));
  services.out().document({{"schema", "mlship.rollback/2"},
                           {"id", ""},
                           {"state", "hold-released"},
                           {"package", ref.package},
                           {"version", version.str()},
                           {"results", OrderedJson::array()},
                           {"skipped", OrderedJson::array()},
                           {"counts", OrderedJson::object()},
                           {"seconds", 0}});
  return ExitCode::done;
}

constexpr auto not_there = std::to_array<ErrorCode>(
    {ErrorCode::package_not_found, ErrorCode::version_not_found, ErrorCode::tag_not_found});

// What to go down to. A version that the registry does not have is enough when the ledger has texts of it:
// what was shipped before there was a registry, or was deleted from it.
void resolve_down(const Options& options, Services& services, const std::string& package,
                  PlanRequest& request) {
  try {
    request.release = resolve_version_or_tag(services, package, *options.to).release;
  } catch (const Error& error) {
    if (std::find(not_there.begin(), not_there.end(), error.code()) == not_there.end()) throw;
    const auto version = Version::parse(*options.to, scheme_of(services, package));
    const TextHistory history(&services.ledger(), request.environment, package);
    if (!version || !history.knows(*version)) throw Error(error).hint("mlship history " + package);
    services.diagnostics().status(
        fmt::format("{} does not have {} {}: only what the ledger knows of it is put back",
                    services.registry().url(), package, version->str()));
    request.release.package = package;
    request.release.version = *version;
    request.from_ledger = true;
  }
}

// Down to a version: a plan of its own over the objects that stand above it.
ExitCode run_to(const Options& options, Services& services, const std::string& package) {
  PlanRequest request;
  request.environment = services.environment().name;
  request.selection = selection(services, options.selection);
  resolve_down(options, services, package, request);
  request.direction = Direction::down;
  request.compat = options.compat ? parse_compat(*options.compat) : std::nullopt;
  check_holds(services.ledger(), package, request.release.version, Direction::down);
  request.ledger = &services.ledger();
  request.names_must_be_there = true;
  Plan plan = make_plan(request, services.targets(), services.source(), services.diagnostics());
  if (plan.operations.empty() && !any_fell_short(plan.skipped))
    services.diagnostics().status("nothing to roll back");
  const std::string doing = fmt::format("roll {} back to {}", package, request.release.version.str());
  return run_plan(services, {std::move(plan), request.release, "rollback", doing, request});
}

std::vector<std::string> recorded_packages(Ledger& ledger, const std::string& environment) {
  std::set<std::string> names;
  for (const auto& entry : history(ledger, {environment, ""})) names.insert(entry.package);
  return {names.begin(), names.end()};
}

// What they changed is not undone with the rollout that went on with them.
void mention_cut_short(Services& services, const Plan& inverse) {
  const HistoryFilter filter{inverse.environment, inverse.package};
  for (const auto& run : cut_short_before(services.ledger(), filter, inverse.inverse_of)) {
    services.diagnostics().warning(
        fmt::format("{} that {} changed before it was cut short are not among them; then: mlship rollback "
                    "--rollout {}",
                    human_count(run.objects, "object"), run.id, run.id));
  }
}

// The rollout that was asked for by its id; it has to be one of what else was asked for.
std::string named_rollout(Services& services, const std::string& wanted, const std::string& package) {
  const HistoryEntry entry = show(services.ledger(), wanted).entry;
  const std::string& environment = services.environment().name;
  const auto refuse = [&](const std::string& why, const std::string& way_on) {
    throw Error(ErrorCode::usage, fmt::format("cannot undo {}: {}", entry.id, why)).hint(way_on);
  };
  if (!package.empty() && entry.package != package) {
    refuse(fmt::format("it is a rollout of {}, not of {}", entry.package, package),
           fmt::format("mlship rollback {} --rollout {}", entry.package, entry.id));
  }
  if (entry.environment != environment) {
    refuse(fmt::format("it is a rollout in environment '{}', not in '{}'", entry.environment, environment),
           fmt::format("mlship rollback --env {} --rollout {}", entry.environment, entry.id));
  }
  return entry.id;
}

[[noreturn]] void refuse_unknown(Services& services, const std::string& package) {
  const std::string& environment = services.environment().name;
  const auto others = recorded_packages(services.ledger(), environment);
  const auto meant = closest(package, others);
  throw Error(ErrorCode::rollout_not_found,
              fmt::format("cannot roll {} back: the ledger has no rollout of it in environment '{}'{}",
                          package, environment, did_you_mean(package, others)))
      .fact("ledger", services.ledger().url())
      .hint(meant ? "mlship rollback " + *meant : fmt::format("mlship rollback {} --to VERSION", package));
}

void check_names(Services& services, const std::string& id, const Selection& filter) {
  if (!filter.jobs && !filter.services) return;
  Unmet unmet(filter);
  for (const auto& op : read_view(services.ledger(), id).operations) unmet.saw(op.operation.object);
  unmet.check(services.diagnostics());
}

ExitCode run_inverse(const Options& options, Services& services, const std::string& id) {
  const Undoing undoing{touched_operations(services.ledger(), id), selection(services, options.selection)};
  check_names(services, id, undoing.selection);
  Plan plan = inverse_plan(services.ledger(), id, services.targets(), undoing.selection);
  mention_cut_short(services, plan);
  Release release;
  release.package = plan.package;
  if (plan.operations.empty() && !any_fell_short(plan.skipped))
    services.diagnostics().status("nothing to roll back");
  const std::string doing = fmt::format("undo {} of {}", id, plan.package);
  return run_plan(services, {std::move(plan), release, "rollback", doing, std::nullopt, {}, undoing});
}

// The effect that was asked for is there already.
ExitCode nothing_to_undo(Services& services, const Undoable& last, const std::string& package) {
  std::string said = "nothing to undo: every rollout of " + package + " is undone, or changed nothing";
  if (last.rollout) {
    const bool undone = last.empty.empty();
    said = fmt::format("nothing to undo: the last rollout, {}, {}; to undo the one before: {}",
                       undone ? last.undone : last.empty, undone ? "is undone" : "changed nothing",
                       services.runnable("mlship rollback --rollout " + *last.rollout));
  }
  services.out().text(said + "\n");
  services.out().document(report_document({"", "committed", {}, {}, 0}, "rollback"));
  return ExitCode::done;
}

ExitCode run_last(const Options& options, Services& services, const std::string& package) {
  const Undoable last = undoable(services.ledger(), services.environment().name, package);
  for (const auto& why : last.unreadable) services.diagnostics().warning("passed over: " + why);
  if (!last.known) refuse_unknown(services, package);
  if (!last.empty.empty() || !last.undone.empty() || !last.rollout)
    return nothing_to_undo(services, last, package);
  return run_inverse(options, services, *last.rollout);
}

void check_combination(const Options& options) {
  const auto refuse = [](const std::string& why) {
    throw Error(ErrorCode::usage, "cannot roll back: " + why).hint("mlship rollback --help");
  };
  if (options.to && options.rollout) refuse("--to and --rollout are two ways back; give one");
  if (options.compat && !options.to)
    refuse("--compat is for --to; every other rollback puts back what was there");
  if (options.release_hold && (options.to || options.rollout))
    refuse("--release-hold changes no job; give it alone");
  if (options.release_hold && !options.name) refuse("--release-hold needs NAME:VERSION");
}

ExitCode run(const Options& options, Services& services) {
  check_combination(options);
  if (options.release_hold) return release_hold(options, services);
  if (options.rollout) {
    const std::string named = options.name ? parse_ref(*options.name).package : "";
    return run_inverse(options, services, named_rollout(services, *options.rollout, named));
  }
  const std::string package = package_of(services, options);
  return options.to ? run_to(options, services, package) : run_last(options, services, package);
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional(options->name, "NAME",
                       "the package (default: the project's); NAME:VERSION with --release-hold");
  arguments.option(options->to, "--to", "TAG|VERSION", "back to this version wherever a newer one stands");
  arguments.option(options->rollout, "--rollout", "ID", "undo this rollout instead of the last");
  arguments.flag(options->release_hold, "--release-hold", "only allow a version again that was rolled back");
  arguments.choice(options->compat, "--compat", {"major", "minor", "any"},
                   "with --to, which newer references move: same major version (default), same minor, any");
  add_selection(arguments, options->selection);
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory rollback_factory{"rollback", CommandGroup::jobs,
                                             "put every reference of the last rollout back, byte for byte",
                                             "Restores exactly the old texts where the new ones still stand; "
                                             "what somebody changed since is reported, never\n"
                                             "overwritten. The versions that are left are held: a rollout of "
                                             "them is refused until the hold is released.\n"
                                             "\n"
                                             "  mlship rollback\n"
                                             "  mlship rollback --to stable --yes\n"
                                             "  mlship rollback churn:1.4.0 --release-hold",
                                             setup};

}  // namespace mlship
