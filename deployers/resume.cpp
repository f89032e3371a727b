// Which rollout a command without an id means.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "deployers/record.h"
#include "deployers/rollout.h"

namespace mlship {
namespace {

bool changed_something(const RolloutView& rollout) {
  return std::any_of(rollout.operations.begin(), rollout.operations.end(),
                     [](const auto& op) { return op.touched(); });
}

// An object of a target.
using Place = std::tuple<std::string, std::string, std::string>;  // target, object, path

// What later rollbacks undid, seen newest first.
class Undone {
 public:
  void add(const RolloutView& rollback) {
    const Plan& plan = rollback.plan;
    if (plan.inverse_of.empty()) {
      if (changed_something(rollback) && (!lowest_ || *plan.to < *lowest_)) lowest_ = plan.to;
    } else if (rollback.ended()) {
      remember(rollback, dealt_with_[plan.inverse_of]);
    }
  }

  // A rollback may have been for some targets or jobs only: each reference counts.
  [[nodiscard]] bool has(const RolloutView& rollout) const {
    if (lowest_ && rollout.plan.to && *rollout.plan.to > *lowest_) return true;
    const auto it = dealt_with_.find(rollout.record.id);
    if (it == dealt_with_.end()) return false;
    return std::all_of(rollout.operations.begin(), rollout.operations.end(), [&](const OperationRecord& op) {
      const Operation& planned = op.operation;
      return !op.touched() ||
             std::all_of(planned.changes.begin(), planned.changes.end(), [&](const Change& c) {
               return it->second.contains({planned.target, planned.object.id, c.path});
             });
    });
  }

 private:
  // Put back, or not ours to put back any more; what could be tried again is not dealt with.
  static void remember(const RolloutView& rollback, std::set<Place>& places) {
    for (const auto& op : rollback.operations) {
      if (op.updated || op.outcome == "unchanged" || op.outcome == "conflict") {
        for (const auto& c : op.operation.changes) {
          places.insert({op.operation.target, op.operation.object.id, c.path});
        }
      }
    }
    for (const auto& skipped : rollback.plan.skipped) {
      if (skipped.reason == Reason::conflict || skipped.reason == Reason::same_version) {
        places.insert({skipped.target, skipped.object.id, skipped.path});
      }
    }
  }

  std::map<std::string, std::set<Place>> dealt_with_;  // by rollout
  std::optional<Version> lowest_;  // rollbacks --to went down to it: rollouts to anything above are history
};

}  // namespace

std::optional<std::string> unfinished(Ledger& ledger, const std::string& environment,
                                      const std::string& package) {
  std::optional<std::string> found;
  const auto visit = [&](const RolloutView& rollout) {
    if (!rollout.ended()) found = rollout.record.id;
    return false;
  };
  each_rollout(ledger, environment, package, visit, [](const std::string&, const Error&) {});
  return found;
}

std::optional<std::string> last_rollout(Ledger& ledger, const std::string& environment,
                                        const std::string& package) {
  std::map<std::string, Undone> undone;  // by package
  std::optional<std::string> found;
  each_rollout(ledger, environment, package, [&](const RolloutView& rollout) {
    Undone& later = undone[rollout.record.package];
    if (rollout.plan.direction == Direction::down) {
      later.add(rollout);
    } else if ((changed_something(rollout) || !rollout.ended()) && !later.has(rollout)) {
      // One that died before its first write is the last one too: undoing an older one in its place would
      // surprise.
      found = rollout.record.id;
    }
    return !found;
  });
  return found;
}

}  // namespace mlship
