// A reviewed plan applied later: it may only take operations away from what discovery says now.
#include <algorithm>
#include <set>

#include "deployers/plan.h"

namespace mlship {
namespace {

bool same_change(const Change& a, const Change& b) {
  return a.from == b.from && a.to == b.to && a.form == b.form;
}

bool same_changes(const Operation& a, const Operation& b) {
  return std::equal(a.changes.begin(), a.changes.end(), b.changes.begin(), b.changes.end(), same_change);
}

// What is skipped now of what the file knew of; the rest of the targets is not what was approved.
bool known_to(const Plan& file, const Skipped& row) {
  const auto of_operation = [&](const Operation& op) {
    return op.target == row.target && op.object.id == row.object;
  };
  const auto of_row = [&](const Skipped& s) {
    const bool moved = s.reason == row.reason && s.from == row.from;  // its line is another one by now
    return s.target == row.target && (s.object == row.object || moved);
  };
  return std::any_of(file.operations.begin(), file.operations.end(), of_operation) ||
         std::any_of(file.skipped.begin(), file.skipped.end(), of_row);
}

class Narrower {
 public:
  Narrower(const Plan& file, const Plan& fresh, const Targets& targets)
      : file_(file), fresh_(fresh), targets_(targets), taken_(fresh.operations.size(), false) {}

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
    const auto named = [&](const auto& t) { return t->name() == planned.target; };
    const auto target = std::find_if(targets_.begin(), targets_.end(), named);
    if (target == targets_.end()) return false;
    const Observation live = (*target)->observe(planned, file_.salt);
    if (live.state != ObjectState::pre) return live.state == ObjectState::post;
    for (size_t i = 0; i < taken_.size(); ++i) {
      const Operation& now = fresh_.operations[i];
      if (taken_[i] || now.target != planned.target || !same_changes(now, planned)) continue;
      if (now.object.name != planned.object.name || now.object.kind != planned.object.kind) continue;
      if (!(*target)->same_object(live.locator, now.locator)) continue;
      taken_[i] = true;
      return true;
    }
    return false;
  }

  void refuse(const Operation& planned) {
    for (const auto& change : planned.changes) {
      Skipped row{planned.target, planned.object.id, change.path, Reason::conflict, "", "", change.from};
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
      return s.reason == Reason::foreign_owner && s.target == row.target && s.object == row.object &&
             s.from == row.from;
    };
    const auto found = std::find_if(fresh_.skipped.begin(), fresh_.skipped.end(), same);
    return found == fresh_.skipped.end() ? nullptr : &*found;
  }

  const Plan& file_;
  const Plan& fresh_;
  const Targets& targets_;
  std::vector<bool> taken_;
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
        .fact("first", narrower.conflicts.front().object + ": " + narrower.conflicts.front().detail)
        .hint("mlship plan --out FILE");
  }
  std::set<std::string> needed;
  for (const auto& op : plan.operations) needed.insert(op.carriers.begin(), op.carriers.end());
  std::erase_if(plan.carriers, [&](const Carrier& c) { return !needed.contains(c.id); });
  std::erase_if(plan.skipped, [&](const Skipped& row) { return !known_to(file, row); });
  plan.skipped.insert(plan.skipped.end(), narrower.conflicts.begin(), narrower.conflicts.end());
  finish_plan(plan);
  return plan;
}

}  // namespace mlship
