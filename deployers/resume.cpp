// Which rollout a command without an id means.
#include <algorithm>
#include <map>
#include <set>

#include "deployers/record.h"
#include "deployers/rollout.h"

namespace mlship {
namespace {

bool changed_something(const RolloutView& rollout) {
  return std::any_of(rollout.operations.begin(), rollout.operations.end(),
                     [](const auto& op) { return op.touched(); });
}

// A rollback that has ended with nothing in it that could be tried again.
bool undid_all(const RolloutView& rollback) {
  return rollback.ended() &&
         std::all_of(rollback.operations.begin(), rollback.operations.end(), [](const auto& op) {
           return op.updated || op.outcome == "unchanged" || op.outcome == "conflict";
         });
}

// What later rollbacks undid, seen newest first.
class Undone {
 public:
  void add(const RolloutView& rollback) {
    const Plan& plan = rollback.plan;
    if (plan.inverse_of.empty()) {
      if (changed_something(rollback) && (!lowest_ || *plan.to < *lowest_)) lowest_ = plan.to;
    } else if (undid_all(rollback)) {
      inverted_.insert(plan.inverse_of);
    }
  }
  [[nodiscard]] bool has(const RolloutView& rollout) const {
    return inverted_.contains(rollout.record.id) ||
           (lowest_ && rollout.plan.to && *rollout.plan.to > *lowest_);
  }

 private:
  std::set<std::string> inverted_;
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
      // One that died before its first write is the last one too: undoing an older one in its place would surprise.
      found = rollout.record.id;
    }
    return !found;
  });
  return found;
}

}  // namespace mlship
