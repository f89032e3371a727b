// The exact inverse of a rollout. Revert a path only if it still holds what we wrote (rollout.md invariant
// 6).
#include <algorithm>
#include <map>
#include <set>

#include "deployers/gate.h"
#include "deployers/record.h"
#include "deployers/rollout.h"
#include "deployers/selectors.h"

namespace mlship {
namespace {

Change swapped(const Change& c) {
  return {c.path, c.to, c.from, c.form, c.to_version, c.from_version, {}};
}

// Changes of the rollout that rollbacks of it have put back already.
PutBack reverted(Ledger& ledger, const RolloutView& rollout) {
  PutBack changes;
  const auto visit = [&](const RolloutView& later) {
    if (later.plan.inverse_of != rollout.record.id) return true;
    remember_put_back(later, changes);
    return true;
  };
  // One that cannot be read may have put something back: then the object says so.
  each_rollout(
      ledger, rollout.record.environment, rollout.record.package, visit,
      [](const std::string&, const Error&) {}, rollout.record.id);
  return changes;
}

class Inverter {
 public:
  Inverter(Plan& plan, const PutBack& done) : plan_(plan), done_(done) {}

  // Where nothing at all could be read, that is what has to be said: Error(unauthorized) and the like.
  void check_something_was_read(const Targets& targets) const {
    if (!first_unread_ || read_) return;
    (void)find_target(targets, first_unread_->target)->observe(*first_unread_, plan_.salt);
  }

  // Of what the rollout did, newest first; many at a time, for systems that answer in bulk.
  void add(const std::vector<const OperationRecord*>& done, const Targets& targets) {
    constexpr size_t at_once = 1'000;
    plan_.operations.reserve(done.size());  // growing would hold them twice
    for (size_t begin = 0; begin < done.size(); begin += at_once) {
      const auto first = done.begin() + static_cast<std::ptrdiff_t>(begin);
      add_some({first, std::min(first + at_once, done.end())}, targets);
    }
  }

 private:
  void add_some(const std::vector<const OperationRecord*>& done, const Targets& targets) {
    std::vector<Operation> inverses;
    std::map<Target*, std::vector<size_t>> by_target;
    for (const auto* record : done) {
      by_target[find_target(targets, record->operation.target)].push_back(inverses.size());
      inverses.push_back(inverse_of(*record));
    }
    std::vector<Observation> seen(inverses.size());
    for (const auto& [target, members] : by_target) {
      if (target == nullptr) continue;
      std::vector<const Operation*> operations;
      for (const size_t i : members) operations.push_back(&inverses[i]);
      auto readings = target->observe_all(operations, plan_.salt);
      for (size_t i = 0; i < members.size(); ++i) seen[members[i]] = std::move(readings.at(i));
    }
    for (size_t i = 0; i < inverses.size(); ++i) {
      one(inverses[i], find_target(targets, inverses[i].target), seen[i]);
      seen[i] = {};
    }
  }

  [[nodiscard]] Operation inverse_of(const OperationRecord& done) const {
    Operation inverse = done.operation;
    inverse.carriers.clear();
    inverse.changes.clear();
    for (auto c = done.operation.changes.rbegin(); c != done.operation.changes.rend(); ++c) {
      if (!done_.contains({inverse.id, c->path})) inverse.changes.push_back(swapped(*c));
    }
    return inverse;
  }

  void one(Operation& inverse, Target* target, const Observation& whole) {
    if (target == nullptr) {
      return skip_all(inverse, Reason::unresolvable, "target '" + inverse.target + "' is not configured");
    }
    if (whole.state == ObjectState::unreadable) {
      skip_all(inverse, Reason::unresolvable, whole.detail);
      if (!first_unread_) first_unread_ = std::move(inverse);
      return;
    }
    read_ = true;
    std::vector<Change> kept;
    try {
      kept = still_ours(*target, inverse, whole);
      std::erase_if(kept, [&](const Change& c) { return !restorable(*target, inverse, c); });
    } catch (const Error& e) {
      return skip_all(inverse, Reason::unresolvable, e.message());
    }
    inverse.changes = std::move(kept);
    if (!inverse.changes.empty()) plan_.operations.push_back(std::move(inverse));
  }

  // All changes, or those whose value nobody else has changed since; the others are reported.
  std::vector<Change> still_ours(Target& target, Operation& inverse, const Observation& whole) {
    if (!whole.locator.is_null()) inverse.locator = whole.locator;
    if (!whole.token.empty()) inverse.token = whole.token;
    if (whole.state == ObjectState::pre) return inverse.changes;
    if (whole.state == ObjectState::post) {
      skip_all(inverse, Reason::same_version, "the old text stands there already");
      return {};
    }
    std::vector<Change> ours;
    for (size_t i = 0; i < inverse.changes.size(); ++i) {
      const Change& change = inverse.changes[i];
      const Observation::Part seen = whole.parts.empty() ? alone(target, inverse, change) : whole.parts.at(i);
      if (seen.state == ObjectState::pre) ours.push_back(change);
      if (seen.state == ObjectState::conflict || seen.state == ObjectState::gone) {
        const std::string gone =
            seen.state == ObjectState::gone ? "the object is gone" : "it was changed since";
        skip(inverse, change, Reason::conflict, seen.detail.empty() ? gone : seen.detail);
      }
    }
    return ours;
  }

  Observation::Part alone(Target& target, const Operation& inverse, const Change& change) {
    Operation one = inverse;
    one.changes = {change};
    const Observation seen = target.observe(one, plan_.salt);
    return {seen.state, seen.detail};
  }

  bool restorable(Target& target, const Operation& inverse, const Change& change) {
    if (const std::string wrong = gate(target, change, plan_); !wrong.empty()) {
      skip(inverse, change, Reason::conflict, wrong);
      return false;
    }
    if (target.old_place_ok(change)) return true;
    // The way to a version puts its tree and files there; the way back only looks for them.
    const std::string& version = change.to_version;
    skip(inverse, change, Reason::no_output, "what the text named before is not there any more: " + change.to,
         version.empty() ? "" : "mlship rollback " + plan_.package + " --to " + version);
    return false;
  }

  void skip(const Operation& op, const Change& change, Reason reason, const std::string& detail,
            const std::string& hint = "") {
    if (const auto version = Version::parse(change.from_version, plan_.scheme);
        version && fell_short(reason)) {
      plan_.stuck.insert(*version);
    }
    plan_.skipped.push_back({op.target, op.object, change.path, reason, detail, hint, change.from});
  }
  void skip_all(const Operation& op, Reason reason, const std::string& detail) {
    for (const auto& change : op.changes) skip(op, change, reason, detail);
  }

  Plan& plan_;
  const PutBack& done_;
  std::optional<Operation> first_unread_;
  bool read_ = false;
};

}  // namespace

Plan inverse_plan(Ledger& ledger, const std::string& id, Targets& targets, const Selection& selection) {
  const RolloutView rollout = read_view(ledger, id);
  if (rollout.plan.direction == Direction::down) {
    throw Error(ErrorCode::usage, "cannot roll back " + id + ": it is a rollback itself")
        .hint("mlship rollout " + rollout.plan.package + ":VERSION");
  }
  Plan plan;
  plan.environment = rollout.plan.environment;
  plan.package = rollout.plan.package;
  plan.scheme = rollout.plan.scheme;
  plan.direction = Direction::down;
  plan.inverse_of = id;
  plan.salt = rollout.plan.salt;
  plan.strict = rollout.plan.strict;
  const auto done = reverted(ledger, rollout);
  Inverter inverter(plan, done);
  Chosen chosen(selection);
  for (const auto& op : rollout.operations) chosen.saw(op.operation.object);
  std::vector<const OperationRecord*> undo;
  for (auto op = rollout.operations.rbegin(); op != rollout.operations.rend(); ++op) {
    const Operation& did = op->operation;
    const bool wanted = selects(selection, did.target) && chosen.has(did.object);
    if (wanted && op->touched() && !all_put_back(*op, done)) undo.push_back(&*op);
  }
  inverter.add(undo, targets);
  inverter.check_something_was_read(targets);
  finish_plan(plan);
  return plan;
}

}  // namespace mlship
