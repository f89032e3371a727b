#include "deployers/status.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/accelerator.h"
#include "deployers/accepted.h"
#include "deployers/record.h"
#include "deployers/selectors.h"

namespace mlship {
namespace {

struct Recorded {
  std::string rollout;
  std::string package;
  std::string salt;
  std::optional<Version> to;  // of the plan; absent for the inverse of a rollout
  Digest digest;
  OperationRecord record;
};

// An object that is shown, and the last that the ledger says of it.
struct Shown {
  Target* target;
  LiveObject object;
  ObjectStatus row;
  std::optional<Recorded> last = std::nullopt;
};

// Operations to be found by a key that several may have.
class Index {
 public:
  void add(std::string key, size_t at) { places_.emplace(std::move(key), at); }
  // The first one added that `taken` does not hold.
  [[nodiscard]] std::optional<size_t> find(const std::string& key, const std::vector<bool>& taken) const {
    const auto [begin, end] = places_.equal_range(key);
    const auto free = std::find_if(begin, end, [&](const auto& place) { return !taken[place.second]; });
    return free == end ? std::nullopt : std::optional(free->second);
  }

 private:
  std::multimap<std::string, size_t> places_;
};

std::string joined(const std::string& target, const std::string& kind, const std::string& what) {
  return target + '\0' + kind + '\0' + what;
}

std::string place_key(const std::string& target, const ObjectInfo& info, const Json& locator) {
  return joined(target, info.kind, locator.dump(-1, ' ', false, Json::error_handler_t::replace));
}

// 1.4.0+cpu is a variant of 1.4.0, not another release.
bool same_release(const Version& a, const Version& b) {
  return without_accelerator(a) == without_accelerator(b);
}

// Takes rollouts, newest first, until they have said all there is to say of what is shown.
class Knowledge {
 public:
  explicit Knowledge(std::vector<Shown>& shown) {
    for (auto& each : shown) {
      open_.push_back(&each);
      for (const auto& reference : each.row.references) unknown_.insert(reference.package);
    }
  }

  // False when nothing older is needed.
  bool add(const RolloutView& rollout) {
    if (!complete()) read(rollout);
    return !complete();
  }
  [[nodiscard]] bool complete() const { return open_.empty() && unknown_.empty() && wanted_.empty(); }

  // Once there is nothing older: what stands nowhere it stood, by what it is called.
  void match_names() {
    Index names;
    for (size_t i = 0; i < unclaimed_.size(); ++i) {
      const Operation& op = unclaimed_[i].record.operation;
      names.add(joined(op.target, op.object.kind, op.object.name), i);
    }
    std::vector<bool> taken(unclaimed_.size());
    for (auto* each : open_) {
      if (each->target->keeps_ids()) continue;
      const ObjectInfo& info = each->object.info;
      const auto found = names.find(joined(each->target->name(), info.kind, info.name), taken);
      if (!found) continue;
      taken[*found] = true;
      claim(*each, unclaimed_[*found]);
    }
  }

  // nullopt: the ledger knows no version of the package.
  [[nodiscard]] std::optional<bool> current(const Reference& reference) const {
    const auto left = left_.find(reference.package);
    if (left == left_.end()) return std::nullopt;
    return reference.version && left->second.contains(without_accelerator(*reference.version));
  }

 private:
  void read(const RolloutView& rollout) {
    remember_versions(rollout);
    if (rollout.plan.to && rollout.plan.digest != Digest{})
      answer(rollout.record.package, *rollout.plan.to, rollout.plan.digest);
    std::vector<Recorded> operations;
    Index places, ids;
    for (auto op = rollout.operations.rbegin(); op != rollout.operations.rend(); ++op) {
      const Operation& planned = op->operation;
      const size_t at = operations.size();
      if (!planned.locator.is_null()) {
        places.add(place_key(planned.target, planned.object, planned.locator), at);
      }
      ids.add(joined(planned.target, planned.object.kind, planned.object.id), at);
      operations.push_back({rollout.record.id, rollout.record.package, rollout.plan.salt, rollout.plan.to,
                            rollout.plan.digest, *op});
    }
    std::vector<bool> taken(operations.size());
    take(operations, taken, [&](const Shown& s) {
      return places.find(place_key(s.target->name(), s.object.info, s.object.locator), taken);
    });
    take(operations, taken, [&](const Shown& s) {
      return ids.find(joined(s.target->name(), s.object.info.kind, s.object.info.id), taken);
    });
    for (size_t i = 0; i < operations.size(); ++i) {
      if (!taken[i]) unclaimed_.push_back(std::move(operations[i]));
    }
  }

  void remember_versions(const RolloutView& rollout) {
    std::set<Version> versions;
    for (const auto& op : rollout.operations) {
      if (!op.touched()) continue;
      for (const auto& c : op.operation.changes) {
        if (const auto v = Version::parse(c.to_version, rollout.plan.scheme))
          versions.insert(without_accelerator(*v));
      }
    }
    if (versions.empty()) return;
    unknown_.erase(rollout.record.package);
    left_.emplace(rollout.record.package, std::move(versions));  // the newest stays
  }

  template <typename Find>
  void take(const std::vector<Recorded>& operations, std::vector<bool>& taken, Find find) {
    std::erase_if(open_, [&](Shown* each) {
      const auto found = find(*each);
      if (!found) return false;
      taken[*found] = true;
      claim(*each, operations[*found]);
      return true;
    });
  }

  // References without a digest of their own have that of the bundle they came with. The inverse of a rollout
  // brought none: then an older one did.
  void claim(Shown& shown, const Recorded& last) {
    shown.last = last;
    if (!last.record.touched()) return;
    for (size_t i = 0; i < shown.row.references.size(); ++i) {
      ReferenceStatus& row = shown.row.references[i];
      const auto& version = shown.object.references[i].reference.version;
      if (!version || row.digest || row.package != last.package) continue;
      const auto& changes = last.record.operation.changes;
      const bool as_recorded = std::any_of(changes.begin(), changes.end(), [&](const Change& c) {
        const auto to = Version::parse(c.to_version, version->scheme());
        return c.to == row.text && to && same_release(*to, *version);
      });
      if (!as_recorded) continue;
      if (last.to && last.digest != Digest{} && same_release(*last.to, *version)) {
        row.digest = last.digest;
      } else {
        wanted_[{row.package, without_accelerator(*version).str()}].push_back(&row);
      }
    }
  }

  void answer(const std::string& package, const Version& version, const Digest& digest) {
    const auto found = wanted_.find({package, without_accelerator(version).str()});
    if (found == wanted_.end()) return;
    for (auto* row : found->second) row->digest = digest;
    wanted_.erase(found);
  }

  std::vector<Shown*> open_;         // without an operation yet
  std::set<std::string> unknown_;    // packages of which no version is known to have been left
  std::vector<Recorded> unclaimed_;  // newest first
  std::map<std::string, std::set<Version>> left_;
  std::map<std::pair<std::string, std::string>, std::vector<ReferenceStatus*>> wanted_;  // package, version
};

// What stands there instead of what the ledger's last operation left; "" when it is that.
std::string drift(const Recorded& last, const Observation& seen) {
  if (!last.record.touched()) return "";
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

// What is seen in one target.
struct Seen {
  Target* target;
  Discovery found;
  Accepted accepted;
  void list(Skipped row, std::vector<Skipped>& out) const {
    row.accepted = accepted.has(row.reason, row.object);
    out.push_back(std::move(row));
  }
};

void list_idle(const Seen& seen, const LiveObject& object, const std::string& package,
               std::vector<Skipped>& out) {
  for (const auto& found : object.references) {
    const Reference& r = found.reference;
    if (r.package.empty() || (!package.empty() && r.package != package)) continue;
    seen.list({seen.target->name(), object.info, found.path, Reason::opaque, r.opaque, "", found.text}, out);
  }
}

// What is seen; what the ledger knows comes later.
std::vector<Shown> discover(const StatusRequest& request, Targets& targets, StatusReport& report) {
  std::vector<Shown> shown;
  Chosen chosen(request.selection);
  std::vector<Seen> all;
  for (const auto& target : targets) {
    if (!selects(request.selection, target->name())) continue;
    all.push_back({target.get(), target->discover(request.scheme), Accepted(target->section())});
    Discovery& found = all.back().found;
    for (auto& row : found.skipped) all.back().list(std::move(row), report.skipped);
    for (auto& warning : found.warnings) report.warnings.push_back(std::move(warning));
    for (const auto* objects : {&found.objects, &found.idle}) {
      for (const auto& object : *objects) {
        report.unmet.saw(object.info);
        chosen.saw(object.info);
      }
    }
  }
  for (auto& in : all) {
    Target* target = in.target;
    for (const auto& object : in.found.idle) {
      if (chosen.has(object.info)) list_idle(in, object, request.package, report.skipped);
    }
    for (auto& object : in.found.objects) {
      if (!chosen.has(object.info)) continue;
      Shown each{target, std::move(object), {}};
      each.row.target = target->name();
      each.row.object = each.object.info;
      std::erase_if(each.object.references, [&](const FoundReference& f) {
        const std::string& package = f.reference.package;
        return package.empty() || (!request.package.empty() && package != request.package);
      });
      if (each.object.references.empty()) continue;
      for (const auto& seen : each.object.references) {
        const Reference& r = seen.reference;
        each.row.references.push_back(
            {r.package, seen.path, seen.text, r.form, r.version ? r.version->str() : "", r.digest,
             std::nullopt, target->missing(seen), in.accepted.has(Reason::broken, each.row.object)});
      }
      shown.push_back(std::move(each));
    }
  }
  return shown;
}

// All of a target at once, for systems that answer in bulk.
std::map<const Shown*, Observation> observe_last(const std::vector<Shown>& shown) {
  std::map<std::pair<Target*, std::string>, std::vector<const Shown*>> together;
  for (const auto& each : shown) {
    if (each.last && each.last->record.touched()) together[{each.target, each.last->salt}].push_back(&each);
  }
  std::map<const Shown*, Observation> out;
  for (const auto& [key, members] : together) {
    std::vector<const Operation*> operations;
    for (const auto* each : members) operations.push_back(&each->last->record.operation);
    auto seen = key.first->observe_all(operations, key.second);
    for (size_t i = 0; i < members.size(); ++i) out[members[i]] = std::move(seen.at(i));
  }
  return out;
}

void complete(Shown& shown, const Knowledge& knowledge, const Observation& seen, std::int64_t now) {
  ObjectStatus& row = shown.row;
  for (size_t i = 0; i < row.references.size(); ++i) {
    row.references[i].current = knowledge.current(shown.object.references[i].reference);
  }
  row.next_run = shown.target->next_run(shown.object, now);
  if (!shown.last) return;
  const OperationRecord& record = shown.last->record;
  std::string outcome = record.outcome.empty() ? "pending" : record.outcome;
  if (record.dangling) outcome = "unfinished";
  if (record.proof == "unhealthy" && outcome == "updated") outcome = "failed";
  row.last = LastOperation{shown.last->rollout, std::move(outcome), record.at};
  row.drift = drift(*shown.last, seen);
  if (record.touched()) row.pending = shown.target->pending(record.operation, record.at);
}

}  // namespace

StatusReport status(const StatusRequest& request, Targets& targets, Ledger& ledger) {
  StatusReport report;
  report.unmet = Unmet(request.selection);
  std::vector<Shown> shown = discover(request, targets, report);
  Knowledge knowledge(shown);
  if (!knowledge.complete()) {
    each_rollout(
        ledger, request.environment, request.package,
        [&](const RolloutView& rollout) { return knowledge.add(rollout); },
        [](const std::string&, const Error&) {});
    knowledge.match_names();
  }
  auto seen = observe_last(shown);
  for (auto& each : shown) {
    complete(each, knowledge, seen[&each], request.now);
    report.objects.push_back(std::move(each.row));
  }
  return report;
}

}  // namespace mlship
