#include "cli/run_plan.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>

#include <fmt/core.h>

#include "cli/confirm.h"
#include "cli/interrupt.h"
#include "cli/release_source.h"
#include "cli/render.h"
#include "cli/render_plan.h"
#include "cli/selection.h"
#include "cli/services.h"
#include "core/json_library.h"
#include "deployers/attempt.h"
#include "deployers/ledger/ledger.h"
#include "deployers/record.h"
#include "registry/provenance.h"

namespace mlship {
namespace {

Engine engine_of(Services& services) {
  return {services.targets(),     services.ledger(), services.source(),          services.host(),
          services.diagnostics(), interrupted(),     services.project().objects, {}};
}

// Commits are for the audit: a registry that cannot tell them does not stop a rollout.
std::vector<std::string> commits_of(Services& services, const Release& release) {
  if (release.digest == Digest{}) return {};
  const auto unreadable = [&](const Error& why) {
    services.diagnostics().warning(fmt::format("the history may lack the commits of {} {}: {}",
                                               release.package, release.version.str(), why.message()));
  };
  std::optional<Provenance> provenance;
  try {
    provenance = get_provenance(services.registry(), release.package, release.digest, unreadable);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted) throw;
    unreadable(error);
  }
  if (!provenance || provenance->commit.empty()) return {};
  return {provenance->commit};
}

RunContext context_of(Services& services, const std::string& command) {
  RunContext context;
  context.command = command;
  context.who = services.host().env.user();
  context.host = services.host().env.host();
  context.environment = services.environment().name;
  return context;
}

ExitCode exit_of(const RolloutReport& report) {
  if (report.state == "interrupted") return ExitCode::interrupted;
  return report.complete() ? ExitCode::done : ExitCode::partial;
}

// How a rollout can end other than done, and what to do then; {0} is its id, {1} the command that does the
// rest.
struct EndRow {
  std::string_view state, cause, hint;
};
constexpr auto ends = std::to_array<EndRow>({
    {"interrupted", "interrupted; what is listed as pending is as it was", "mlship rollout --resume={0}"},
    {"paused", "too many failures; what is listed as pending is as it was", "mlship rollout --resume={0}"},
    {"elsewhere", "what is listed as pending belongs to targets that are not configured here",
     "mlship rollout --resume={0}"},
    {"reverted", "too many failures; everything it changed was put back and the version is held",
     "mlship show {0}"},
    {"needs-human", "too many failures, and not everything could be put back", "mlship show {0}"},
    {"taken-over", "another runner took over meanwhile; nothing was written after that", "mlship history"},
    {"skipped", "at least one reference could not be moved; mend what is listed as skipped", "{1}"},
    {"", "at least one reference fell short", "mlship rollout --resume={0}"},
});

// Nothing is left that going on could do.
bool only_skipped(const RolloutReport& report) {
  return report.state == "partial" && !report.skipped.empty() &&
         std::all_of(report.results.begin(), report.results.end(),
                     [](const ObjectResult& r) { return r.proof.empty() && as_asked(r.outcome); });
}

// Stopped by nothing that failed.
bool only_elsewhere(const RolloutReport& report) {
  return report.state == "paused" &&
         std::none_of(report.results.begin(), report.results.end(), [](const ObjectResult& r) {
           return r.outcome == Outcome::failed || r.outcome == Outcome::refused || !r.proof.empty();
         });
}

// What does the rest of a plan once what stood in its way is mended. `like`: what it was made of.
std::string again(const Plan& plan, const std::optional<PlanRequest>& like) {
  if (!plan.to) return "mlship rollback --rollout " + plan.inverse_of;
  const std::string to = plan.to->str();
  if (plan.direction == Direction::up) {
    return fmt::format("mlship rollout {}:{}{}", plan.package, to,
                       (like ? flags_of(*like) : "") + (plan.strict ? " --strict" : ""));
  }
  return fmt::format("mlship rollback {} --to {}{}", plan.package, to, like ? flags_of(*like) : "");
}

// Exit 8 and 130 print the run's document; the reason and the way on go to standard error.
void explain(Services& services, const RolloutReport& report, const std::function<std::string()>& again,
             ExitCode code) {
  if (code == ExitCode::done) return;
  const std::string state = only_skipped(report)     ? "skipped"
                            : only_elsewhere(report) ? "elsewhere"
                                                     : report.state;
  const auto* end =
      std::find_if(ends.begin(), ends.end() - 1, [&](const EndRow& row) { return row.state == state; });
  const std::string what = report.id.empty() ? "the run" : report.id;
  Error error(code == ExitCode::interrupted ? ErrorCode::interrupted : ErrorCode::partial,
              fmt::format("cannot finish {}: {}", what, end->cause));
  if (!report.id.empty() || state == "skipped")
    error =
        std::move(error).hint(services.runnable(fmt::format(fmt::runtime(end->hint), report.id, again())));
  if (services.diagnostics().json_lines()) return services.diagnostics().json_line("error", error.message());
  services.diagnostics().raw(render_error(error, Style(services.terminal().color_err)));
}

// What to do about references that a reason without a command of its own keeps where they are.
struct StaysRow {
  Reason reason;
  std::string_view why, way;
};
constexpr auto stays_rows = std::to_array<StaysRow>({
    {Reason::other_major, "", "mlship plan --compat any"},
    {Reason::opaque, "", "edit them by hand"},
    {Reason::other_kind, "", "edit them by hand, or add the output to [outputs]"},
    {Reason::other_build, "", "mlship publish --artifact FILE"},
});

// A green run that moved nothing says so, in logs that nobody reads a table in too.
void mention_what_stays(Services& services, const std::vector<Skipped>& skipped) {
  std::map<Reason, std::vector<const Skipped*>> by_reason;
  for (const auto& row : skipped) {
    if (row.older && !row.accepted) by_reason[row.reason].push_back(&row);
  }
  for (const auto& [reason, rows] : by_reason) {
    std::string way = rows.front()->hint, why;
    for (const auto& row : stays_rows) {
      if (way.empty() && row.reason == reason) way = row.way;
    }
    if (reason == Reason::other_major && !rows.front()->detail.empty())
      why = " (" + rows.front()->detail + ")";
    const std::string line = fmt::format("{} older {}: {}{}{}", rows.size(),
                                         rows.size() == 1 ? "reference stays" : "references stay",
                                         to_string(reason), why, way.empty() ? "" : "; " + way);
    if (services.diagnostics().json_lines()) {
      services.diagnostics().json_line("stays", line);
    } else {
      services.diagnostics().raw(line + "\n");
    }
  }
}

ExitCode finish(Services& services, const RolloutReport& report, const std::function<std::string()>& again,
                const std::vector<Skipped>& shown, const std::string& command) {
  auto& out = services.out();
  const ExitCode code = exit_of(report);
  out.text(report_text(report, shown, out.width(), out.style()));
  out.document(report_document(report, command));
  out.flush();
  mention_what_stays(services, report.skipped);
  explain(services, report, again, code);
  return code;
}

// With --json the plan is for people all the same: whoever is asked has to see it.
void show_plan(Services& services, const Plan& plan) {
  auto& out = services.out();
  if (!out.json()) {
    out.text(plan_text(plan, out.width(), out.style()));
    return out.flush();  // it is there to be read before anything is changed
  }
  if (services.yes() || services.diagnostics().json_lines()) return;
  services.diagnostics().raw(plan_text(plan, 0, Style(services.terminal().color_err)));
}

}  // namespace

bool keeps_to_itself(Services& services) {
  const auto& targets = services.targets();
  return std::any_of(targets.begin(), targets.end(),
                     [](const auto& target) { return target->is_remote(); }) &&
         !services.ledger().shared();
}

void mention_unfinished(Services& services, const std::string& package) {
  for (const auto& rollout : unfinished_rollouts(services.ledger(), services.environment().name, package)) {
    const std::string what = rollout.command + " " + rollout.id + " of " + rollout.package;
    if (const auto holder = running_now(services.ledger(), rollout)) {
      services.diagnostics().warning(fmt::format("{} is running now: {}", what, *holder));
    } else {
      services.diagnostics().warning(
          fmt::format("{} did not end; go on with it: mlship rollout --resume={}", what, rollout.id));
    }
  }
}

void mention_unreadable(Services& services, const std::string& package) {
  each_open_rollout(
      services.ledger(), services.environment().name, package, [](const RolloutView&) {},
      [&](const std::string&, const Error& e) { services.diagnostics().warning(e.message()); });
}

void record_attempt(Services& services, const std::function<std::optional<Plan>()>& asked_for) {
  try {
    const auto asked = asked_for();
    if (!asked) return;
    record_failed(services.ledger(), services.host().clock, services.diagnostics(), *asked,
                  context_of(services, "rollout"));
  } catch (const Error&) {
    // What is wrong with project, REF or ledger is being said already.
  }
}

std::optional<std::string> running_now(Ledger& ledger, const Unfinished& rollout) {
  return ledger.holder(rollout.package, rollout.targets);
}

ExitCode run_plan(Services& services, const PlannedRun& run) {
  show_plan(services, run.plan);
  if (!run.plan.operations.empty() && keeps_to_itself(services)) {
    services.diagnostics().status("resume and history stay on this machine; set ledger = \"git+https://…\"");
  }
  if (!run.plan.operations.empty() || !run.plan.stuck.empty()) confirm(services, run.doing);
  RunContext context = context_of(services, run.command);
  context.commits = commits_of(services, run.release);
  context.converge = run.converge;
  context.execution = run.execution;
  context.undoes = run.undoes;
  const FinishWriteFirst patience;
  Engine engine = engine_of(services);
  const auto rest = [&] { return run.again.empty() ? again(run.plan, run.converge) : run.again; };
  return finish(services, execute(engine, run.plan, run.release, context), rest, run.plan.skipped,
                run.command);
}

ExitCode resume_run(Services& services, const std::string& id) {
  const RunContext context = context_of(services, services.ledger().read(id).command);
  const FinishWriteFirst patience;
  Engine engine = engine_of(services);
  const RolloutReport report = resume(engine, id, context);
  const auto rest = [&] {
    const RolloutView rollout = read_view(services.ledger(), id);
    const Json& how = rollout.record.execution;
    std::optional<PlanRequest> like;
    if (how.is_object() && how.contains("selection")) like = parse_selection(how.at("selection"));
    return again(rollout.plan, like);
  };
  return finish(services, report, rest, {}, "rollout");
}

}  // namespace mlship
