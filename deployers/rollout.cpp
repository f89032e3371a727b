#include "deployers/rollout.h"

#include <algorithm>
#include <list>
#include <set>

#include <fmt/format.h>
#include <unistd.h>

#include "deployers/attempt.h"
#include "deployers/conductor.h"
#include "deployers/gate.h"
#include "deployers/runner.h"

namespace mlship {
namespace {

void add_targets(const Plan& plan, std::set<std::string>& targets) {
  for (const auto& op : plan.operations) targets.insert(op.target);
}

// What the run may change: what is planned and what convergence may find. One that changes nothing only
// settles what others left.
LeaseRequest lease_request(Engine& engine, const RunContext& context, const Plan& plan) {
  LeaseRequest request;
  request.holder = fmt::format("{}@{} (process {}), {} of {} since {}", context.who, context.host, ::getpid(),
                               context.command, plan.package, rfc3339(engine.host.clock.now()));
  request.package = plan.package;
  request.interrupted = &engine.interrupted;
  std::set<std::string> targets;
  add_targets(plan, targets);
  if (context.converge) {
    const auto& chosen = context.converge->selection.targets;
    targets.insert(chosen.begin(), chosen.end());
    for (const auto& target : engine.targets) {
      if (chosen.empty()) targets.insert(target->name());
    }
  }
  if (plan.operations.empty() && !context.converge) {
    each_open_rollout(engine.ledger, plan.environment, plan.package,
                      [&](const RolloutView& rollout) { add_targets(rollout.plan, targets); });
  }
  request.targets.assign(targets.begin(), targets.end());
  return request;
}

std::int64_t seconds_since(Clock& clock, std::chrono::milliseconds start) {
  return std::chrono::duration_cast<std::chrono::seconds>(clock.monotonic() - start).count();
}

bool is_held(Ledger& ledger, const std::string& package, const Version& version) {
  const auto held = ledger.holds();
  return std::any_of(held.begin(), held.end(),
                     [&](const Hold& h) { return h.package == package && h.version == version; });
}

// Before the first write, so that a run that dies cannot lose them: the versions a rollback leaves, or was
// to.
void hold_what_is_left(Ledger& ledger, const Plan& plan, const std::string& id, std::int64_t now) {
  std::set<Version> left = plan.stuck;
  for (const auto& op : plan.operations) {
    for (const auto& change : op.changes) {
      const auto version = Version::parse(change.from_version, plan.scheme);
      if (version && !change.stays()) left.insert(*version);
    }
  }
  for (const auto& version : left) {
    if (!is_held(ledger, plan.package, version)) ledger.put_hold({plan.package, version, id, now});
  }
}

// The hold comes first, so that a revert that dies is not rolled out again (invariant 9).
void revert(Engine& engine, Runner& runner, const Plan& plan, const std::vector<const Operation*>& written) {
  const auto now = engine.host.clock.now();
  if (plan.to && !is_held(engine.ledger, plan.package, *plan.to)) {
    engine.ledger.put_hold({plan.package, *plan.to, runner.id(), now});
  }
  runner.append({{"type", "state"}, {"state", "reverting"}, {"seconds", 0}});
  engine.diagnostics.status(
      fmt::format("too many failures: putting {} back",
                  written.size() == 1 ? "1 object" : fmt::format("{} objects", written.size())));
  const auto together = [&](size_t a, size_t b) {
    return written_together(engine.targets, *written[a], *written[b]);
  };
  for (size_t begin = 0; begin < written.size();) {
    const size_t end = batch_end(begin, written.size(), together);
    runner.revert(std::span(written).subspan(begin, end - begin));
    begin = end;
  }
}

std::string state_of(const Runner& runner, const Conductor& conductor) {
  if (runner.lease_lost()) return "taken-over";
  if (runner.stop() && runner.left_pending()) return "interrupted";
  return conductor.stopped() || runner.elsewhere() ? "paused" : "";
}

// What a rollout in `reverting` comes to: everything it wrote has its old text again, or a person has to
// look.
std::string reverted_state(const Runner& runner, const std::vector<const Operation*>& written) {
  if (runner.lease_lost()) return "taken-over";
  const bool all = std::all_of(written.begin(), written.end(),
                               [&](const Operation* op) { return runner.is_reverted(op->id); });
  return all ? "reverted" : "needs-human";
}

// What a rollout wrote, newest first: by this run, and by its record.
class Written {
 public:
  Written(const Runner& runner, const Runner::Before& before) : runner_(runner), before_(before) {}

  void add(const Plan& plan) {
    for (auto op = plan.operations.rbegin(); op != plan.operations.rend(); ++op) add(*op);
  }
  // What the record has and this run was not given.
  std::vector<const Operation*> all() {
    for (const auto& [id, record] : before_) add(record->operation);
    return operations_;
  }

 private:
  void add(const Operation& op) {
    const auto record = before_.find(op.id);
    const bool recorded = record != before_.end() && record->second->touched();
    if ((recorded || runner_.wrote(op.id)) && known_.insert(op.id).second) operations_.push_back(&op);
  }

  const Runner& runner_;
  const Runner::Before& before_;
  std::set<std::string> known_;
  std::vector<const Operation*> operations_;
};

// One run of a recorded rollout, from its first wave to its state.
RolloutReport conduct(Engine& engine, Runner& runner, const Plan& plan, const RunContext& context,
                      const Runner::Before& before, std::chrono::milliseconds start) {
  Conductor conductor(engine, runner, plan, context);
  conductor.run(plan.operations, plan.carriers, context.execution.waves, before);
  std::vector<Skipped> skipped = plan.skipped;
  std::list<Plan> later;
  if (context.converge && conductor.goes_on()) {
    Converged found = converge(conductor, runner, engine, plan, *context.converge, later);
    // What was in the way when the rollout began may have been mended since.
    if (!before.empty() && conductor.goes_on()) skipped = std::move(found.now);
    skipped.insert(skipped.end(), found.left.begin(), found.left.end());
  }
  std::string state = state_of(runner, conductor);
  if (conductor.stopped() && state == "paused" && context.execution.on_failure == OnFailure::revert) {
    Written by(runner, before);
    for (auto more = later.rbegin(); more != later.rend(); ++more) by.add(*more);
    by.add(plan);
    const auto written = by.all();
    revert(engine, runner, plan, written);
    state = reverted_state(runner, written);
  }
  return runner.finish(state, std::move(skipped), seconds_since(engine.host.clock, start));
}

// Runs `body`; what the ledger throws then gets the command that goes on.
template <typename Body>
RolloutReport with_resume_hint(const std::string& id, Body body) {
  try {
    return body();
  } catch (const Error& e) {
    throw Error(e).hint("mlship rollout --resume=" + id);
  }
}

Release release_of(Engine& engine, const Plan& plan) {
  Release nothing;
  nothing.package = plan.package;
  // Only carriers need the bytes; pointers are in the plan.
  if (!plan.to || plan.carriers.empty()) return nothing;
  const auto release = engine.source.find(plan.package, *plan.to);
  const std::string what = "cannot go on with the rollout of " + plan.package + " " + plan.to->str();
  if (!release) {
    throw Error(ErrorCode::version_not_found, what + ": the registry has no such version")
        .hint("mlship publish");
  }
  if (release->digest != plan.digest) {
    throw Error(ErrorCode::stale_plan, what + ": the registry has another build of it")
        .fact("rollout", plan.digest.str())
        .fact("registry", release->digest.str());
  }
  return *release;
}

// Why the texts of an operation must not be written; "" when they may. One of another machine's targets is
// not.
std::string wrong_texts(Engine& engine, const Plan& plan, const Operation& op) {
  const Target* target = find_target(engine.targets, op.target);
  std::string wrong;
  for (const auto& change : op.changes) {
    if (wrong.empty() && target != nullptr) wrong = gate(*target, change, plan);
  }
  return wrong;
}

// Goes about it as the run before did.
RunContext recorded_context(Engine& engine, const RolloutView& rollout, const RunContext& who) {
  RunContext context = who;
  const Json& recorded = rollout.record.execution;
  if (recorded.is_null()) return context;
  context.execution = parse_execution(recorded);
  const Plan& plan = rollout.plan;
  if (!recorded.contains("selection") || !plan.to) return context;
  const auto release = engine.source.find(plan.package, *plan.to);
  if (!release || release->digest != plan.digest) return context;
  PlanRequest request = parse_selection(recorded.at("selection"));
  request.environment = plan.environment;
  request.release = *release;
  request.strict = plan.strict;
  request.direction = plan.direction;
  request.ledger = plan.direction == Direction::down ? &engine.ledger : nullptr;
  context.converge = request;
  return context;
}

RolloutReport go_on_forward(Engine& engine, Runner& runner, const RolloutView& rollout,
                            const RunContext& context, std::chrono::milliseconds start) {
  const Plan& plan = rollout.plan;
  if (plan.direction == Direction::down) {
    hold_what_is_left(engine.ledger, plan, runner.id(), engine.host.clock.now());
  }
  Plan rest = plan;
  rest.operations.clear();
  Runner::Before before;
  for (const auto& op : rollout.operations) {
    before[op.operation.id] = &op;
    const std::string wrong = wrong_texts(engine, plan, op.operation);
    if (!wrong.empty()) {
      runner.refuse(op.operation, Outcome::conflict, wrong);
      continue;
    }
    rest.operations.push_back(op.operation);
  }
  return conduct(engine, runner, rest, context, before, start);
}

RolloutReport go_on_reverting(Engine& engine, Runner& runner, const RolloutView& rollout,
                              std::chrono::milliseconds start) {
  std::vector<const Operation*> written;
  for (auto op = rollout.operations.rbegin(); op != rollout.operations.rend(); ++op) {
    if (op->touched()) written.push_back(&op->operation);
  }
  revert(engine, runner, rollout.plan, written);
  return runner.finish(reverted_state(runner, written), rollout.plan.skipped,
                       seconds_since(engine.host.clock, start));
}

// The lease may have been waited for: what the rollout wrote meanwhile is not in the plan of its undoing.
void check_inverse_is_whole(Engine& engine, const Plan& plan, const RunContext& context) {
  if (!context.undoes || context.undoes->touched == touched_operations(engine.ledger, plan.inverse_of))
    return;
  std::set<std::string> planned;
  for (const auto& op : plan.operations) planned.insert(op.id);
  const Plan now = inverse_plan(engine.ledger, plan.inverse_of, engine.targets, context.undoes->selection);
  if (std::all_of(now.operations.begin(), now.operations.end(),
                  [&](const Operation& op) { return planned.contains(op.id); })) {
    return;
  }
  throw Error(ErrorCode::stale_plan, "cannot undo " + plan.inverse_of + ": it went on meanwhile")
      .hint("run the command again");
}

// A killed run on a machine that is gone took its ledger with it.
void clear_abandoned(Engine& engine) {
  for (const auto& target : engine.targets) {
    try {
      for (const auto& line : target->clear_abandoned()) engine.diagnostics.status(line);
    } catch (const Error& e) {
      engine.diagnostics.warning("target '" + target->name() + "': " + e.message());
    }
  }
}

RolloutReport nothing_done(const Plan& plan) {
  const bool short_of = std::any_of(plan.skipped.begin(), plan.skipped.end(),
                                    [](const Skipped& row) { return fell_short(row); });
  return {"", short_of ? "partial" : "committed", {}, plan.skipped, 0};
}

// A run that holds its lease and has its record.
struct Begun {
  std::string id;
  std::unique_ptr<Lease> lease;
};

// nullopt: there is nothing to begin.
std::optional<Begun> begin(Engine& engine, const Plan& plan, const RunContext& context) {
  const bool nothing = plan.operations.empty() && plan.stuck.empty();
  const auto worth = [&] { return worth_a_record(engine.ledger, plan, context, nothing_done(plan).state); };
  if (nothing && open_rollouts(engine.ledger, plan.environment, plan.package).empty() && !worth())
    return std::nullopt;
  const auto now = engine.host.clock.now();
  const LeaseRequest request = lease_request(engine, context, plan);
  Begun begun{"", engine.ledger.acquire(request)};
  check_inverse_is_whole(engine, plan, context);
  if (plan.direction == Direction::up && plan.to) check_holds(engine.ledger, plan.package, *plan.to);
  settle_unfinished(engine, plan, context, request.targets);
  if (nothing) {
    if (worth()) record_nothing(engine.ledger, engine.host.clock, plan, context, nothing_done(plan).state);
    return std::nullopt;
  }
  (void)course_of(engine, plan.operations,
                  context.execution.waves);  // a cycle ends here, with nothing recorded
  begun.id = next_rollout_id(engine.ledger, now);
  engine.ledger.begin(record_of(begun.id, plan, context, now));
  return begun;
}

}  // namespace

void check_holds(Ledger& ledger, const std::string& package, const Version& version, Direction direction) {
  const std::string doing = direction == Direction::up
                                ? "cannot roll out " + package + " " + version.str()
                                : "cannot roll " + package + " back to " + version.str();
  for (const auto& hold : ledger.holds()) {
    if (!holds(hold, package, version)) continue;
    const std::string held = hold.version.str() == version.str() ? "it" : package + " " + hold.version.str();
    throw Error(ErrorCode::version_held, doing + ": " + held + " is held since it was rolled back")
        .fact("rollback", hold.why)
        .fact("since", rfc3339(hold.since))
        .hint("mlship rollback " + package + ":" + version.str() + " --release-hold");
  }
}

void check_resumable(const RolloutView& rollout, const std::string& environment) {
  const RolloutRecord& record = rollout.record;
  const std::string what = "cannot resume " + record.id + ": ";
  if (!environment.empty() && record.environment != environment) {
    throw Error(ErrorCode::usage, what + "it is a " + record.command + " of " + record.package +
                                      " in environment '" + record.environment + "', not in '" + environment +
                                      "'")
        .hint("mlship rollout --resume=" + record.id + " --env " + record.environment);
  }
  if (!rollout.closed()) return;
  const bool passed = rollout.state == "superseded";
  throw Error(ErrorCode::stale_plan,
              what + (passed ? "a later run went past it" : "it has ended (" + rollout.state + ")"))
      .hint(passed && rollout.plan.to && rollout.plan.direction == Direction::up
                ? "mlship rollout " + record.package + ":" + rollout.plan.to->str()
                : "mlship history " + record.package);
}

size_t touched_operations(Ledger& ledger, const std::string& id) {
  const RolloutView rollout = read_view(ledger, id);
  return static_cast<size_t>(std::count_if(rollout.operations.begin(), rollout.operations.end(),
                                           [](const OperationRecord& op) { return op.touched(); }));
}

RolloutReport execute(Engine& engine, const Plan& plan, const Release& release, const RunContext& context) {
  const auto start = engine.host.clock.monotonic();
  std::optional<Begun> begun;
  try {
    clear_abandoned(engine);
    begun = begin(engine, plan, context);
  } catch (const Error& error) {
    // Who finds another run at work has attempted nothing yet.
    if (error.code() != ErrorCode::ledger_busy)
      record_failed(engine.ledger, engine.host.clock, engine.diagnostics, plan, context);
    throw;
  }
  if (!begun) return nothing_done(plan);
  return with_resume_hint(begun->id, [&] {
    Runner runner(engine, *begun->lease, begun->id, plan, release, context);
    if (plan.direction == Direction::down)
      hold_what_is_left(engine.ledger, plan, begun->id, engine.host.clock.now());
    return conduct(engine, runner, plan, context, {}, start);
  });
}

RolloutReport resume(Engine& engine, const std::string& id, const RunContext& who) {
  const auto start = engine.host.clock.monotonic();
  RolloutView before = read_view(engine.ledger, id);
  check_resumable(before, who.environment);
  const auto lease =
      engine.ledger.acquire(lease_request(engine, recorded_context(engine, before, who), before.plan));
  before = read_view(engine.ledger, id);
  // Its last entry arrived late, or another run went on with it while this one waited: nothing is left to do.
  if (before.closed() && before.state != "superseded") {
    engine.diagnostics.status(id + " has ended meanwhile");
    return {id, before.state, {}, {}, 0};
  }
  check_resumable(before, who.environment);
  const bool reverting = before.state == "reverting" || before.state == "needs-human";
  const Plan& plan = before.plan;
  if (!reverting && plan.direction == Direction::up && plan.to) {
    check_holds(engine.ledger, plan.package, *plan.to);
  }
  const Release release = reverting ? Release{} : release_of(engine, plan);
  const RunContext context = recorded_context(engine, before, who);
  return with_resume_hint(id, [&] {
    settle_dangling(engine, before);
    const RolloutView now = read_view(engine.ledger, id);
    Runner runner(engine, *lease, id, plan, release, context);
    runner.append({{"type", "resume"}, {"who", context.who}, {"host", context.host}});
    return reverting ? go_on_reverting(engine, runner, now, start)
                     : go_on_forward(engine, runner, now, context, start);
  });
}

}  // namespace mlship
