// A reviewed plan applied later: it may only take operations away from what discovery says now.
#include <algorithm>
#include <set>

#include "deployers/plan.h"

namespace mlship {
namespace {

bool same_change(const Change& a, const Change& b) {
  return a.from == b.from && a.to == b.to && a.form == b.form;
}

// The same texts in the same order; with `paths` at the same places too.
bool same_changes(const Operation& a, const Operation& b, bool paths) {
  return std::equal(
      a.changes.begin(), a.changes.end(), b.changes.begin(), b.changes.end(),
      [&](const Change& x, const Change& y) { return same_change(x, y) && (!paths || x.path == y.path); });
}

bool exactly(const Operation& a, const Operation& b) {
  return a.target == b.target && a.object.id == b.object.id && same_changes(a, b, true);
}

// The same object after unrelated edits moved it (a line inserted above): what a person calls it did not
// change.
bool moved(const Operation& a, const Operation& b) {
  return a.target == b.target && a.object.name == b.object.name && a.object.kind == b.object.kind &&
         a.object.schedule == b.object.schedule && same_changes(a, b, false);
}

class Narrower {
 public:
  Narrower(const Plan& file, const Plan& fresh)
      : file_(file), fresh_(fresh), taken_(fresh.operations.size(), false) {}

  std::vector<Skipped> conflicts;

  std::vector<Operation> keep() {
    std::vector<const Operation*> rest;
    for (const auto& planned : file_.operations) {
      if (!take(planned, exactly)) rest.push_back(&planned);
    }
    // Only a one-to-one correspondence says which object moved where.
    for (const auto* planned : rest) {
      const auto same = std::count_if(rest.begin(), rest.end(), [&](auto* o) { return moved(*o, *planned); });
      if (same != 1 || !take(*planned, moved)) refuse(*planned);
    }
    std::vector<Operation> kept;
    for (size_t i = 0; i < taken_.size(); ++i) {
      if (taken_[i]) kept.push_back(fresh_.operations[i]);
    }
    return kept;
  }

 private:
  template <typename Same>
  bool take(const Operation& planned, Same same) {
    std::vector<size_t> found;
    for (size_t i = 0; i < taken_.size(); ++i) {
      if (!taken_[i] && same(planned, fresh_.operations[i])) found.push_back(i);
    }
    if (found.size() != 1) return false;
    taken_[found.front()] = true;
    return true;
  }

  void refuse(const Operation& planned) {
    for (const auto& change : planned.changes) {
      Skipped row{planned.target, planned.object.id, change.path, Reason::conflict, "", "", change.from};
      if (already(planned, change)) continue;  // discovery lists it as same-version
      row.detail =
          "discovery no longer finds '" + change.from + "' there with '" + change.to + "' as its successor";
      row.hint = "mlship plan --out FILE";
      conflicts.push_back(std::move(row));
    }
  }

  [[nodiscard]] bool already(const Operation& planned, const Change& change) const {
    return std::any_of(fresh_.skipped.begin(), fresh_.skipped.end(), [&](const Skipped& live) {
      return live.reason == Reason::same_version && live.target == planned.target &&
             live.object == planned.object.id && live.from == change.to;
    });
  }

  const Plan& file_;
  const Plan& fresh_;
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

Plan narrow(const Plan& file, const Plan& fresh) {
  same_release(file, fresh);
  Narrower narrower(file, fresh);
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
  plan.skipped.insert(plan.skipped.end(), narrower.conflicts.begin(), narrower.conflicts.end());
  finish_plan(plan);
  return plan;
}

}  // namespace mlship
