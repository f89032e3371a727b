// `mlship rollout`: plan, confirmation, execution.
#include <charconv>

#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/confirm.h"
#include "cli/release_source.h"
#include "cli/resolve_ref.h"
#include "cli/run_plan.h"
#include "cli/selection.h"
#include "cli/services.h"
#include "core/text.h"
#include "deployers/history.h"
#include "deployers/record.h"

namespace mlship {
namespace {

struct Options {
  PlanOptions plan;
  std::optional<std::string> plan_file, resume;
  std::optional<std::string> canary, wave, max_failures, on_failure, proof;
  bool with_dependencies = false;
};

std::optional<size_t> number(const std::optional<std::string>& text, const std::string& flag, size_t least) {
  if (!text) return std::nullopt;
  size_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < least) {
    throw Error(ErrorCode::usage, fmt::format("cannot roll out: {} takes a whole number from {} on, not '{}'",
                                              flag, least, *text))
        .hint("mlship rollout --help");
  }
  return value;
}

size_t setting_number(Services& services, const char* variable, size_t otherwise) {
  return number(services.host().env.get(variable), variable, 1).value_or(otherwise);
}

// Whoever asks for a canary, waves or a limit wants the rollout to stop when it goes wrong.
Execution execution_of(const Options& options, Services& services) {
  Execution e;
  e.waves.canary = number(options.canary, "--canary", 1).value_or(0);
  e.waves.wave = number(options.wave, "--wave", 1).value_or(0);
  e.waves.with_dependencies = options.with_dependencies;
  const auto limit = number(options.max_failures, "--max-failures", 0);
  const bool careful = options.canary || options.wave || limit || options.on_failure;
  if (careful) {
    e.max_failures = limit.value_or(0);
    e.on_failure = OnFailure::freeze;
  }
  if (options.on_failure) e.on_failure = *parse_on_failure(*options.on_failure);
  if (options.proof) e.proof.proof = *parse_proof(*options.proof);
  e.proof.soak_runs = setting_number(services, "MLSHIP_SOAK_RUNS", e.proof.soak_runs);
  const auto patience = static_cast<size_t>(e.proof.patience.count());
  e.proof.patience = std::chrono::seconds(setting_number(services, "MLSHIP_PROOF_TIMEOUT", patience));
  return e;
}

PlannedRun planned(const PlanRequest& request, Plan plan, const Execution& execution) {
  const std::string doing =
      fmt::format("roll out {} {}", request.release.package, request.release.version.str());
  return {std::move(plan), request.release, "rollout", doing, std::nullopt, execution};
}

// What was asked for, as far as it can be told without the registry; nullopt: not even the package.
std::optional<Plan> asked_for(const std::optional<std::string>& ref, Services& services) {
  Plan asked;
  asked.environment = services.environment().name;
  const auto& own = services.project().package;
  if (!ref) {
    if (!own) return std::nullopt;
    asked.package = own->normal;
    asked.scheme = own->scheme;
    asked.to = Version::parse(own->version, own->scheme);
    return asked;
  }
  const Ref parsed = parse_ref(*ref);
  asked.package = parsed.package;
  asked.scheme = scheme_of(services, parsed.package);
  asked.to = Version::parse(parsed.tag, asked.scheme);
  return asked;
}

// Until the question a rollout may end with nothing begun; a rollback after it has to know.
template <typename Planning>
PlannedRun attempt(Services& services, const std::optional<std::string>& ref, Planning planning) {
  try {
    return planning();
  } catch (const Error&) {
    record_attempt(services, [&] { return asked_for(ref, services); });
    throw;
  }
}

PlannedRun plan_fresh(const Options& options, Services& services) {
  const PlanRequest request = plan_request(services, options.plan);
  check_holds(services.ledger(), request.release.package, request.release.version);
  mention_unfinished(services, request.release.package);
  Plan plan = make_plan(request, services.targets(), services.source(), services.diagnostics());
  PlannedRun run = planned(request, std::move(plan), execution_of(options, services));
  run.converge = request;
  return run;
}

// What decided which references are in the plan decides it again.
void take_flags(const Plan& file, const std::string& path, PlanOptions& options) {
  const auto& compat = file.flags.compat;
  if (compat && options.compat && parse_compat(*options.compat) != compat) {
    throw Error(ErrorCode::usage, fmt::format("cannot use {}: it was made with --compat {}, not --compat {}",
                                              path, to_string(*compat), *options.compat))
        .hint("mlship rollout --plan " + shell_quoted(path));
  }
  if (compat) options.compat = std::string(to_string(*compat));
  options.include_owned = options.include_owned || file.flags.include_owned;
  options.install = options.install || file.flags.install;
}

// What is written in the file is only a wish: it is planned again from what is live, and narrowed to the
// file.
PlannedRun plan_file(const Options& options, Services& services, std::optional<std::string>& ref) {
  const Plan file = parse_plan(fs::read_file(*options.plan_file, largest_plan));
  if (!file.to || file.direction != Direction::up) {
    throw Error(ErrorCode::bad_plan,
                fmt::format("cannot use {}: it is no plan of a rollout", *options.plan_file))
        .hint("mlship plan --out FILE");
  }
  PlanOptions plan_options = options.plan;
  take_flags(file, *options.plan_file, plan_options);
  plan_options.ref = file.package + ":" + file.to->str();
  ref = plan_options.ref;
  const PlanRequest request = plan_request(services, plan_options);
  check_holds(services.ledger(), request.release.package, request.release.version);
  mention_unfinished(services, request.release.package);
  const Plan fresh = make_plan(request, services.targets(), services.source(), services.diagnostics());
  PlannedRun run = planned(request, narrow(file, fresh, services.targets()), execution_of(options, services));
  run.again = "mlship rollout --plan " + shell_quoted(*options.plan_file);
  return run;
}

// The one to go on with: of the project's package, when it has one. A run that is under way is not asked for.
std::string rollout_to_resume(Services& services) {
  const std::string& environment = services.environment().name;
  const auto& package = services.project().package;
  auto all = unfinished_rollouts(services.ledger(), environment, package ? package->normal : "");
  if (all.size() > 1) {
    std::erase_if(all, [&](const Unfinished& rollout) { return running_now(services.ledger(), rollout); });
  }
  if (all.size() == 1) return all.front().id;
  if (all.empty()) {
    throw Error(ErrorCode::rollout_not_found,
                fmt::format("cannot resume: nothing to resume in environment '{}'", environment))
        .hint("mlship history");
  }
  Error error(ErrorCode::usage, fmt::format("cannot resume: {} rollouts did not end in environment '{}'",
                                            all.size(), environment));
  for (const auto& rollout : all) {
    error = std::move(error).fact(rollout.id, fmt::format("{} of {} on {}", rollout.command, rollout.package,
                                                          fmt::join(rollout.targets, ", ")));
  }
  throw std::move(error).hint("mlship rollout --resume=" + all.front().id);
}

ExitCode run_resume(const Options& options, Services& services) {
  std::string id = *options.resume;
  try {
    id = id.empty() ? rollout_to_resume(services) : show(services.ledger(), id).entry.id;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::rollout_not_found)
      record_attempt(services, [&] { return asked_for(std::nullopt, services); });
    throw;
  }
  check_resumable(read_view(services.ledger(), id), services.environment().name);
  services.diagnostics().status("going on with " + id);
  confirm(services, "go on with " + id);
  return resume_run(services, id);
}

void check_alone(const Options& options) {
  const bool named = options.plan.ref.has_value();
  const auto refuse = [](const std::string& why) {
    throw Error(ErrorCode::usage, "cannot roll out: " + why).hint("mlship rollout --help");
  };
  if (options.resume && (named || options.plan_file))
    refuse("--resume goes on with a rollout; it takes no REF and no --plan");
  const bool how = options.canary || options.wave || options.max_failures || options.on_failure ||
                   options.proof || options.with_dependencies || options.plan.include_owned ||
                   options.plan.install;
  if (options.resume && how) refuse("--resume goes about it as the rollout began; it takes no other flags");
  if (options.plan_file && named) refuse("the plan file says what to roll out; it takes no REF");
}

ExitCode run(const Options& options, Services& services) {
  check_alone(options);
  if (options.resume) return run_resume(options, services);
  std::optional<std::string> ref = options.plan.ref;
  return run_plan(services, attempt(services, ref, [&] {
                    return options.plan_file ? plan_file(options, services, ref)
                                             : plan_fresh(options, services);
                  }));
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  add_plan_options(arguments, options->plan);
  arguments.flag(options->plan.strict, "--strict", "exit 8 when any older reference is left behind");
  arguments.option(options->plan_file, "--plan", "FILE",
                   "execute what `plan --out FILE` wrote, where it still fits");
  arguments.optional_value(options->resume, "--resume", "ID",
                           "go on with a rollout that did not end (default: the last)");
  arguments.option(options->canary, "--canary", "N",
                   "change N objects first, of every kind some, the least critical first; then wider waves");
  arguments.option(options->wave, "--wave", "N", "at most N objects at once before looking at the results");
  arguments.option(options->max_failures, "--max-failures", "N",
                   "objects that may fail before it stops (default with these flags: 0)");
  arguments.choice(options->on_failure, "--on-failure", {"revert", "freeze", "continue"},
                   "then: put everything back, leave the rest alone (default), or go on");
  arguments.choice(options->proof, "--proof", {"config", "run", "soak"},
                   "what counts as done: read back (default), a run of each object, its next natural runs");
  arguments.flag(options->with_dependencies, "--with-dependencies",
                 "in the order in which objects need each other");
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory rollout_factory{
    "rollout", CommandGroup::jobs, "change the jobs: plan, confirmation, execution, read back",
    "Puts first what the jobs need (an installed tree, a wheel), then changes exactly the planned references "
    "and reads\n"
    "each back. Running it again after a crash finishes the work. Without a terminal it needs --yes or "
    "MLSHIP_YES=1.\n"
    "Exit 8 when something fell short, 130 when interrupted; both say how to go on.\n"
    "\n"
    "  mlship rollout --jobs\n"
    "  mlship rollout churn:1.4.0 --jobs='nightly*' --yes\n"
    "  mlship rollout --canary 5 --on-failure revert --proof run\n"
    "  mlship rollout --plan plan.json --yes\n"
    "  mlship rollout --resume",
    setup};

}  // namespace mlship
