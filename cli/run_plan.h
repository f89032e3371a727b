// From a plan to a report: what rollout and rollback share.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/error.h"
#include "deployers/plan.h"
#include "deployers/rollout.h"

namespace mlship {

class Ledger;
class Services;

struct PlannedRun {
  Plan plan;
  Release release;      // empty when only pointers move
  std::string command;  // "rollout" | "rollback"
  std::string doing;    // "roll out churn 1.4.0", for the question and messages
  std::optional<PlanRequest> converge;
  Execution execution = {};
  std::optional<Undoing> undoes = std::nullopt;  // see RunContext
  std::string again = {};  // the command that does the rest; "": what the plan and `converge` say
};

// Prints the plan, asks, executes, prints the report.
ExitCode run_plan(Services& services, const PlannedRun& run);
ExitCode resume_run(Services& services, const std::string& id);
// Targets of other machines, and a ledger that only this one has.
bool keeps_to_itself(Services& services);
// A rollout ended before there was a plan to ask about: the ledger is told that it changed nothing, as far as
// ledger and package can be told.
void record_attempt(Services& services, const std::function<std::optional<Plan>()>& asked_for);
// Who is at work on it now, for people; nullopt: nobody.
std::optional<std::string> running_now(Ledger& ledger, const Unfinished& rollout);
// Tells, once, that an earlier run died half-way and how to go on with it.
void mention_unfinished(Services& services, const std::string& package);
// And which rollouts cannot be read, where nothing else says so.
void mention_unreadable(Services& services, const std::string& package);

}  // namespace mlship
