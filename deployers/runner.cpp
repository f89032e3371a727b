#include "deployers/runner.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "deployers/strict_json.h"

namespace mlship {
namespace {

constexpr auto outcome_words = std::to_array<std::string_view>(
    {"updated", "unchanged", "conflict", "refused", "failed", "reverted", "pending"});
constexpr int max_sends = 3;

// The system itself said no; anything else that an Error says leaves open whether the write happened.
constexpr auto denials = std::to_array<ErrorCode>(
    {ErrorCode::unauthorized, ErrorCode::forbidden, ErrorCode::file_permission, ErrorCode::read_only});

bool denied(const Error& e) {
  return std::find(denials.begin(), denials.end(), e.code()) != denials.end();
}

std::string carrier_key(const std::string& target, const std::string& id) {
  return target + '\0' + id;
}

std::string join(const std::string& a, const std::string& b) {
  return a.empty() || b.empty() ? a + b : a + "; " + b;
}

Json intent_json(const Operation& operation, const std::string& tag) {
  Json changes = Json::array();
  for (const auto& c : operation.changes) {
    changes.push_back(
        {{"path", bytes_to_json(c.path)}, {"from", bytes_to_json(c.from)}, {"to", bytes_to_json(c.to)}});
  }
  return {{"type", "intent"},
          {"op", operation.id},
          {"tag", tag},
          {"token", operation.token},
          {"changes", changes}};
}

Json result_json(const std::string& op, std::string_view outcome, const std::string& detail,
                 const Observation& seen) {
  return {{"type", "result"},    {"op", op},
          {"outcome", outcome},  {"detail", bytes_to_json(detail)},
          {"token", seen.token}, {"locator", encode_bytes(seen.locator)}};
}

// Reading must not throw: an object that cannot be read is one whose state is not known.
std::optional<Observation> observe(Target& target, const Operation& operation, const std::string& salt,
                                   std::string& why) {
  try {
    return target.observe(operation, salt);
  } catch (const Error& e) {
    why = e.message();
    return std::nullopt;
  }
}

std::string_view outcome_of(ObjectState state) {
  switch (state) {
    case ObjectState::post: return "updated";
    case ObjectState::pre: return "pending";
    case ObjectState::conflict:
    case ObjectState::gone: break;
  }
  return "conflict";
}

std::string conflict_detail(const Observation& seen) {
  if (seen.state == ObjectState::gone) return join("the object is gone", seen.detail);
  return seen.detail.empty() ? "something else stands there now" : seen.detail;
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  return outcome_words.at(static_cast<size_t>(outcome));
}

bool RolloutReport::complete() const {
  const auto reached = [](const ObjectResult& r) {
    return r.outcome == Outcome::updated || r.outcome == Outcome::unchanged;
  };
  return state == "committed" && std::all_of(results.begin(), results.end(), reached) &&
         std::none_of(skipped.begin(), skipped.end(), [](const Skipped& s) { return fell_short(s); });
}

Runner::Runner(Engine& engine, std::string id, const std::string& salt, const Release& release)
    : engine_(engine), id_(std::move(id)), salt_(salt), release_(release) {}

void Runner::append(Json entry) {
  entry["at"] = engine_.host.clock.now();
  engine_.ledger.append(id_, {entry});
}

void Runner::place(const std::vector<Operation>& operations, const std::vector<Carrier>& carriers) {
  std::set<std::pair<std::string, std::string>> seen;
  for (const auto& op : operations) {
    for (const auto& id : op.carriers) {
      if (stop() || !seen.insert({op.target, id}).second) continue;
      const auto carrier =
          std::find_if(carriers.begin(), carriers.end(), [&](const auto& c) { return c.id == id; });
      if (carrier != carriers.end()) place_one(op.target, *carrier);
    }
  }
}

void Runner::place_one(const std::string& target_name, const Carrier& carrier) {
  Target* target = find_target(engine_.targets, target_name);
  if (target == nullptr) return;  // its operations say so
  append({{"type", "carrier-intent"}, {"target", target_name}, {"carrier", bytes_to_json(carrier.id)}});
  std::string outcome;
  try {
    engine_.diagnostics.detail("place " + carrier.place);
    outcome = target->place(carrier, release_, engine_.source, tag("carrier")) ? "created" : "present";
  } catch (const Error& e) {
    outcome = "failed";
    failed_carriers_[carrier_key(target_name, carrier.id)] = e.message();
  }
  append({{"type", "carrier"},
          {"target", target_name},
          {"carrier", bytes_to_json(carrier.id)},
          {"outcome", outcome}});
}

void Runner::run(const Operation& operation, const OperationRecord* before) {
  Target* target = find_target(engine_.targets, operation.target);
  if (target == nullptr) {
    const std::string detail = "target '" + operation.target + "' is not configured";
    // An intent that nobody can look into stays open.
    if (before != nullptr && before->dangling) return add_results(operation, Outcome::failed, detail);
    return refuse(operation, Outcome::failed, detail);
  }
  for (const auto& id : operation.carriers) {
    const auto failed = failed_carriers_.find(carrier_key(operation.target, id));
    if (failed != failed_carriers_.end()) return refuse(operation, Outcome::failed, failed->second);
  }
  const Settled settled = settle(*target, operation, before);
  record(operation, settled);
}

Runner::Settled Runner::settle(Target& target, Operation operation, const OperationRecord* before) {
  std::string why;
  const auto seen = observe(target, operation, salt_, why);
  if (!seen) return {Outcome::failed, why, "", {}, false};
  const bool ours = before != nullptr && before->touched();
  switch (seen->state) {
    case ObjectState::post: return {ours ? Outcome::updated : Outcome::unchanged, "", "", *seen};
    case ObjectState::conflict:
    case ObjectState::gone: return {Outcome::conflict, conflict_detail(*seen), "", *seen};
    case ObjectState::pre: break;
  }
  // Unrelated edits since the plan: go on from what is there now, and say so.
  operation.token = seen->token;
  if (!seen->locator.is_null()) operation.locator = seen->locator;
  Settled settled = write(target, operation, ours);
  if (!seen->rest_equal)
    settled.detail = join(settled.detail, "other edits of the object since the plan were kept");
  return settled;
}

Runner::Settled Runner::write(Target& target, Operation operation, bool ours) {
  Settled last;
  for (int send = 1; send <= max_sends; ++send) {
    append(intent_json(operation, tag(operation.id)));
    ApplyResult applied;
    try {
      applied = target.apply(operation, tag(operation.id));
    } catch (const Error& e) {
      applied.kind = denied(e) ? ApplyResult::Kind::refused : ApplyResult::Kind::unknown;
      applied.detail = e.message();
    }
    last = read_back(target, operation, applied);
    // Somebody else wrote the very same text, unless it was our own write whose reply was lost.
    if (applied.kind == ApplyResult::Kind::already && send == 1 && !ours &&
        last.outcome == Outcome::updated) {
      last.outcome = Outcome::unchanged;
    }
    const bool lost =
        applied.kind == ApplyResult::Kind::unknown && last.known && last.outcome == Outcome::failed;
    if (!lost || stop()) return last;
    operation.token = last.seen.token;
    if (!last.seen.locator.is_null()) operation.locator = last.seen.locator;
  }
  last.detail = join(fmt::format("sent {} times without effect", max_sends), last.detail);
  return last;
}

Runner::Settled Runner::read_back(Target& target, const Operation& operation, const ApplyResult& applied) {
  using Kind = ApplyResult::Kind;
  Operation there = operation;
  if (!applied.locator.is_null()) there.locator = applied.locator;
  std::string why;
  const auto seen = observe(target, there, salt_, why);
  if (!seen) {
    const bool not_written = applied.kind == Kind::refused || applied.kind == Kind::conflict;
    const Outcome outcome = applied.kind == Kind::refused    ? Outcome::refused
                            : applied.kind == Kind::conflict ? Outcome::conflict
                                                             : Outcome::failed;
    return {outcome, join(applied.detail, "cannot be read back: " + why), "", {}, not_written};
  }
  if (seen->state == ObjectState::post) {
    const bool odd = applied.kind != Kind::written && applied.kind != Kind::already;
    return {Outcome::updated, odd ? join(applied.detail, "read back shows the new text") : applied.detail,
            applied.pending, *seen};
  }
  if (applied.kind == Kind::refused) return {Outcome::refused, applied.detail, "", *seen};
  if (seen->state != ObjectState::pre) {
    return {Outcome::conflict, join(applied.detail, conflict_detail(*seen)), "", *seen};
  }
  if (applied.kind == Kind::conflict) return {Outcome::conflict, applied.detail, "", *seen};
  const bool claimed = applied.kind == Kind::written || applied.kind == Kind::already;
  return {Outcome::failed, join(applied.detail, claimed ? "read back shows the old text" : ""), "", *seen};
}

void Runner::record(const Operation& operation, const Settled& settled) {
  const std::string detail =
      join(settled.detail, settled.pending.empty() ? "" : "pending: " + settled.pending);
  if (settled.known) append(result_json(operation.id, to_string(settled.outcome), detail, settled.seen));
  add_results(operation, settled.outcome, detail);
}

void Runner::refuse(const Operation& operation, Outcome outcome, const std::string& detail) {
  append(result_json(operation.id, to_string(outcome), detail,
                     {ObjectState::conflict, "", operation.token, true, {}}));
  add_results(operation, outcome, detail);
}

void Runner::pending(const Operation& operation) {
  add_results(operation, Outcome::pending, "not reached");
}

void Runner::add_results(const Operation& operation, Outcome outcome, const std::string& detail) {
  outcomes_[operation.id] = outcome;
  for (const auto& change : operation.changes) {
    results_.push_back(
        {operation.target, operation.object.id, change.path, change.from, change.to, outcome, detail});
  }
}

bool Runner::reached(const std::string& operation) const {
  const auto it = outcomes_.find(operation);
  return it != outcomes_.end() && (it->second == Outcome::updated || it->second == Outcome::unchanged);
}

RolloutReport Runner::finish(std::vector<Skipped> skipped, std::int64_t seconds) {
  RolloutReport report{id_, "committed", std::move(results_), std::move(skipped), seconds};
  const bool left = std::any_of(report.results.begin(), report.results.end(),
                                [](const ObjectResult& r) { return r.outcome == Outcome::pending; });
  if (left) {
    report.state = "interrupted";
  } else if (!report.complete()) {
    report.state = "partial";
  }
  std::map<std::string, size_t> counts;
  for (const auto& r : report.results) ++counts[std::string(to_string(r.outcome))];
  append({{"type", "state"}, {"state", report.state}, {"seconds", seconds}, {"counts", counts}});
  return report;
}

void settle_dangling(Engine& engine, const RolloutView& rollout) {
  for (const auto& op : rollout.operations) {
    Target* target = op.dangling ? find_target(engine.targets, op.operation.target) : nullptr;
    if (target == nullptr) continue;
    try {
      target->recover(op.operation, op.tag);
      const Observation seen = target->observe(op.operation, rollout.plan.salt);
      Json entry = result_json(op.operation.id, outcome_of(seen.state), "settled by reading", seen);
      entry["at"] = engine.host.clock.now();
      engine.ledger.append(rollout.record.id, {entry});
    } catch (const Error& e) {
      if (e.exit_code() == ExitCode::local && e.code() == ErrorCode::disk_full) throw;
      engine.diagnostics.warning("cannot settle " + op.operation.object.id + " of rollout " +
                                 rollout.record.id + ": " + e.message());
    }
  }
}

void settle_unfinished(Engine& engine, const std::string& environment, const std::string& package) {
  const auto visit = [&](const RolloutView& rollout) {
    settle_dangling(engine, rollout);
    if (rollout.ended()) return rollout.dangling();
    engine.ledger.append(
        rollout.record.id,
        {Json{{"type", "state"}, {"state", "superseded"}, {"seconds", 0}, {"at", engine.host.clock.now()}}});
    return true;
  };
  each_rollout(engine.ledger, environment, package, visit,
               [&](const std::string&, const Error& e) { engine.diagnostics.warning(e.message()); });
}

}  // namespace mlship
