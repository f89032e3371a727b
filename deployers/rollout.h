// Executes a plan: intent before write, read back after, state derived from the live object.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "deployers/ledger/ledger.h"
#include "deployers/plan.h"

namespace mlship {

enum class Outcome { updated, unchanged, conflict, refused, failed, reverted, pending };
std::string_view to_string(Outcome outcome);

struct ObjectResult {
  std::string target, object, path, from, to;
  Outcome outcome = Outcome::pending;
  std::string detail;
};

struct RolloutReport {
  std::string id;
  std::string state;  // "committed", "partial", "interrupted", "reverted"
  std::vector<ObjectResult> results;
  std::vector<Skipped> skipped;
  std::int64_t seconds = 0;
  [[nodiscard]] bool complete() const;  // exit 0 rather than 8; false also when interrupted
};

// What a run of the engine works with; all outlive the call.
struct Engine {
  Targets& targets;
  Ledger& ledger;
  ReleaseSource& source;
  Host& host;
  Diagnostics& diagnostics;
  const std::atomic<bool>& interrupted;  // set by SIGINT/SIGTERM: finish the write in flight, then stop
};

struct RunContext {
  std::string command;  // "rollout" | "rollback"
  std::string who, host;
  std::vector<std::string> commits;
  // Set for a rollout without a plan file: after it, discover again (three passes at most) until no old
  // reference remains, so that jobs created meanwhile are caught.
  std::optional<PlanRequest> converge;
};

// Refuses held versions (Error(version_held)) before anything is written.
void check_holds(Ledger& ledger, const std::string& package, const Version& version);
// Takes the ledger for the time of the run (Error(ledger_busy)). Targets' failures are Outcomes; what the
// ledger itself throws (disk full) ends the run, with the command that goes on as hint. An empty plan records
// nothing and has no id, but what a killed run left half done (temporary files) is put right with it too:
// call it for empty plans as well.
RolloutReport execute(Engine& engine, const Plan& plan, const Release& release, const RunContext& context);

// The newest rollout of this environment and package ("": any) when it has not ended; nullopt when it has. An
// unfinished one that a later run went past is history: that run settled what it had left open.
std::optional<std::string> unfinished(Ledger& ledger, const std::string& environment,
                                      const std::string& package);
// Goes on with it: what is live decides what is left to do.
RolloutReport resume(Engine& engine, const std::string& id, const RunContext& context);

// The inverse of one rollout's confirmed operations (reverse order), as a plan: exactly the old texts, where
// the value is still ours; the rest is Skipped as conflict. Nothing is written.
Plan inverse_plan(Ledger& ledger, const std::string& id, Targets& targets);
// The last rollout of the package and environment that changed something and was not undone; nullopt when
// none.
std::optional<std::string> last_rollout(Ledger& ledger, const std::string& environment,
                                        const std::string& package);

}  // namespace mlship
