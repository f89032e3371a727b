// A reviewed plan applied later: it may only take operations away from what discovery says now.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "deployers/plan.h"
#include "deployers/record.h"

namespace mlship {
namespace {

bool same_change(const Change& a, const Change& b) {
  return a.from == b.from && a.to == b.to && a.form == b.form;
}

bool same_changes(const Operation& a, const Operation& b) {
  return std::equal(a.changes.begin(), a.changes.end(), b.changes.begin(), b.changes.end(), same_change);
}

// What is skipped now of what the file knew of; the rest of the targets is not what was approved.
class Known {
 public:
  explicit Known(const Plan& file) {
    for (const auto& op : file.operations) objects_.insert({op.target, op.object.id});
    for (const auto& row : file.skipped) {
      objects_.insert({row.target, row.object.id});
      rows_.insert({row.target, row.reason, row.from});
    }
  }
  // An object's line may be another one by now: then it is known by what it says.
  [[nodiscard]] bool has(const Skipped& row) const {
    return objects_.contains({row.target, row.object.id}) ||
           rows_.contains({row.target, row.reason, row.from});
  }

 private:
  std::set<std::pair<std::string, std::string>> objects_;
  std::set<std::tuple<std::string, Reason, std::string>> rows_;
};

class Narrower {
 public:
  Narrower(const Plan& file, const Plan& fresh, const Targets& targets)
      : file_(file), fresh_(fresh), targets_(targets), taken_(fresh.operations.size(), false) {
    for (size_t i = 0; i < fresh.operations.size(); ++i) {
      const Operation& op = fresh.operations[i];
      ids_[{op.target, op.object.id}] = i;
      const Target* target = find_target(targets, op.target);
      if (target != nullptr && !target->keeps_ids() && !op.without_object())
        standing_[{op.target, target->place_of(op.locator)}].push_back(i);
    }
    look();
  }

  std::vector<Skipped> conflicts;

  std::vector<Operation> keep() {
    for (const auto& planned : file_.operations) {
      if (!take(planned)) refuse(planned);
    }
    std::vector<Operation> kept;
    for (size_t i = 0; i < taken_.size(); ++i) {
      if (taken_[i]) kept.push_back(fresh_.operations[i]);
    }
    return kept;
  }

 private:
  // The target itself says where the planned object stands now, after whatever was edited around it; what was
  // discovered there is what may be kept. True too when it is done already: discovery lists it as
  // same-version.
  bool take(const Operation& planned) {
    Target* target = find_target(targets_, planned.target);
    if (target == nullptr) return false;
    if (planned.without_object()) return take_place(planned);
    // What was discovered a moment ago says it all where an id is enough to find it there.
    if (target->keeps_ids() && take_by_id(planned)) return true;
    const Observation live = reading_of(*target, planned);
    if (live.state != ObjectState::pre) return live.state == ObjectState::post;
    const std::string place = target->place_of(live.locator);
    const auto there = standing_.find({planned.target, place});
    if (place.empty() || there == standing_.end()) return false;
    for (const size_t i : there->second) {
      const Operation& now = fresh_.operations[i];
      if (taken_[i] || !same_changes(now, planned)) continue;
      if (now.object.name != planned.object.name || now.object.kind != planned.object.kind) continue;
      taken_[i] = true;
      return true;
    }
    return planned.installs();  // what it names was put there meanwhile
  }

  // True too when it was put there meanwhile.
  bool take_place(const Operation& planned) {
    const auto at = ids_.find({planned.target, planned.object.id});
    if (at != ids_.end() && same_changes(fresh_.operations[at->second], planned)) taken_[at->second] = true;
    return true;
  }

  // Of objects that are known by where they stand, all at once.
  void look() {
    std::map<Target*, std::vector<const Operation*>> by_target;
    for (const auto& op : file_.operations) {
      Target* target = find_target(targets_, op.target);
      if (target != nullptr && !target->keeps_ids() && !op.without_object()) by_target[target].push_back(&op);
    }
    for (const auto& [target, operations] : by_target) {
      auto seen = target->observe_all(operations, file_.salt);
      for (size_t i = 0; i < seen.size(); ++i) seen_[operations[i]] = std::move(seen[i]);
    }
  }

  Observation reading_of(Target& target, const Operation& planned) {
    const auto known = seen_.find(&planned);
    return known == seen_.end() ? target.observe(planned, file_.salt) : known->second;
  }

  bool take_by_id(const Operation& planned) {
    const auto at = ids_.find({planned.target, planned.object.id});
    if (at == ids_.end() || taken_[at->second]) return false;
    const Operation& now = fresh_.operations[at->second];
    const auto same_path = [](const Change& a, const Change& b) { return a.path == b.path; };
    const bool same = same_changes(now, planned) &&
                      std::equal(now.changes.begin(), now.changes.end(), planned.changes.begin(), same_path);
    if (same) taken_[at->second] = true;
    return same;
  }

  void refuse(const Operation& planned) {
    for (const auto& change : planned.changes) {
      Skipped row{planned.target, planned.object, change.path, Reason::conflict, "", "", change.from};
      row.detail =
          "discovery no longer finds '" + change.from + "' there with '" + change.to + "' as its successor";
      row.hint = "mlship plan --out FILE";
      if (const Skipped* owned = skipped_as_owned(row)) {
        row.detail = owned->detail;
        row.hint = "mlship rollout --plan FILE --include-owned";
      }
      conflicts.push_back(std::move(row));
    }
  }

  [[nodiscard]] const Skipped* skipped_as_owned(const Skipped& row) const {
    const auto same = [&](const Skipped& s) {
      return s.reason == Reason::foreign_owner && s.target == row.target && s.object.id == row.object.id &&
             s.from == row.from;
    };
    const auto found = std::find_if(fresh_.skipped.begin(), fresh_.skipped.end(), same);
    return found == fresh_.skipped.end() ? nullptr : &*found;
  }

  const Plan& file_;
  const Plan& fresh_;
  const Targets& targets_;
  std::vector<bool> taken_;
  std::map<std::pair<std::string, std::string>, size_t> ids_;  // target and id -> of fresh_
  std::map<std::pair<std::string, std::string>, std::vector<size_t>>
      standing_;  // target and place -> of fresh_
  std::map<const Operation*, Observation> seen_;
};

void same_release(const Plan& file, const Plan& fresh) {
  if (file.environment != fresh.environment || file.package != fresh.package ||
      file.direction != fresh.direction) {
    throw Error(ErrorCode::bad_plan, "cannot use the plan: it was made for " + file.package +
                                         " in environment '" + file.environment + "'")
        .fact("here", fresh.package + " in environment '" + fresh.environment + "'")
        .hint("mlship plan --out FILE");
  }
  const bool same = file.to && fresh.to && *file.to == *fresh.to && file.digest == fresh.digest;
  if (!same) {
    throw Error(ErrorCode::stale_plan, "cannot use the plan: it ships another build of " + file.package)
        .fact("plan", (file.to ? file.to->str() : "") + " " + file.digest.brief())
        .fact("registry", (fresh.to ? fresh.to->str() : "") + " " + fresh.digest.brief())
        .hint("mlship plan --out FILE");
  }
}

}  // namespace

Plan narrow(const Plan& file, const Plan& fresh, const Targets& targets) {
  same_release(file, fresh);
  Narrower narrower(file, fresh, targets);
  Plan plan = fresh;
  plan.operations = narrower.keep();
  plan.strict = fresh.strict || file.strict;
  if (plan.operations.empty() && !narrower.conflicts.empty()) {
    throw Error(ErrorCode::stale_plan, "cannot use the plan: nothing of it fits what is live")
        .fact("planned", std::to_string(file.operations.size()) + " objects")
        .fact("first", narrower.conflicts.front().object.id + ": " + narrower.conflicts.front().detail)
        .hint("mlship plan --out FILE");
  }
  std::set<std::string> needed;
  for (const auto& op : plan.operations) needed.insert(op.carriers.begin(), op.carriers.end());
  std::erase_if(plan.carriers, [&](const Carrier& c) { return !needed.contains(c.id); });
  const Known known(file);
  std::erase_if(plan.skipped, [&](const Skipped& row) { return !known.has(row); });
  plan.skipped.insert(plan.skipped.end(), narrower.conflicts.begin(), narrower.conflicts.end());
  finish_plan(plan);
  return plan;
}

}  // namespace mlship
