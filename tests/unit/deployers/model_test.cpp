// Random fleets, faults, kills, a second runner, a foreign writer, in thousands of interleavings: in the end
// everything is new, or old, or listed, and no foreign edit is lost.
#include <iostream>
#include <random>

#include <gtest/gtest.h>

#include "tests/support/memory_ledger.h"
#include "tests/support/stage.h"

namespace mlship {
namespace {

using test::Fault;
using test::Killed;
using test::World;

constexpr unsigned interleavings = 2'600;  // of each part

struct Place {
  test::FakeTarget* target;
  std::string object;
  size_t slot;
  auto operator<=>(const Place&) const = default;
};

// What one runner of a scenario did.
struct Actor {
  std::string version;
  int dies_after = -1;  // steps; -1: lives
  int interrupted_after = -1;
  int steps = 0;
  std::atomic<bool> interrupted = false;
  const test::FencedLedger* ledger = nullptr;
  [[nodiscard]] int fence() const { return ledger->fence(); }
};

class Scenario {
 public:
  Scenario(unsigned seed, std::set<std::pair<OpState, OpEvent>>& seen)
      : random_(seed), seen_(seen), stage_(random_) {
    world_.clock.time += 1000;
    targets_ = {world_.edge};
    if (draw(2) == 0) targets_.push_back(world_.add_target("other"));
    for (auto* target : targets_) make(*target);
    for (auto* target : targets_) {
      for (const auto& [id, object] : target->objects) {
        for (size_t i = 0; i < object.texts.size(); ++i) old_[{target, id, i}] = object.texts[i];
      }
    }
    world_.steps.between = [this] { step(); };
  }

  void play() {
    add_runner("1.4.0");
    if (draw(2) == 0) add_runner("1.5.0");
    stage_.add([this] { write_as_somebody_else(); });
    on_stage_ = true;
    stage_.run();
    on_stage_ = false;
  }

  // After the storm: whatever was begun is brought to an end without faults, and must be what the report
  // says.
  void settle() {
    for (auto* target : targets_) calm(*target);
    lease_.expired = true;
    test::FencedLedger ledger(world_.memory, lease_);
    Actor actor;
    const auto open = unfinished(ledger, "prod", "churn");
    if (open && draw(3) > 0) {
      try {
        Engine engine = engine_of(ledger, actor);
        check(resume(engine, *open, World::context()));
      } catch (const Error& e) {
        // Another runner's revert put a hold there, or a killed one did.
        EXPECT_EQ(e.code(), ErrorCode::version_held) << e.message();
      }
    }
    check_foreign();
    roll_everything_back(ledger, actor);
    check_foreign();
    check_old();
  }

 private:
  int draw(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

  void make(test::FakeTarget& target) {
    target.tokens = draw(3) > 0;
    target.needs_carrier = draw(3) == 0;
    target.pins = draw(3) > 0;
    target.dark_reads = 1 + draw(9);
    target.activities = [this](const std::string&) -> Activity {
      const bool soon = draw(8) == 0;
      return {draw(6) == 0, soon ? std::optional(world_.clock.time + draw(100)) : std::nullopt};
    };
    target.starts = [this](const std::string&) { return draw(5) > 0; };
    target.on_write = [this, &target](const std::string& id) {
      if (on_stage_ && actors_.at(stage_.actor())->fence() != lease_.fence) late_.insert({target.name(), id});
    };
    target.evidence = [this](const std::string&) { return runs(); };
    for (int i = 1 + draw(3); i > 0; --i) {
      const std::string id = target.name() + std::to_string(i);
      std::vector<std::string> texts;
      for (int n = 1 + draw(2); n > 0; --n) texts.push_back(draw(2) == 0 ? "churn==1.2.0" : "churn==1.3.0");
      if (draw(4) == 0) texts.emplace_back(draw(2) == 0 ? "churn>=1" : "numpy==1.26");
      target.add(id, std::move(texts)).unreadable = draw(6) == 0 ? 1 + draw(6) : 0;
      for (int n = draw(4) == 0 ? 45 : draw(4); n > 0; --n) target.next[id].push_back(any_fault(n > 4));
    }
  }

  Fault any_fault(bool same) {
    constexpr auto all = std::to_array<Fault>({Fault::none, Fault::drop_before, Fault::drop_after,
                                               Fault::refused, Fault::failed, Fault::throws, Fault::lies,
                                               Fault::stale, Fault::throttled, Fault::slow, Fault::dark});
    return same ? Fault::throttled : all.at(random_() % all.size());
  }

  std::optional<std::vector<RunEvidence>> runs() {
    RunEvidence run{world_.clock.time, 1, draw(4) > 0, draw(5) > 0 ? "churn 1.4.0 1.5.0" : "churn 1.3.0", ""};
    switch (draw(5)) {
      case 0: return std::nullopt;
      case 1: return std::vector<RunEvidence>{};
      default: return std::vector<RunEvidence>(static_cast<size_t>(1 + draw(3)), run);
    }
  }

  // Every place where a runner can be stopped, overtaken or killed.
  void step() {
    if (!on_stage_) return;
    stage_.pause();
    if (stage_.actor() >= actors_.size()) return;
    Actor& actor = *actors_[stage_.actor()];
    const int step = actor.steps++;
    if (step == actor.interrupted_after) actor.interrupted = true;
    if (step == actor.dies_after) throw Killed{};
  }

  Engine engine_of(Ledger& ledger, Actor& actor) {
    Engine engine{world_.targets, ledger, world_.source, world_.host, world_.diagnostics, actor.interrupted};
    engine.trace = [this](const Transition& t) { seen_.insert({t.from, t.event}); };
    return engine;
  }

  Execution any_execution() {
    Execution e;
    e.waves = {static_cast<size_t>(draw(3)), static_cast<size_t>(draw(3)), draw(2) == 0};
    e.on_failure = draw(2) == 0 ? OnFailure::revert : static_cast<OnFailure>(draw(3));
    e.max_failures = static_cast<size_t>(draw(3) / 2);
    e.proof = {static_cast<Proof>(draw(3)), static_cast<size_t>(1 + draw(2)), std::chrono::seconds(2)};
    return e;
  }

  void add_runner(const std::string& version) {
    auto actor = std::make_unique<Actor>();
    actor->version = version;
    if (draw(2) == 0) actor->dies_after = draw(40);
    if (draw(8) == 0) actor->interrupted_after = draw(30);
    Actor* raw = actor.get();
    actors_.push_back(std::move(actor));
    stage_.add([this, raw] { roll_out(*raw); });
  }

  void roll_out(Actor& actor) {
    test::FencedLedger ledger(world_.memory, lease_);
    actor.ledger = &ledger;
    Engine engine = engine_of(ledger, actor);
    for (int i = draw(4); i > 0; --i) stage_.pause();
    RunContext context = World::context();
    context.execution = any_execution();
    if (draw(2) == 0) context.converge = world_.request(actor.version);
    try {
      const Plan plan = world_.plan(actor.version);
      stage_.pause();
      execute(engine, plan, world_.release(actor.version), context);
    } catch (const Killed&) {
      actor.interrupted = true;  // as kill -9: nothing is given back, nothing more is done
    } catch (const Error& e) {
      EXPECT_TRUE(e.code() == ErrorCode::ledger_busy || e.code() == ErrorCode::version_held) << e.message();
    }
  }

  void write_as_somebody_else() {
    for (int i = draw(8); i > 0; --i) {
      for (int n = draw(6); n > 0; --n) stage_.pause();
      if (draw(3) == 0) lease_.expired = true;
      if (draw(2) == 0) edit();
    }
  }

  void edit() {
    auto* target = targets_[static_cast<size_t>(draw(static_cast<int>(targets_.size())))];
    auto it = target->objects.begin();
    std::advance(it, draw(static_cast<int>(target->objects.size())));
    auto& [id, object] = *it;
    ++object.generation;
    const std::string mark = std::to_string(++edits_);
    if (draw(2) == 0) {
      object.rest = "somebody's edit " + mark;
      foreign_rest_[{target, id, 0}] = object.rest;
      return;
    }
    const auto slot = static_cast<size_t>(draw(static_cast<int>(object.texts.size())));
    object.texts[slot] = "churn==9.9." + mark;
    foreign_[{target, id, slot}] = object.texts[slot];
  }

  void calm(test::FakeTarget& target) {
    target.next.clear();
    target.activities = {};
    target.evidence = [this](const std::string&) {
      const RunEvidence good{world_.clock.time, 1, true, "churn 1.4.0 1.5.0", ""};
      return std::vector<RunEvidence>(2, good);
    };
    target.starts = [](const std::string&) { return true; };
    for (auto& [id, object] : target.objects) object.unreadable = 0;
  }

  std::string& live(const ObjectResult& row) {
    auto* target = row.target == "edge" ? targets_.front() : targets_.back();
    return target->objects.at(row.object.id).texts.at(std::stoul(row.path.substr(4)));
  }

  // A report without faults around: what it says is what stands there.
  void check(const RolloutReport& report) {
    std::set<std::pair<std::string, std::string>> disturbed;
    for (const auto& row : report.results) {
      const std::string& text = live(row);
      if (text != row.from && text != row.to) disturbed.insert({row.target, row.object.id});
    }
    for (const auto& row : report.results) {
      const std::string& text = live(row);
      const std::string what = row.object.id + " " + std::string(to_string(row.outcome)) + " " + row.detail;
      switch (row.outcome) {
        case Outcome::updated:
        case Outcome::unchanged: EXPECT_EQ(text, row.to) << what; break;
        case Outcome::reverted: EXPECT_EQ(text, row.from) << what; break;
        // The whole object is left alone, because of one of its references.
        case Outcome::conflict: listed_.insert({row.target, row.object.id}); break;
        default: listed_.insert({row.target, row.object.id});
      }
      if (row.outcome == Outcome::failed) {
        ADD_FAILURE() << "nothing fails any more: " << what;
      }
    }
    for (const auto& skipped : report.skipped) listed_.insert({skipped.target, skipped.object.id});
    if (!report.complete()) return;
    EXPECT_TRUE(disturbed.empty());
  }

  void roll_everything_back(Ledger& ledger, Actor& actor) {
    auto ids = ledger.rollouts();
    std::reverse(ids.begin(), ids.end());
    for (const auto& id : ids) {
      lease_.expired = true;
      Engine engine = engine_of(ledger, actor);
      check(execute(engine, inverse_plan(ledger, id, world_.targets), {}, World::context("rollback")));
    }
  }

  void check_foreign() {
    for (const auto& [place, text] : foreign_) {
      ASSERT_EQ(place.target->objects.at(place.object).texts.at(place.slot), text);
    }
    for (const auto& [place, rest] : foreign_rest_) {
      ASSERT_EQ(place.target->objects.at(place.object).rest, rest);
    }
  }

  // All old again, but for what was listed, belongs to somebody else, or was written by a runner that another
  // one had taken over from at that very moment: it could not record it, and the next run found a conflict.
  void check_old() {
    std::set<std::pair<std::string, std::string>> theirs;
    for (const auto& [place, text] : foreign_) theirs.insert({place.target->name(), place.object});
    for (const auto& [place, text] : old_) {
      const auto key = std::pair(place.target->name(), place.object);
      if (theirs.contains(key) || listed_.contains(key) || late_.contains(key)) continue;
      ASSERT_EQ(place.target->objects.at(place.object).texts.at(place.slot), text) << place.object;
    }
  }

  std::mt19937 random_;
  std::set<std::pair<OpState, OpEvent>>& seen_;
  World world_;
  test::LeaseState lease_;
  test::Stage stage_;
  bool on_stage_ = false;
  std::vector<test::FakeTarget*> targets_;
  std::vector<std::unique_ptr<Actor>> actors_;
  std::map<Place, std::string> old_, foreign_, foreign_rest_;
  std::set<std::pair<std::string, std::string>> listed_, late_;
  int edits_ = 0;
};

// Four parts, so that they run beside each other; each has to reach the whole table.
class Model : public ::testing::TestWithParam<unsigned> {};

TEST_P(Model, AllNewAllOldOrListedAndNoForeignEditLost) {
  std::set<std::pair<OpState, OpEvent>> seen;
  const unsigned first = GetParam() * interleavings;
  for (unsigned seed = first; seed < first + interleavings; ++seed) {
    Scenario scenario(seed, seen);
    scenario.play();
    scenario.settle();
    if (::testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
  size_t reached = 0;
  for (const auto& row : transitions()) {
    const bool was = seen.contains({row.from, row.event});
    reached += was ? 1 : 0;
    std::cout << (was ? "  " : "! ") << to_string(row.from) << " + " << to_string(row.event) << " -> "
              << to_string(row.to) << "\n";
    EXPECT_TRUE(was) << to_string(row.from) << " + " << to_string(row.event);
  }
  std::cout << interleavings << " interleavings, " << reached << " of " << transitions().size()
            << " entries of the state table reached\n";
}

INSTANTIATE_TEST_SUITE_P(Part, Model, ::testing::Range(0U, 4U));

}  // namespace
}  // namespace mlship
