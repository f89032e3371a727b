#include "deployers/status.h"

#include <algorithm>
#include <map>
#include <set>

#include "deployers/record.h"

namespace mlship {
namespace {

struct Recorded {
  std::string rollout;
  std::string salt;
  OperationRecord record;
  bool used = false;
};

// What the ledger knows, newest operation of each object first.
class Knowledge {
 public:
  Knowledge(Ledger& ledger, const std::string& environment, const std::string& package) {
    each_rollout(
        ledger, environment, package,
        [&](const RolloutView& rollout) {
          add(rollout);
          return true;
        },
        [](const std::string&, const Error&) {});
  }

  // nullopt: the ledger knows no version of the package.
  [[nodiscard]] std::optional<bool> current(const Reference& reference) const {
    const auto left = left_.find(reference.package);
    if (left == left_.end()) return std::nullopt;
    return reference.version && left->second.contains(*reference.version);
  }

  // The newest operation on this object: by where it is, by what it is called.
  Recorded* last(const std::string& target, const LiveObject& object) {
    const auto same_id = [&](const Operation& op) { return op.object.id == object.info.id; };
    const auto same_place = [&](const Operation& op) {
      return !op.locator.is_null() && op.locator == object.locator;
    };
    const auto same_name = [&](const Operation& op) { return op.object.name == object.info.name; };
    if (auto* found = find(target, object, same_place)) return found;
    if (auto* found = find(target, object, same_id)) return found;
    return find(target, object, same_name);
  }

 private:
  void add(const RolloutView& rollout) {
    std::set<Version> versions;
    for (const auto& op : rollout.operations) {
      operations_.push_back({rollout.record.id, rollout.plan.salt, op});
      if (!op.touched()) continue;
      for (const auto& c : op.operation.changes) {
        if (const auto v = Version::parse(c.to_version, rollout.plan.scheme)) versions.insert(*v);
      }
    }
    if (!versions.empty()) left_.emplace(rollout.record.package, std::move(versions));  // the newest stays
  }

  template <typename Same>
  Recorded* find(const std::string& target, const LiveObject& object, Same same) {
    for (auto& recorded : operations_) {
      const Operation& op = recorded.record.operation;
      if (recorded.used || op.target != target || op.object.kind != object.info.kind || !same(op)) continue;
      recorded.used = true;
      return &recorded;
    }
    return nullptr;
  }

  std::vector<Recorded> operations_;
  std::map<std::string, std::set<Version>> left_;
};

// What stands there instead of what the ledger's last operation left; "" when it is that.
std::string drift(Target& target, const Recorded& last) {
  if (!last.record.touched()) return "";
  Observation seen;
  try {
    seen = target.observe(last.record.operation, last.salt);
  } catch (const Error& e) {
    return "cannot be read: " + e.message();
  }
  switch (seen.state) {
    case ObjectState::post: return "";
    case ObjectState::gone: return "the object is gone";
    case ObjectState::pre:
      return "the old text stands there again: " + last.record.operation.changes.front().from;
    case ObjectState::unreadable: return "cannot be read: " + seen.detail;
    case ObjectState::conflict: break;
  }
  return seen.detail.empty() ? "something else stands there" : seen.detail;
}

ObjectStatus object_status(const StatusRequest& request, Target& target, const LiveObject& object,
                           Knowledge& knowledge) {
  ObjectStatus row{target.name(), object.info, {}, std::nullopt, "", ""};
  for (const auto& found : object.references) {
    const Reference& r = found.reference;
    if (r.package.empty() || (!request.package.empty() && r.package != request.package)) continue;
    row.references.push_back({r.package, found.path, found.text, r.form, r.version ? r.version->str() : "",
                              r.digest, knowledge.current(r)});
  }
  if (row.references.empty()) return row;
  if (const auto* last = knowledge.last(target.name(), object)) {
    const OperationRecord& record = last->record;
    std::string outcome = record.outcome.empty() ? "pending" : record.outcome;
    if (record.dangling) outcome = "unfinished";
    if (record.proof == "unhealthy" && outcome == "updated") outcome = "failed";
    row.last = LastOperation{last->rollout, std::move(outcome), record.at};
    row.drift = drift(target, *last);
    if (record.touched()) row.pending = target.pending(record.operation, record.at);
  }
  return row;
}

}  // namespace

StatusReport status(const StatusRequest& request, Targets& targets, Ledger& ledger) {
  StatusReport report;
  Knowledge knowledge(ledger, request.environment, request.package);
  for (const auto& target : targets) {
    const auto& names = request.selection.targets;
    if (!names.empty() && std::find(names.begin(), names.end(), target->name()) == names.end()) continue;
    Discovery found = target->discover(request.scheme);
    for (auto& skipped : found.skipped) report.skipped.push_back(std::move(skipped));
    for (const auto& object : found.objects) {
      if (!selects(request.selection, object.info)) continue;
      ObjectStatus row = object_status(request, *target, object, knowledge);
      if (!row.references.empty()) report.objects.push_back(std::move(row));
    }
  }
  return report;
}

}  // namespace mlship
