#include "deployers/rollout.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <unistd.h>

#include "deployers/runner.h"

namespace mlship {
namespace {

constexpr int max_passes = 3;  // rollout.md §Converge

LeaseRequest lease_request(const RunContext& context, const Plan& plan, std::int64_t now) {
  LeaseRequest request{fmt::format("{}@{} (process {}), {} of {} since {}", context.who, context.host,
                                   ::getpid(), context.command, plan.package, rfc3339(now)),
                       plan.package,
                       {}};
  std::set<std::string> targets;
  for (const auto& op : plan.operations) targets.insert(op.target);
  request.targets.assign(targets.begin(), targets.end());
  return request;
}

std::int64_t seconds_since(Clock& clock, std::chrono::milliseconds start) {
  return std::chrono::duration_cast<std::chrono::seconds>(clock.monotonic() - start).count();
}

// Before the first write, so that a run that dies cannot lose them: the versions a rollback leaves.
void hold_what_is_left(Ledger& ledger, const Plan& plan, const std::string& id, std::int64_t now) {
  std::set<std::string> left;
  for (const auto& op : plan.operations) {
    for (const auto& change : op.changes) left.insert(change.from_version);
  }
  const auto held = ledger.holds();
  for (const auto& text : left) {
    const auto version = Version::parse(text, plan.scheme);
    const bool already = version && std::any_of(held.begin(), held.end(), [&](const Hold& h) {
                           return h.package == plan.package && h.version == *version;
                         });
    if (version && !already) ledger.put_hold({plan.package, *version, id, now});
  }
}

void run_all(Runner& runner, Engine& engine, const Plan& plan) {
  const std::string what = plan.to ? plan.package + " " + plan.to->str() : plan.package;
  const auto progress = engine.diagnostics.progress("roll out " + what, plan.operations.size(), Unit::items);
  runner.place(plan.operations, plan.carriers);
  std::uint64_t done = 0;
  for (const auto& op : plan.operations) {
    if (runner.stop()) {
      runner.pending(op);
    } else {
      runner.run(op);
      progress->advance(++done);
    }
  }
  progress->finish();
}

// Discovers again until nothing old remains.
class Convergence {
 public:
  Convergence(Runner& runner, Engine& engine, const Plan& plan, const PlanRequest& request)
      : runner_(runner), engine_(engine), request_(request), count_(plan.operations.size()) {
    request_.salt = plan.salt;
    remember(plan);
  }

  // What still was there after the last pass.
  std::vector<Skipped> run() {
    std::vector<Skipped> left;
    for (int pass = 1; !runner_.stop(); ++pass) {
      Plan more = make_plan(request_, engine_.targets, engine_.source, engine_.diagnostics);
      std::erase_if(more.operations, [&](const Operation& op) { return fell_short_before(op); });
      if (more.operations.empty()) break;
      if (pass > max_passes) return rows(more);
      extend(more);
    }
    return left;
  }

 private:
  // A reference that was not moved for a reason (a conflict, a refusal) is not tried again: its text was not
  // planned.
  [[nodiscard]] bool fell_short_before(const Operation& op) const {
    return std::any_of(tried_.begin(), tried_.end(), [&](const Operation& t) {
      const bool same = t.target == op.target && t.object.kind == op.object.kind &&
                        (t.object.id == op.object.id || t.object.name == op.object.name);
      return same && !runner_.reached(t.id);
    });
  }

  void extend(Plan& more) {
    for (auto& op : more.operations) op.id = fmt::format("op-{:04}", ++count_);
    more.skipped.clear();
    finish_plan(more);
    engine_.diagnostics.status(fmt::format("{} more found after the plan was made", more.operations.size()));
    runner_.append({{"type", "extend"}, {"plan", to_json(more)}});
    remember(more);
    run_all(runner_, engine_, more);
  }

  void remember(const Plan& plan) {
    tried_.insert(tried_.end(), plan.operations.begin(), plan.operations.end());
  }

  static std::vector<Skipped> rows(const Plan& plan) {
    std::vector<Skipped> rows;
    for (const auto& op : plan.operations) {
      for (const auto& change : op.changes) {
        rows.push_back({op.target, op.object.id, change.path, Reason::busy,
                        fmt::format("old references kept appearing during {} passes", max_passes),
                        "mlship rollout", change.from});
      }
    }
    return rows;
  }

  Runner& runner_;
  Engine& engine_;
  PlanRequest request_;
  std::vector<Operation> tried_;
  size_t count_;
};

RolloutReport run_recorded(Engine& engine, const Plan& plan, const Release& release,
                           const RunContext& context, const std::string& id) {
  const auto start = engine.host.clock.monotonic();
  Runner runner(engine, id, plan.salt, release);
  if (plan.direction == Direction::down) hold_what_is_left(engine.ledger, plan, id, engine.host.clock.now());
  run_all(runner, engine, plan);
  std::vector<Skipped> skipped = plan.skipped;
  if (context.converge && !runner.stop()) {
    const auto left = Convergence(runner, engine, plan, *context.converge).run();
    skipped.insert(skipped.end(), left.begin(), left.end());
  }
  return runner.finish(std::move(skipped), seconds_since(engine.host.clock, start));
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

// What a ledger says is checked before it is written into a job.
bool texts_hold(const Plan& plan, const Operation& op) {
  return std::all_of(op.changes.begin(), op.changes.end(), [&](const Change& c) {
    return names_version(c.to, plan.package, c.to_version, plan.scheme);
  });
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

}  // namespace

void check_holds(Ledger& ledger, const std::string& package, const Version& version) {
  for (const auto& hold : ledger.holds()) {
    if (hold.package != package || hold.version != version) continue;
    throw Error(ErrorCode::version_held,
                "cannot roll out " + package + " " + version.str() + ": it is held since it was rolled back")
        .fact("rollback", hold.why)
        .fact("since", rfc3339(hold.since))
        .hint("mlship rollback " + package + ":" + version.str() + " --release-hold");
  }
}

RolloutReport execute(Engine& engine, const Plan& plan, const Release& release, const RunContext& context) {
  clear_abandoned(engine);
  const bool nothing = plan.operations.empty();
  if (nothing && !unfinished(engine.ledger, plan.environment, plan.package)) {
    return {"", "committed", {}, plan.skipped, 0};
  }
  const auto now = engine.host.clock.now();
  const auto held = engine.ledger.acquire(lease_request(context, plan, now));
  if (plan.direction == Direction::up && plan.to) check_holds(engine.ledger, plan.package, *plan.to);
  settle_unfinished(engine, plan.environment, plan.package);
  if (nothing) return {"", "committed", {}, plan.skipped, 0};

  RolloutRecord record;
  record.id = next_rollout_id(engine.ledger, now);
  record.command = context.command;
  record.environment = plan.environment;
  record.package = plan.package;
  record.who = context.who;
  record.host = context.host;
  record.started = now;
  record.commits = context.commits;
  record.plan = to_json(plan);
  engine.ledger.begin(record);
  return with_resume_hint(record.id, [&] { return run_recorded(engine, plan, release, context, record.id); });
}

RolloutReport resume(Engine& engine, const std::string& id, const RunContext& context) {
  const auto start = engine.host.clock.monotonic();
  RolloutView before = read_view(engine.ledger, id);
  const auto held = engine.ledger.acquire(lease_request(context, before.plan, engine.host.clock.now()));
  before = read_view(engine.ledger, id);
  const Plan& plan = before.plan;
  if (plan.direction == Direction::up && plan.to) check_holds(engine.ledger, plan.package, *plan.to);
  const Release release = release_of(engine, plan);
  return with_resume_hint(id, [&] {
    settle_dangling(engine, before);
    const RolloutView now = read_view(engine.ledger, id);
    Runner runner(engine, id, plan.salt, release);
    runner.append({{"type", "resume"}, {"who", context.who}, {"host", context.host}});
    if (plan.direction == Direction::down)
      hold_what_is_left(engine.ledger, plan, id, engine.host.clock.now());
    runner.place(plan.operations, plan.carriers);
    for (const auto& op : now.operations) {
      if (runner.stop()) {
        runner.pending(op.operation);
      } else if (!texts_hold(plan, op.operation)) {
        runner.refuse(op.operation, Outcome::conflict,
                      "the ledger's new text does not name the version it records");
      } else {
        runner.run(op.operation, &op);
      }
    }
    return runner.finish(plan.skipped, seconds_since(engine.host.clock, start));
  });
}

}  // namespace mlship
