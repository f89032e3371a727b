// Which rollout a command without an id means.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "deployers/record.h"
#include "deployers/rollout.h"

namespace mlship {
namespace {

// An object of a target.
using Place = std::tuple<std::string, std::string, std::string>;  // target, object, path

// What later rollbacks undid, seen newest first.
class Undone {
 public:
  void add(const RolloutView& rollback) {
    const Plan& plan = rollback.plan;
    if (plan.inverse_of.empty()) {
      if (const auto highest = highest_left(rollback)) ranges_.push_back({*plan.to, *highest});
    } else if (rollback.ended()) {
      remember(rollback, dealt_with_[plan.inverse_of]);
    }
  }

  // A rollback may have been for some targets or jobs only: each reference counts.
  [[nodiscard]] bool has(const RolloutView& rollout) const {
    const auto& to = rollout.plan.to;
    const auto past = [&](const Range& range) { return *to > range.to && *to <= range.highest; };
    if (to && std::any_of(ranges_.begin(), ranges_.end(), past)) return true;
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
  // From where to where a rollback --to went.
  struct Range {
    Version to, highest;
  };

  static std::optional<Version> highest_left(const RolloutView& rollback) {
    std::optional<Version> highest;
    for (const auto& op : rollback.operations) {
      if (!op.touched()) continue;
      for (const auto& c : op.operation.changes) {
        const auto from = Version::parse(c.from_version, rollback.plan.scheme);
        if (from && (!highest || *from > *highest)) highest = from;
      }
    }
    return highest;
  }

  // Put back. A conflict is not: the same command again may find the value as we left it.
  static void remember(const RolloutView& rollback, std::set<Place>& places) {
    for (const auto& op : rollback.operations) {
      if (op.updated || op.outcome == "unchanged") {
        for (const auto& c : op.operation.changes) {
          places.insert({op.operation.target, op.operation.object.id, c.path});
        }
      }
    }
    for (const auto& skipped : rollback.plan.skipped) {
      if (skipped.reason == Reason::same_version) {
        places.insert({skipped.target, skipped.object.id, skipped.path});
      }
    }
  }

  std::map<std::string, std::set<Place>> dealt_with_;  // by rollout
  std::vector<Range> ranges_;                          // rollouts to versions in one are history
};

}  // namespace

std::optional<std::string> unfinished(Ledger& ledger, const std::string& environment,
                                      const std::string& package) {
  const auto all = unfinished_rollouts(ledger, environment, package);
  return all.empty() ? std::nullopt : std::optional(all.front().id);
}

std::vector<Unfinished> unfinished_rollouts(Ledger& ledger, const std::string& environment,
                                            const std::string& package) {
  std::vector<Unfinished> found;
  each_open_rollout(ledger, environment, package, [&](const RolloutView& rollout) {
    if (rollout.ended()) return;
    std::set<std::string> targets;
    for (const auto& op : rollout.plan.operations) targets.insert(op.target);
    const RolloutRecord& record = rollout.record;
    found.push_back({record.id, record.command, record.package, std::move(targets)});
  });
  return found;
}

Undoable undoable(Ledger& ledger, const std::string& environment, const std::string& package) {
  std::map<std::string, Undone> undone;  // by package
  Undoable found;
  struct Empty {
    std::string id, state;
    std::optional<Version> to;
  };
  std::optional<Empty> empty;  // the newest
  std::optional<Version> undone_to;
  const auto visit = [&](const RolloutView& rollout) {
    found.known = true;
    Undone& later = undone[rollout.record.package];
    if (rollout.plan.direction == Direction::down) {
      later.add(rollout);
    } else if (!rollout.changed_something() && rollout.ended()) {
      if (!empty) empty = {rollout.record.id, rollout.state, rollout.plan.to};
    } else if (later.has(rollout)) {
      if (found.undone.empty()) {
        found.undone = rollout.record.id;
        undone_to = rollout.plan.to;
      }
    } else {
      if (empty && stays_last(rollout, empty->to, empty->state)) empty.reset();
      // What an earlier try to the same version left, killed or failed, is undone too: both tries were one
      // work.
      if (stays_last(rollout, undone_to, "failed")) found.undone.clear();
      // One that died before its first write is the last one too: undoing an older one in its place would
      // surprise.
      found.rollout = rollout.record.id;
    }
    return !found.rollout;
  };
  each_rollout(ledger, environment, package, visit,
               [&](const std::string&, const Error& e) { found.unreadable.push_back(e.message()); });
  if (empty && empty->id > found.undone) found.empty = empty->id;
  return found;
}

std::optional<std::string> last_rollout(Ledger& ledger, const std::string& environment,
                                        const std::string& package) {
  const Undoable found = undoable(ledger, environment, package);
  return found.empty.empty() && found.undone.empty() ? found.rollout : std::nullopt;
}

}  // namespace mlship
