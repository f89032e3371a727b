#include "deployers/runner.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "deployers/selectors.h"
#include "deployers/strict_json.h"
#include "deployers/track.h"

namespace mlship {
namespace {

constexpr auto outcome_words = std::to_array<std::string_view>(
    {"updated", "installed", "unchanged", "conflict", "refused", "failed", "reverted", "pending"});
// What a state means for people; the pointer of an unproven object has moved all the same.
struct StateRow {
  OpState state;
  Outcome outcome;
  std::string_view proof;
};
constexpr auto state_rows = std::to_array<StateRow>({
    {OpState::planned, Outcome::pending, ""},
    {OpState::intent, Outcome::pending, ""},
    {OpState::unknown, Outcome::failed, ""},
    {OpState::confirmed, Outcome::updated, ""},
    {OpState::conflict, Outcome::conflict, ""},
    {OpState::refused, Outcome::refused, ""},
    {OpState::failed, Outcome::failed, ""},
    {OpState::observing, Outcome::updated, "inconclusive"},
    {OpState::healthy, Outcome::updated, "healthy"},
    {OpState::unhealthy, Outcome::failed, "unhealthy"},
    {OpState::inconclusive, Outcome::updated, "inconclusive"},
    {OpState::unproven, Outcome::updated, "unproven"},
    {OpState::committed, Outcome::updated, "healthy"},
    {OpState::revert_intent, Outcome::failed, ""},
    {OpState::reverted, Outcome::reverted, ""},
    {OpState::revert_conflict, Outcome::conflict, ""},
});

const StateRow& row_of(OpState state) {
  return state_rows.at(static_cast<size_t>(state));
}

OpEvent event_of(ObjectState state) {
  switch (state) {
    case ObjectState::pre: return OpEvent::live_old;
    case ObjectState::post: return OpEvent::live_new;
    case ObjectState::unreadable: return OpEvent::unreadable;
    case ObjectState::conflict:
    case ObjectState::gone: break;
  }
  return OpEvent::live_other;
}

std::string carrier_key(const std::string& target, const std::string& id) {
  return target + '\0' + id;
}

Json result_json(const std::string& op, std::string_view outcome, const std::string& detail,
                 const Observation& seen) {
  return {{"type", "result"},    {"op", op},
          {"outcome", outcome},  {"detail", bytes_to_json(detail)},
          {"token", seen.token}, {"locator", encode_bytes(seen.locator)}};
}

// What a rollout that died left there, said as an outcome.
std::string_view outcome_of(ObjectState state, bool reverting) {
  switch (state) {
    case ObjectState::post: return "updated";
    case ObjectState::pre: return reverting ? "reverted" : "pending";
    default: break;
  }
  return "conflict";
}

}  // namespace

std::string not_configured(const std::string& target) {
  return "target '" + target + "' is not configured here";
}

std::string conflict_detail(const Observation& seen) {
  if (seen.state == ObjectState::gone) return join("the object is gone", seen.detail);
  return seen.detail.empty() ? "something else stands there now" : seen.detail;
}

std::string_view to_string(Outcome outcome) {
  return outcome_words.at(static_cast<size_t>(outcome));
}

bool as_asked(Outcome outcome) {
  return outcome == Outcome::updated || outcome == Outcome::installed || outcome == Outcome::unchanged;
}

bool RolloutReport::complete() const {
  const auto reached = [](const ObjectResult& r) {
    return as_asked(r.outcome) && (r.proof.empty() || r.proof == "healthy");
  };
  return (state == "committed" || state.empty()) && std::all_of(results.begin(), results.end(), reached) &&
         std::none_of(skipped.begin(), skipped.end(), [](const Skipped& s) { return fell_short(s); });
}

Runner::Runner(Engine& engine, Lease& lease, std::string id, const Plan& plan, const Release& release,
               const RunContext& context)
    : engine_(engine),
      lease_(lease),
      id_(std::move(id)),
      plan_(plan),
      release_(release),
      context_(context),
      rules_(engine.objects) {
  for (const auto& op : plan_.operations) rules_.saw(op.object);
  for (const auto& row : plan_.skipped) rules_.saw(row.object);
  results_.reserve(plan_.changes() + plan_.installs());  // growing would hold them twice
  for (const auto& target : engine_.targets) target->heed([this] { return stop(); });
}

Runner::~Runner() {
  for (const auto& target : engine_.targets) target->heed({});
}

void Runner::append(Json entry) {
  entry["at"] = engine_.host.clock.now();
  write_ledger([&] { engine_.ledger.append(id_, {entry}); });
}

// The ledger itself may be the first to see that another runner took over.
void Runner::write_ledger(const std::function<void()>& write) {
  try {
    write();
  } catch (const Error& e) {
    if (e.code() != ErrorCode::ledger_busy) throw;
    lease_lost_ = true;
  }
}

bool Runner::stop() const {
  if (!lease_lost_ && !lease_.valid()) lease_lost_ = true;
  return lease_lost_ || engine_.interrupted.load();
}

void Runner::move(Track& track, OpEvent event) {
  const Transition& row = transition(track.state, event);
  track.state = row.to;
  if (engine_.trace) engine_.trace(row);
}

void Runner::place(const std::vector<Operation>& operations, const std::vector<Carrier>& carriers) {
  std::map<std::string, const Carrier*> known;
  for (const auto& carrier : carriers) known[carrier.id] = &carrier;
  std::set<std::pair<std::string, std::string>> seen;
  for (const auto& op : operations) {
    for (const auto& id : op.carriers) {
      if (stop() || !seen.insert({op.target, id}).second) continue;
      if (const auto carrier = known.find(id); carrier != known.end()) place_one(op.target, *carrier->second);
    }
  }
}

void Runner::place_one(const std::string& target_name, const Carrier& carrier) {
  Target* target = find_target(engine_.targets, target_name);
  if (target == nullptr) return;  // its operations say so
  append({{"type", "carrier-intent"}, {"target", target_name}, {"carrier", bytes_to_json(carrier.id)}});
  if (stop()) return;
  std::string outcome;
  try {
    engine_.diagnostics.detail("place " + carrier.place);
    outcome = target->place(carrier, release_, engine_.source, tag("carrier")) ? "created" : "present";
  } catch (const Error& e) {
    outcome = "failed";
    failed_carriers_[carrier_key(target_name, carrier.id)] = e.message();
  }
  const Json result = {{"type", "carrier"},
                       {"target", target_name},
                       {"carrier", bytes_to_json(carrier.id)},
                       {"outcome", outcome},
                       {"at", engine_.host.clock.now()}};
  write_ledger([&] { engine_.ledger.note(id_, {result}); });
}

Runner::Tracks Runner::prepare(std::span<const Operation* const> batch, const Before& before) {
  Tracks tracks;
  for (const auto* operation : batch) {
    const auto found = before.find(operation->id);
    const OperationRecord* record = found == before.end() ? nullptr : found->second;
    Target* target = find_target(engine_.targets, operation->target);
    if (target == nullptr) {
      pending(*operation, not_configured(operation->target));
      elsewhere_ = true;
      continue;
    }
    const auto failed = std::find_if(
        operation->carriers.begin(), operation->carriers.end(),
        [&](const std::string& id) { return failed_carriers_.contains(carrier_key(operation->target, id)); });
    if (failed != operation->carriers.end()) {
      refuse(*operation, Outcome::failed, failed_carriers_.at(carrier_key(operation->target, *failed)));
      continue;
    }
    Track track;
    track.planned = operation;
    track.operation = *operation;
    track.target = target;
    track.ours = record != nullptr && record->touched();
    tracks.push_back(std::move(track));
  }
  return tracks;
}

// Takes out what is running or about to run where that must not be disturbed.
Runner::Tracks Runner::take_busy(Tracks& tracks) {
  Tracks busy;
  const auto now = engine_.host.clock.now();
  const auto is_busy = [&](Track& track) {
    if (track.target->pins_running_work()) return false;
    const Activity activity = track.target->activity(track.operation);
    const bool soon = activity.next_run && *activity.next_run >= now &&
                      *activity.next_run - now <= context_.execution.margin.count();
    if (!activity.running && !soon) return false;
    track.detail = activity.running ? "it is running" : "it runs at " + rfc3339(*activity.next_run);
    return true;
  };
  Tracks free;
  for (auto& track : tracks) (is_busy(track) ? busy : free).push_back(std::move(track));
  tracks = std::move(free);
  return busy;
}

void Runner::report_busy(const Track& track) {
  for (const auto& change : track.planned->changes) {
    busy_.push_back({track.planned->target, track.planned->object, change.path, Reason::busy, track.detail,
                     "mlship rollout --resume=" + id_, change.from});
  }
  by_operation_[track.planned->id] = {};
}

void Runner::run(std::span<const Operation* const> batch, const Before& before) {
  Tracks tracks = prepare(batch, before);
  Tracks busy = take_busy(tracks);
  work(tracks);
  // What has ended meanwhile is changed now.
  const Tracks still = take_busy(busy);
  for (auto& track : busy) track.detail.clear();
  work(busy);
  for (const auto& track : still) report_busy(track);
}

void Runner::work(Tracks& tracks) {
  if (tracks.empty()) return;
  Members all;
  for (auto& track : tracks) all.push_back(&track);
  read(all);
  Members writing;
  for (auto* track : all) {
    move(*track, event_of(track->seen.state));
    if (track->state == OpState::intent) {
      // Unrelated edits since the plan: go on from what is there now, and say so.
      if (!track->seen.rest_equal) track->detail = "other edits of the object since the plan were kept";
      writing.push_back(track);
    } else if (track->state == OpState::confirmed) {
      track->unchanged = !track->ours;
      track->confirmed = engine_.host.clock.now();
    } else {
      track->detail = track->state == OpState::failed ? track->seen.detail : conflict_detail(track->seen);
    }
  }
  intend(writing, false);
  write_all(writing);
  prove(tracks);
  record(tracks);
}

void Runner::prove(Tracks& tracks) {
  const bool wanted = context_.execution.proof.proof != Proof::config && plan_.to;
  std::vector<ProofSubject> subjects;
  Members watched;
  for (auto& track : tracks) {
    if (track.state != OpState::confirmed) continue;
    if (!wanted || track.unchanged) {
      move(track, OpEvent::proven);
    } else {
      move(track, OpEvent::watch);
      watched.push_back(&track);
      subjects.push_back({&track.operation, track.target, track.confirmed, tag(track.operation.id)});
    }
  }
  if (!watched.empty()) {
    Prover prover(engine_.host, context_.execution.proof, rules_, [this] { return stop(); });
    const auto verdicts = prover.prove(subjects, plan_);
    for (size_t i = 0; i < watched.size(); ++i) {
      move(*watched[i], verdicts[i].event);
      watched[i]->verdict = row_of(watched[i]->state).proof;
      watched[i]->detail = join(watched[i]->detail, verdicts[i].detail);
    }
  }
  for (auto& track : tracks) {
    if (track.state == OpState::healthy) move(track, OpEvent::settle);
  }
}

void Runner::record(Tracks& tracks) {
  std::vector<Json> notes;
  const auto now = engine_.host.clock.now();
  for (const auto& track : tracks) {
    Outcome outcome = row_of(track.state).outcome;
    if (outcome == Outcome::updated && track.unchanged)
      outcome = track.planned->installs() ? Outcome::installed : Outcome::unchanged;
    const std::string& pending = track.applied.pending;
    const std::string detail = join(track.detail, pending.empty() ? "" : "pending: " + pending);
    add_results(*track.planned, outcome, outcome == Outcome::pending ? "not reached" : detail, track.verdict);
    by_operation_.at(track.planned->id).state = track.state;
    if (!track.has_result()) continue;
    const auto recorded = track.still_new() ? to_string(Outcome::updated) : to_string(outcome);
    Json entry = result_json(track.planned->id, recorded, detail, track.seen);
    if (!track.verdict.empty()) entry["proof"] = track.verdict;
    entry["at"] = now;
    notes.push_back(std::move(entry));
  }
  if (!notes.empty() && !lease_lost_) write_ledger([&] { engine_.ledger.note(id_, notes); });
}

void Runner::refuse(const Operation& operation, Outcome outcome, const std::string& detail) {
  append(result_json(operation.id, to_string(outcome), detail,
                     {ObjectState::conflict, "", operation.token, true, {}}));
  add_results(operation, outcome, detail);
}

void Runner::pending(const Operation& operation, const std::string& why) {
  add_results(operation, Outcome::pending, why);
}

// A later result of the same operation (its revert) takes the place of the earlier one.
void Runner::add_results(const Operation& operation, Outcome outcome, const std::string& detail,
                         std::string_view proof) {
  const bool proven = proof.empty() || proof == "healthy";
  Result& result = by_operation_[operation.id];
  const bool fresh = !result.row;
  if (fresh) result.row = results_.size();
  result.outcome = outcome;
  result.proven = proven;
  for (size_t i = 0; i < operation.changes.size(); ++i) {
    const Change& change = operation.changes[i];
    ObjectResult row{operation.target, operation.object, change.path, change.from,
                     change.to,        outcome,          detail,      std::string(proof)};
    if (fresh) {
      results_.push_back(std::move(row));
    } else {
      results_.at(*result.row + i) = std::move(row);
    }
  }
}

bool Runner::reached(const std::string& operation) const {
  const auto it = by_operation_.find(operation);
  if (it == by_operation_.end() || !it->second.proven) return false;
  return as_asked(it->second.outcome);
}

bool Runner::wrote(const std::string& operation) const {
  constexpr auto moved = std::to_array<OpState>(
      {OpState::unknown, OpState::committed, OpState::unhealthy, OpState::inconclusive, OpState::unproven});
  const auto it = by_operation_.find(operation);
  return it != by_operation_.end() && it->second.outcome != Outcome::unchanged &&
         it->second.outcome != Outcome::installed &&
         std::find(moved.begin(), moved.end(), it->second.state) != moved.end();
}

bool Runner::is_reverted(const std::string& operation) const {
  const auto it = by_operation_.find(operation);
  return it != by_operation_.end() && it->second.state == OpState::reverted;
}

size_t Runner::failures() const {
  return static_cast<size_t>(std::count_if(by_operation_.begin(), by_operation_.end(), [](const auto& entry) {
    const Result& r = entry.second;
    return r.outcome == Outcome::failed || r.outcome == Outcome::refused || !r.proven;
  }));
}

bool Runner::left_pending() const {
  return std::any_of(results_.begin(), results_.end(), [](const ObjectResult& r) {
    return r.outcome == Outcome::pending || r.proof == "inconclusive";
  });
}

RolloutReport Runner::finish(const std::string& state, std::vector<Skipped> skipped, std::int64_t seconds) {
  skipped.insert(skipped.end(), busy_.begin(), busy_.end());
  RolloutReport report{id_, state, std::move(results_), std::move(skipped), seconds};
  if (state.empty()) report.state = report.complete() ? "committed" : "partial";
  std::map<std::string, size_t> counts;
  for (const auto& r : report.results) ++counts[std::string(to_string(r.outcome))];
  // Whoever took the lease over writes the ledger now.
  if (!lease_lost_) {
    append({{"type", "state"}, {"state", report.state}, {"seconds", seconds}, {"counts", counts}});
  }
  // What was not accepted did not happen.
  if (lease_lost_) report.state = "taken-over";
  return report;
}

namespace {

using Records = std::vector<const OperationRecord*>;

void warn_unsettled(Engine& engine, const RolloutView& rollout, const OperationRecord& op,
                    const std::string& why) {
  engine.diagnostics.warning("cannot settle " + op.operation.object.id + " of rollout " + rollout.record.id +
                             ": " + why);
}

// Cleans up after the writes that a run died over: all together, and where that fails one by one; what could
// not be cleaned up is left out.
Records recovered(Engine& engine, Target& target, const RolloutView& rollout, const Records& records) {
  std::vector<Sending> sendings;
  for (const auto* op : records) sendings.push_back({&op->operation, op->tag});
  try {
    target.recover_all(sendings);
    return records;
  } catch (const Error& e) {
    if (e.code() == ErrorCode::disk_full) throw;
  }
  Records out;
  for (const auto* op : records) {
    try {
      target.recover(op->operation, op->tag);
      out.push_back(op);
    } catch (const Error& e) {
      if (e.code() == ErrorCode::disk_full) throw;
      warn_unsettled(engine, rollout, *op, e.message());
    }
  }
  return out;
}

// Says in the ledger what is live now of one target's operations that a run died over, all together.
void settle(Engine& engine, Target& target, const RolloutView& rollout, const Records& records) {
  const Records clean = recovered(engine, target, rollout, records);
  std::vector<const Operation*> operations;
  for (const auto* op : clean) operations.push_back(&op->operation);
  const auto seen = target.observe_all(operations, rollout.plan.salt);
  std::vector<Json> entries;
  const auto now = engine.host.clock.now();
  for (size_t i = 0; i < clean.size(); ++i) {
    if (seen.at(i).state == ObjectState::unreadable) {
      warn_unsettled(engine, rollout, *clean[i], seen[i].detail);
      continue;
    }
    entries.push_back(result_json(clean[i]->operation.id, outcome_of(seen[i].state, clean[i]->reverting),
                                  "settled by reading", seen[i]));
    entries.back()["at"] = now;
  }
  if (!entries.empty()) engine.ledger.append(rollout.record.id, entries);
}

// Whether a run comes by every object that a rollout had left.
bool goes_past(const Plan& plan, const RunContext& context, const RolloutView& rollout,
               const std::set<std::string>& leased) {
  std::set<std::pair<std::string, std::string>> planned;
  for (const auto& op : plan.operations) planned.insert({op.target, op.object.id});
  for (const auto& row : plan.skipped) planned.insert({row.target, row.object.id});
  Chosen chosen(context.converge ? context.converge->selection : Selection{});
  for (const auto& op : rollout.operations) chosen.saw(op.operation.object);
  const auto reached = [&](const OperationRecord& record) {
    const Operation& op = record.operation;
    if (!leased.contains(op.target)) return false;
    if (record.updated || plan.inverse_of == rollout.record.id) return true;
    if (planned.contains({op.target, op.object.id})) return true;
    return context.converge && selects(context.converge->selection, op.target) && chosen.has(op.object);
  };
  return std::all_of(rollout.operations.begin(), rollout.operations.end(), reached);
}

}  // namespace

void settle_dangling(Engine& engine, const RolloutView& rollout, const std::set<std::string>* leased) {
  std::map<std::string, Records> by_target;
  for (const auto& op : rollout.operations) {
    const std::string& target = op.operation.target;
    if (op.dangling && (leased == nullptr || leased->contains(target))) by_target[target].push_back(&op);
  }
  for (const auto& [name, records] : by_target) {
    Target* target = find_target(engine.targets, name);
    if (target != nullptr) settle(engine, *target, rollout, records);
  }
}

void settle_unfinished(Engine& engine, const Plan& plan, const RunContext& context,
                       const std::vector<std::string>& leased) {
  const std::set<std::string> ours(leased.begin(), leased.end());
  const auto visit = [&](const RolloutView& rollout) {
    settle_dangling(engine, rollout, &ours);
    if (rollout.ended()) return;
    const RolloutView now = rollout.dangling() ? read_view(engine.ledger, rollout.record.id) : rollout;
    if (!goes_past(plan, context, now, ours)) return;
    engine.ledger.append(
        rollout.record.id,
        {Json{{"type", "state"}, {"state", "superseded"}, {"seconds", 0}, {"at", engine.host.clock.now()}}});
  };
  each_open_rollout(engine.ledger, plan.environment, plan.package, visit,
                    [&](const std::string&, const Error& e) { engine.diagnostics.warning(e.message()); });
}

}  // namespace mlship
