// One rollout of the ledger, read for what it means: which operations were intended, written, answered.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "deployers/ledger/ledger.h"
#include "deployers/plan.h"

namespace mlship {

struct OperationRecord {
  Operation operation;     // as planned; token and locator as of the last result
  bool updated = false;    // a result says that this rollout wrote it
  bool dangling = false;   // an intent without a result: a run died, or could not read, in between
  bool reverting = false;  // the newest intent was to put the old text back
  std::string tag;         // of the newest intent, "" when there was none
  std::string outcome;     // of the newest result, "" when there is none
  std::string detail;
  std::string proof;    // of the newest result: "healthy", "unhealthy", "inconclusive", "unproven", ""
  std::int64_t at = 0;  // of the newest result or intent
  // This rollout changed the object, or may have.
  [[nodiscard]] bool touched() const { return updated || dangling; }
};

struct RolloutView {
  RolloutRecord record;  // plan and entries moved out
  Plan plan;             // with what convergence added
  std::vector<OperationRecord> operations;
  std::string state;  // of the newest state entry, "" when there is none
  std::optional<std::int64_t> seconds;
  // Ended for good; "interrupted" and a killed run have not.
  [[nodiscard]] bool ended() const;
  [[nodiscard]] bool dangling() const;
  // It wrote something, or nobody knows whether it did.
  [[nodiscard]] bool changed_something() const;
  // Nothing is left that going on could do.
  [[nodiscard]] bool closed() const { return ended() && state != "partial"; }
  // Something is left of it: it has not ended, or nobody knows what came of a write.
  [[nodiscard]] bool open() const { return !ended() || dangling(); }
};

// Throws Error(ledger) when the entries do not fit the plan.
RolloutView view(RolloutRecord record);
RolloutView read_view(Ledger& ledger, const std::string& id);
// Error(usage) for a rollout of another environment ("": any is right), Error(stale_plan) for one of which
// nothing is left to go on with.
void check_resumable(const RolloutView& rollout, const std::string& environment);

// Newest first, of this environment and package ("" = any), down to but without `after` ("": all); stops when
// `visit` says false. An unreadable
// rollout is handed to `unreadable` or, without one, thrown: what must not be overlooked cannot be skipped.
void each_rollout(Ledger& ledger, const std::string& environment, const std::string& package,
                  const std::function<bool(const RolloutView&)>& visit,
                  const std::function<void(const std::string& id, const Error&)>& unreadable = {},
                  const std::string& after = "");

// Those of the package and environment that are open(), newest first. What the newest rollouts' first entries
// say of older ones saves reading the whole ledger.
void each_open_rollout(Ledger& ledger, const std::string& environment, const std::string& package,
                       const std::function<void(const RolloutView&)>& visit,
                       const std::function<void(const std::string& id, const Error&)>& unreadable = {});
std::vector<std::string> open_rollouts(Ledger& ledger, const std::string& environment,
                                       const std::string& package);  // ids, newest first

// Changes of a rollout that rollbacks of it put back: operation and path. One object's may have been put back
// in part.
using PutBack = std::set<std::pair<std::string, std::string>>;
void remember_put_back(const RolloutView& rollback, PutBack& changes);
bool all_put_back(const OperationRecord& op, const PutBack& changes);

// Whether a rollout to `to` that changed nothing and ended as `state` leaves `last` the last one: it is the
// same again and found all done, or it took up one that had fallen short.
bool stays_last(const RolloutView& last, const std::optional<Version>& to, const std::string& state);

// Sorts after every id of the ledger: "20261121T093854Z-k3f9".
std::string next_rollout_id(Ledger& ledger, std::int64_t now);

Target* find_target(const Targets& targets, const std::string& name);
// Target::written_with says so.
bool written_together(const Targets& targets, const Operation& a, const Operation& b);

}  // namespace mlship
