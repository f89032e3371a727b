#include "deployers/attempt.h"

#include <fmt/format.h>

#include "deployers/record.h"

namespace mlship {
namespace {

Json execution_json(const RunContext& context) {
  Json json = to_json(context.execution);
  if (context.converge) json["selection"] = selection_json(*context.converge);
  return json;
}

Plan nothing_of(const Plan& asked) {
  Plan plan;
  plan.environment = asked.environment;
  plan.package = asked.package;
  plan.scheme = asked.scheme;
  plan.to = asked.to;
  finish_plan(plan);
  return plan;
}

}  // namespace

RolloutRecord record_of(const std::string& id, const Plan& plan, const RunContext& context,
                        std::int64_t now) {
  RolloutRecord record;
  record.id = id;
  record.command = context.command;
  record.environment = plan.environment;
  record.package = plan.package;
  record.who = context.who;
  record.host = context.host;
  record.started = now;
  record.commits = context.commits;
  record.execution = execution_json(context);
  record.plan = canonical_plan(plan);
  return record;
}

bool worth_a_record(Ledger& ledger, const Plan& plan, const RunContext& context, const std::string& state) {
  if (plan.direction == Direction::down || context.command != "rollout") return false;
  const Undoable last = undoable(ledger, plan.environment, plan.package);
  if (!last.rollout || !last.undone.empty()) return false;
  const bool undone_by_rollback = last.empty.empty();
  const bool shall_be = stays_last(read_view(ledger, *last.rollout), plan.to, state);
  return undone_by_rollback != shall_be;
}

void record_nothing(Ledger& ledger, Clock& clock, const Plan& plan, const RunContext& context,
                    const std::string& state) {
  const auto now = clock.now();
  const std::string id = next_rollout_id(ledger, now);
  ledger.begin(record_of(id, plan, context, now));
  ledger.append(
      id,
      {Json{{"type", "state"}, {"state", state}, {"seconds", 0}, {"counts", Json::object()}, {"at", now}}});
}

void record_failed(Ledger& ledger, Clock& clock, Diagnostics& diagnostics, const Plan& asked,
                   const RunContext& context) {
  const std::string state = "failed";
  bool worth = false;
  try {
    worth = worth_a_record(ledger, asked, context, state);
    if (!worth) return;
    RunContext without = context;
    without.converge.reset();
    const std::string holder = fmt::format("{}@{}, {} of {} since {}", context.who, context.host,
                                           context.command, asked.package, rfc3339(clock.now()));
    const auto lease = ledger.acquire({holder, asked.package, {}});
    if (worth_a_record(ledger, asked, without, state))
      record_nothing(ledger, clock, nothing_of(asked), without, state);
  } catch (const Error& e) {
    // That another run holds it is what the command itself says.
    if (!worth || e.code() == ErrorCode::ledger_busy) return;
    diagnostics.warning(
        "the ledger does not say that this rollout changed nothing, so `mlship rollback` would "
        "undo the one before: " +
        e.message());
  }
}

}  // namespace mlship
