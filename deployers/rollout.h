// Executes a plan: intent before write, read back after, state derived from the live object.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "deployers/ledger/ledger.h"
#include "deployers/plan.h"
#include "deployers/proof.h"
#include "deployers/states.h"
#include "deployers/waves.h"

namespace mlship {

enum class Outcome { updated, installed, unchanged, conflict, refused, failed, reverted, pending };
std::string_view to_string(Outcome outcome);
bool as_asked(Outcome outcome);  // the object is as the plan wants it

struct ObjectResult {
  std::string target;
  ObjectInfo object;
  std::string path, from, to;
  Outcome outcome = Outcome::pending;
  std::string detail;
  // With a proof beyond the read-back: "healthy", "unhealthy", "inconclusive", "unproven"; else "".
  std::string proof;
};

struct RolloutReport {
  std::string id;
  // "committed"; "partial": something fell short; "interrupted"; "paused": too many failures, what is left
  // waits; "reverted": too many failures, all is as before; "needs-human": the revert fell short;
  // "taken-over": another runner has the lease.
  std::string state;
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
  std::span<const ObjectSection> objects = {};        // what the project says about them
  std::function<void(const Transition&)> trace = {};  // told of every move of an operation; may be empty
};

enum class OnFailure { revert, freeze, go_on };

// How a rollout goes about it; recorded, so that resuming goes about it the same way.
struct Execution {
  WaveOptions waves;
  size_t max_failures = std::numeric_limits<size_t>::max();  // objects; one more stops the rollout
  OnFailure on_failure = OnFailure::go_on;
  ProofOptions proof;
  std::chrono::seconds margin{60};  // an object that runs within it is not touched, where that would hurt
};
std::optional<OnFailure> parse_on_failure(std::string_view word);  // "revert", "freeze", "continue"
std::optional<Proof> parse_proof(std::string_view word);           // "config", "run", "soak"
Json to_json(const Execution& execution);
Execution parse_execution(const Json& json);  // Error(ledger)
// What convergence looks for, without version and environment.
Json selection_json(const PlanRequest& request);
PlanRequest parse_selection(const Json& json);  // Error(ledger)

// What inverse_plan() was made of.
struct Undoing {
  size_t touched = 0;  // touched_operations() before
  Selection selection;
};

struct RunContext {
  std::string command;  // "rollout" | "rollback"
  std::string who, host;
  std::vector<std::string> commits;
  // Set for a rollout without a plan file: after it, discover again (three passes at most) until no old
  // reference remains, so that jobs created meanwhile are caught.
  std::optional<PlanRequest> converge;
  Execution execution;
  // For the undoing of a rollout. Error(stale_plan) when it is another number once the ledger is held.
  std::optional<Undoing> undoes = std::nullopt;
  std::string environment = {};  // in which a rollout is resumed; "": any
};
// Operations that this rollout changed, or may have. Error(rollout_not_found).
size_t touched_operations(Ledger& ledger, const std::string& id);

// Refuses held versions (Error(version_held)) before anything is written; also down to one.
void check_holds(Ledger& ledger, const std::string& package, const Version& version,
                 Direction direction = Direction::up);
// Takes the ledger for the time of the run (Error(ledger_busy)). Targets' failures are Outcomes; what the
// ledger itself throws (disk full) ends the run, with the command that goes on as hint. An empty plan records
// nothing and has no id, but what a killed run left half done (temporary files) is put right with it too:
// call it for empty plans as well.
RolloutReport execute(Engine& engine, const Plan& plan, const Release& release, const RunContext& context);

// Rollouts of this environment and package ("": any) that have not ended, newest first. One that a later run
// went past, over all its objects, is history: that run settled what it had left open.
struct Unfinished {
  std::string id, command, package;
  std::set<std::string> targets;
};
std::vector<Unfinished> unfinished_rollouts(Ledger& ledger, const std::string& environment,
                                            const std::string& package);
std::optional<std::string> unfinished(Ledger& ledger, const std::string& environment,
                                      const std::string& package);  // the newest
// Goes on with it: what is live decides what is left to do. Error(usage) for a rollout of another environment
// than the context's, Error(stale_plan) for one of which nothing is left.
RolloutReport resume(Engine& engine, const std::string& id, const RunContext& context);

// The inverse of one rollout's confirmed operations (reverse order), as a plan: exactly the old texts, where
// the value is still ours; the rest is Skipped as conflict. `selection` leaves the others out. Nothing is
// written. When not one object can be read, what the first one's reading throws.
Plan inverse_plan(Ledger& ledger, const std::string& id, Targets& targets, const Selection& selection = {});
// What a rollback of the package and environment without an id means.
struct Undoable {
  // The last rollout that changed something and is not undone. One whose rollback fell short is not.
  std::optional<std::string> rollout;
  // Rollouts after it that leave nothing to undo: the last one if it changed nothing, and the last that is
  // undone already; "" when there is none.
  std::string empty, undone;
  bool known = false;  // the ledger has some run of it
  // What was passed over on the way there, because it cannot be read: why, newest first.
  std::vector<std::string> unreadable;
};
Undoable undoable(Ledger& ledger, const std::string& environment, const std::string& package);
// What `rollback` undoes: Undoable::rollout, unless a rollout after it changed nothing or is undone. Then
// nothing is to be undone: neither `rollout … || rollback` nor a rollback run twice takes a good version
// back.
std::optional<std::string> last_rollout(Ledger& ledger, const std::string& environment,
                                        const std::string& package);

}  // namespace mlship
