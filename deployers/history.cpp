#include "deployers/history.h"

#include <algorithm>
#include <set>

#include "deployers/record.h"
#include "deployers/selectors.h"

namespace mlship {
namespace {

// What rollbacks seen so far (newest first) put back, by rollout.
using Reverted = std::map<std::string, PutBack>;

void remember(const RolloutView& rollout, Reverted& reverted) {
  if (!rollout.plan.inverse_of.empty()) remember_put_back(rollout, reverted[rollout.plan.inverse_of]);
}

std::string outcome_word(const OperationRecord& op, const Change& change, const PutBack& undone) {
  if (undone.contains({op.operation.id, change.path}) && op.touched()) return "reverted";
  if (op.updated) return "updated";
  if (op.dangling || op.outcome.empty()) return "pending";
  return op.outcome;
}

Outcome outcome_of(const std::string& word) {
  for (auto i = static_cast<int>(Outcome::updated); i <= static_cast<int>(Outcome::pending); ++i) {
    if (to_string(static_cast<Outcome>(i)) == word) return static_cast<Outcome>(i);
  }
  throw Error(ErrorCode::ledger, "cannot read the ledger: unknown outcome '" + word + "'");
}

std::string state_of(const RolloutView& rollout, const PutBack& undone) {
  const auto& ops = rollout.operations;
  const bool all = std::all_of(ops.begin(), ops.end(), [&](const OperationRecord& op) {
    return !op.touched() || all_put_back(op, undone);
  });
  if (!undone.empty() && all) return "reverted";
  return rollout.state.empty() ? "unfinished" : rollout.state;
}

HistoryEntry entry_of(const RolloutView& rollout, const Reverted& reverted) {
  const auto it = reverted.find(rollout.record.id);
  const PutBack undone = it == reverted.end() ? PutBack{} : it->second;
  HistoryEntry e;
  e.id = rollout.record.id;
  e.command = rollout.record.command;
  e.environment = rollout.record.environment;
  e.package = rollout.record.package;
  if (rollout.plan.to) {
    e.to_version = rollout.plan.to->str();
    if (rollout.plan.digest != Digest{}) e.to_digest = rollout.plan.digest;
  }
  e.inverse_of = rollout.plan.inverse_of;
  e.state = state_of(rollout, undone);
  e.who = rollout.record.who;
  e.host = rollout.record.host;
  e.started = rollout.record.started;
  e.seconds = rollout.seconds;
  e.commits = rollout.record.commits;
  for (const auto& op : rollout.operations) {
    for (const auto& change : op.operation.changes) ++e.counts[outcome_word(op, change, undone)];
  }
  return e;
}

std::vector<ObjectResult> changes_of(const OperationRecord& op, const PutBack& undone) {
  std::vector<ObjectResult> rows;
  const Operation& planned = op.operation;
  rows.reserve(planned.changes.size());
  for (const auto& c : planned.changes) {
    rows.push_back({planned.target, planned.object, c.path, c.from, c.to,
                    outcome_of(outcome_word(op, c, undone)), op.detail, op.proof});
  }
  return rows;
}

void append(std::vector<ObjectResult>& all, std::vector<ObjectResult> more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

// One unreadable rollout does not hide the others.
HistoryEntry unreadable(const std::string& id, const Error& error) {
  HistoryEntry e;
  e.id = id;
  e.state = "unreadable";
  e.problem = error.message();
  return e;
}

std::string full_id(Ledger& ledger, const std::string& id) {
  const auto ids = ledger.rollouts();
  if (id.empty() || std::find(ids.begin(), ids.end(), id) != ids.end()) return id;
  std::vector<std::string> matching;
  std::copy_if(ids.begin(), ids.end(), std::back_inserter(matching),
               [&](const std::string& other) { return other.starts_with(id); });
  if (matching.size() > 1) {
    throw Error(ErrorCode::rollout_not_found, "cannot tell which rollout " + id +
                                                  " is: " + std::to_string(matching.size()) + " begin so, " +
                                                  matching.front() + " to " + matching.back())
        .hint("mlship history");
  }
  return matching.empty() ? id : matching.front();
}

}  // namespace

std::vector<HistoryEntry> history(Ledger& ledger, const HistoryFilter& filter) {
  std::vector<HistoryEntry> entries;
  Reverted reverted;
  each_rollout(
      ledger, filter.environment, filter.package,
      [&](const RolloutView& rollout) {
        entries.push_back(entry_of(rollout, reverted));
        remember(rollout, reverted);
        return true;
      },
      [&](const std::string& id, const Error& e) { entries.push_back(unreadable(id, e)); });
  return entries;
}

std::vector<CutShort> cut_short_before(Ledger& ledger, const HistoryFilter& filter, const std::string& id) {
  std::vector<CutShort> found;
  Reverted reverted;
  bool past = false;
  std::optional<Version> to;
  const auto visit = [&](const RolloutView& rollout) {
    remember(rollout, reverted);
    if (!past) {
      past = rollout.record.id == id;
      to = rollout.plan.to;
      return true;
    }
    // Failed before it began, refused everywhere or nothing to do: what lies before it is still the newest.
    if (rollout.ended() && !rollout.changed_something()) return true;
    if (rollout.state != "superseded" || !to || rollout.plan.to != to) return false;
    const PutBack& undone = reverted[rollout.record.id];
    const auto& ops = rollout.operations;
    const auto left = std::count_if(ops.begin(), ops.end(), [&](const OperationRecord& op) {
      return op.touched() && !all_put_back(op, undone);
    });
    if (left > 0) found.push_back({rollout.record.id, static_cast<size_t>(left)});
    return true;
  };
  each_rollout(ledger, filter.environment, filter.package, visit, [](const std::string&, const Error&) {});
  return found;
}

RolloutDetails show(Ledger& ledger, const std::string& id) {
  const RolloutView rollout = read_view(ledger, full_id(ledger, id));
  Reverted reverted;
  each_rollout(
      ledger, rollout.record.environment, rollout.record.package,
      [&](const RolloutView& later) {
        remember(later, reverted);
        return later.record.id != rollout.record.id;
      },
      [](const std::string&, const Error&) {});
  RolloutDetails details{entry_of(rollout, reverted), {}, rollout.plan.carriers, rollout.plan.skipped};
  const auto& undone = reverted[rollout.record.id];
  for (const auto& op : rollout.operations) append(details.operations, changes_of(op, undone));
  return details;
}

std::vector<LineageEntry> lineage(Ledger& ledger, const HistoryFilter& filter, const std::string& object) {
  std::vector<LineageEntry> entries;
  Reverted reverted;
  Fit best = Fit::pattern;
  each_rollout(
      ledger, filter.environment, filter.package,
      [&](const RolloutView& rollout) {
        LineageEntry entry{entry_of(rollout, reverted), {}};
        for (const auto& op : rollout.operations) {
          const Fit here = fit(object, op.operation.object);
          if (here < best) continue;
          // What was meant by a worse fit was another object.
          if (here > best) {
            entry.changes.clear();
            std::erase_if(entries, [](const LineageEntry& e) { return e.rollout.problem.empty(); });
            best = here;
          }
          append(entry.changes, changes_of(op, reverted[rollout.record.id]));
        }
        if (!entry.changes.empty()) entries.push_back(std::move(entry));
        remember(rollout, reverted);
        return true;
      },
      [&](const std::string& id, const Error& e) { entries.push_back({unreadable(id, e), {}}); });
  return entries;
}

}  // namespace mlship
