// Random fleets, faults, kills, more runners (of the same package and environment, and of others), a foreign
// writer, pushes to the ledger that come late, in thousands of interleavings: in the end everything is new,
// or old, or listed, and no foreign edit is lost.
#include <iostream>
#include <random>

#include <gtest/gtest.h>

#include "tests/support/memory_ledger.h"
#include "tests/support/stage.h"

namespace mlship {
namespace {

using test::Fault;
using test::Killed;
using test::LeaseState;
using test::PushFate;
using test::World;

constexpr unsigned interleavings = 2'600;  // of each part
constexpr auto good_report = "churn 1.4.0 1.5.0 spam 1.4.0 1.5.0";

struct Place {
  test::FakeTarget* target;
  std::string object;
  size_t slot;
  auto operator<=>(const Place&) const = default;
};

// What runs exclude each other over: environments have targets of their own.
struct Lane {
  std::string environment, package;
  auto operator<=>(const Lane&) const = default;
};

// How often each kind of move was made.
struct Moves {
  size_t runs = 0, of_other_package = 0, in_other_environment = 0, kills = 0, edits = 0;
  size_t slow_429s = 0, unread = 0, unreadable_at_the_end = 0;
  size_t lost_pushes = 0, unanswered_pushes = 0, late_pushes = 0, too_late_pushes = 0;
};

// What one runner of a scenario did.
struct Actor {
  Lane lane;
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
  Scenario(unsigned seed, std::set<std::pair<OpState, OpEvent>>& seen, Moves& moves)
      : random_(seed), seen_(seen), moves_(moves), stage_(random_) {
    world_.clock.time += 1000;
    for (const auto* version : {"1.2.0", "1.3.0", "1.4.0", "1.5.0"}) world_.source.add("spam", version);
    targets_ = {world_.edge};
    if (draw(2) == 0) targets_.push_back(world_.add_target("other"));
    if (draw(3) == 0) add_environment();
    for (auto* target : targets_) make(*target);
    for (auto* target : targets_) {
      for (const auto& [id, object] : target->objects) {
        for (size_t i = 0; i < object.texts.size(); ++i) old_[{target, id, i}] = object.texts[i];
      }
    }
    world_.steps.between = [this] { step(); };
    pushes_.fate = [this] { return any_fate(); };
  }

  void play() {
    add_runner({"prod", "churn"}, "1.4.0");
    if (draw(2) == 0) add_runner({"prod", "churn"}, "1.5.0");
    if (draw(3) == 0) add_runner({"prod", "spam"}, "1.4.0");
    if (!staging_.empty()) add_runner({"staging", "churn"}, draw(2) == 0 ? "1.4.0" : "1.5.0");
    stage_.add([this] { write_as_somebody_else(); });
    on_stage_ = true;
    stage_.run();
    on_stage_ = false;
  }

  // After the storm: whatever was begun is brought to an end without faults, and must be what the report
  // says.
  void settle() {
    pushes_.arrive(world_.memory);
    for (auto* target : targets_) calm(*target);
    Actor actor;
    for (const auto& lane : lanes()) go_on(lane, actor);
    for (auto* target : targets_) moves_.unread += target->unread;
    for (const auto& [target, id] : dark_) target->objects.at(id).unreadable = 0;
    check_foreign();
    roll_everything_back(actor);
    check_foreign();
    check_old();
    count_pushes();
  }

 private:
  int draw(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

  void add_environment() {
    staging_.push_back(std::make_unique<test::FakeTarget>("lab", &world_.steps));
    targets_.push_back(dynamic_cast<test::FakeTarget*>(staging_.back().get()));
  }

  Targets& targets_of(const Lane& lane) { return lane.environment == "prod" ? world_.targets : staging_; }

  [[nodiscard]] std::set<Lane> lanes() const {
    std::set<Lane> all;
    for (const auto& actor : actors_) all.insert(actor->lane);
    return all;
  }

  PushFate any_fate() {
    if (!on_stage_ || draw(12) > 0) return PushFate::answered;
    return static_cast<PushFate>(1 + draw(3));
  }

  void count_pushes() {
    moves_.lost_pushes += pushes_.lost;
    moves_.unanswered_pushes += pushes_.unanswered;
    moves_.late_pushes += pushes_.arrived;
    moves_.too_late_pushes += pushes_.too_late;
  }

  void go_on(const Lane& lane, Actor& actor) {
    LeaseState& lease = leases_[lane];
    lease.expired = true;
    test::FencedLedger ledger(world_.memory, lease);
    const auto open = unfinished(ledger, lane.environment, lane.package);
    if (!open || draw(3) == 0) return;
    try {
      Engine engine = engine_of(lane, ledger, actor);
      check(resume(engine, *open, World::context()));
    } catch (const Error& e) {
      // Another runner's revert put a hold there, or a killed one did.
      EXPECT_EQ(e.code(), ErrorCode::version_held) << e.message();
    }
  }

  std::string any_text() {
    const std::string package = draw(4) == 0 ? "spam" : "churn";
    return package + (draw(2) == 0 ? "==1.2.0" : "==1.3.0");
  }

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
      if (!on_stage_) return;
      const Actor& actor = *actors_.at(stage_.actor());
      if (actor.fence() != leases_[actor.lane].fence) overtaken_.insert({target.name(), id});
    };
    target.evidence = [this](const std::string&) { return runs(); };
    for (int i = 1 + draw(3); i > 0; --i) {
      const std::string id = target.name() + std::to_string(i);
      std::vector<std::string> texts;
      for (int n = 1 + draw(2); n > 0; --n) texts.push_back(any_text());
      if (draw(4) == 0) texts.emplace_back(draw(2) == 0 ? "churn>=1" : "numpy==1.26");
      target.add(id, std::move(texts)).unreadable = draw(6) == 0 ? 1 + draw(6) : 0;
      for (int n = draw(4) == 0 ? 45 : draw(4); n > 0; --n) target.next[id].push_back(any_fault(n > 4));
    }
  }

  Fault any_fault(bool same) {
    constexpr auto all = std::to_array<Fault>(
        {Fault::none, Fault::drop_before, Fault::drop_after, Fault::refused, Fault::failed, Fault::throws,
         Fault::lies, Fault::stale, Fault::throttled, Fault::slow, Fault::dark, Fault::slow_429});
    const Fault drawn = same ? Fault::throttled : all.at(random_() % all.size());
    if (drawn == Fault::slow_429) ++moves_.slow_429s;
    return drawn;
  }

  std::optional<std::vector<RunEvidence>> runs() {
    RunEvidence run{world_.clock.time, 1, draw(4) > 0, draw(5) > 0 ? good_report : "churn 1.3.0 spam 1.3.0",
                    ""};
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
    if (step != actor.dies_after) return;
    ++moves_.kills;
    throw Killed{};
  }

  Engine engine_of(const Lane& lane, Ledger& ledger, Actor& actor) {
    Engine engine{targets_of(lane),   ledger,           world_.source, world_.host,
                  world_.diagnostics, actor.interrupted};
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

  void add_runner(const Lane& lane, const std::string& version) {
    auto actor = std::make_unique<Actor>();
    actor->lane = lane;
    actor->version = version;
    if (draw(2) == 0) actor->dies_after = draw(40);
    if (draw(8) == 0) actor->interrupted_after = draw(30);
    Actor* raw = actor.get();
    actors_.push_back(std::move(actor));
    stage_.add([this, raw] { roll_out(*raw); });
  }

  PlanRequest request_of(const Actor& actor) {
    PlanRequest request = world_.request("1.4.0");
    request.environment = actor.lane.environment;
    request.release = release_of(actor);
    return request;
  }
  Release release_of(const Actor& actor) {
    return world_.source.releases.at(actor.lane.package + " " + actor.version);
  }

  void roll_out(Actor& actor) {
    ++moves_.runs;
    moves_.of_other_package += actor.lane.package == "spam" ? 1 : 0;
    moves_.in_other_environment += actor.lane.environment == "staging" ? 1 : 0;
    test::FencedLedger ledger(world_.memory, leases_[actor.lane], &pushes_);
    actor.ledger = &ledger;
    Engine engine = engine_of(actor.lane, ledger, actor);
    for (int i = draw(4); i > 0; --i) stage_.pause();
    RunContext context = World::context();
    context.execution = any_execution();
    if (draw(2) == 0) context.converge = request_of(actor);
    try {
      const Plan plan = make_plan(request_of(actor), engine.targets, world_.source, world_.diagnostics);
      stage_.pause();
      execute(engine, plan, release_of(actor), context);
    } catch (const Killed&) {
      actor.interrupted = true;  // as kill -9: nothing is given back, nothing more is done
    } catch (const Error& e) {
      const std::set<ErrorCode> expected = {ErrorCode::ledger_busy, ErrorCode::version_held,
                                            ErrorCode::network};
      EXPECT_TRUE(expected.contains(e.code())) << e.message();
    }
    actor.ledger = nullptr;
  }

  void write_as_somebody_else() {
    for (int i = draw(8); i > 0; --i) {
      for (int n = draw(6); n > 0; --n) stage_.pause();
      if (draw(3) == 0)
        leases_[actors_.at(static_cast<size_t>(draw(static_cast<int>(actors_.size()))))->lane].expired = true;
      if (draw(2) == 0) pushes_.arrive(world_.memory);
      if (draw(2) == 0) edit();
    }
  }

  void edit() {
    auto* target = targets_[static_cast<size_t>(draw(static_cast<int>(targets_.size())))];
    auto it = target->objects.begin();
    std::advance(it, draw(static_cast<int>(target->objects.size())));
    auto& [id, object] = *it;
    ++moves_.edits;
    if (draw(5) == 0) {
      object.unreadable = 1 + draw(8);
      return;
    }
    ++object.generation;
    const std::string mark = std::to_string(++edits_);
    if (draw(2) == 0) {
      object.rest = "somebody's edit " + mark;
      foreign_rest_[{target, id, 0}] = object.rest;
      return;
    }
    const auto slot = static_cast<size_t>(draw(static_cast<int>(object.texts.size())));
    object.texts[slot] =
        object.texts[slot].substr(0, object.texts[slot].find_first_of("=>")) + "==9.9." + mark;
    foreign_[{target, id, slot}] = object.texts[slot];
  }

  void calm(test::FakeTarget& target) {
    target.next.clear();
    target.activities = {};
    target.evidence = [this](const std::string&) {
      const RunEvidence good{world_.clock.time, 1, true, good_report, ""};
      return std::vector<RunEvidence>(2, good);
    };
    target.starts = [](const std::string&) { return true; };
    for (auto& [id, object] : target.objects) {
      object.unreadable = draw(20) == 0 ? 1'000 : 0;
      if (object.unreadable == 0) continue;
      dark_.insert({&target, id});
      ++moves_.unreadable_at_the_end;
    }
  }

  test::FakeTarget* named(const std::string& name) {
    return *std::find_if(targets_.begin(), targets_.end(), [&](const auto* t) { return t->name() == name; });
  }

  std::string& live(const ObjectResult& row) {
    return named(row.target)->objects.at(row.object.id).texts.at(std::stoul(row.path.substr(4)));
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
      if (row.outcome == Outcome::failed && !dark_.contains({named(row.target), row.object.id})) {
        ADD_FAILURE() << "nothing fails any more: " << what;
      }
    }
    for (const auto& skipped : report.skipped) listed_.insert({skipped.target, skipped.object.id});
    if (!report.complete()) return;
    EXPECT_TRUE(disturbed.empty());
  }

  void roll_everything_back(Actor& actor) {
    auto ids = world_.memory.rollouts();
    std::reverse(ids.begin(), ids.end());
    for (const auto& id : ids) {
      const RolloutRecord record = world_.memory.read(id);
      const Lane lane{record.environment, record.package};
      LeaseState& lease = leases_[lane];
      lease.expired = true;
      test::FencedLedger ledger(world_.memory, lease);
      Engine engine = engine_of(lane, ledger, actor);
      check(execute(engine, inverse_plan(ledger, id, targets_of(lane)), {}, World::context("rollback")));
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
      if (theirs.contains(key) || listed_.contains(key) || overtaken_.contains(key)) continue;
      ASSERT_EQ(place.target->objects.at(place.object).texts.at(place.slot), text) << place.object;
    }
  }

  std::mt19937 random_;
  std::set<std::pair<OpState, OpEvent>>& seen_;
  Moves& moves_;
  World world_;
  std::map<Lane, LeaseState> leases_;
  test::Pushes pushes_;
  test::Stage stage_;
  bool on_stage_ = false;
  Targets staging_;
  std::vector<test::FakeTarget*> targets_;                    // of both environments
  std::set<std::pair<test::FakeTarget*, std::string>> dark_;  // cannot be read when it is gone on with
  std::vector<std::unique_ptr<Actor>> actors_;
  std::map<Place, std::string> old_, foreign_, foreign_rest_;
  std::set<std::pair<std::string, std::string>> listed_, overtaken_;
  int edits_ = 0;
};

// A suite whose moves are not made proves nothing.
void check_floors(const Moves& moves) {
  struct Row {
    const char* move;
    size_t made, floor;
  };
  const auto rows = std::to_array<Row>({{"runs", moves.runs, 4'000},
                                        {"runs of another package", moves.of_other_package, 500},
                                        {"runs in another environment", moves.in_other_environment, 500},
                                        {"kills", moves.kills, 500},
                                        {"edits by somebody else", moves.edits, 2'000},
                                        {"slow 429s", moves.slow_429s, 200},
                                        {"readings that failed", moves.unread, 1'000},
                                        {"objects that stay unreadable", moves.unreadable_at_the_end, 200},
                                        {"pushes lost", moves.lost_pushes, 200},
                                        {"pushes accepted without an answer", moves.unanswered_pushes, 200},
                                        {"pushes that arrived late", moves.late_pushes, 50},
                                        {"pushes that arrived too late", moves.too_late_pushes, 50}});
  for (const auto& row : rows) {
    std::cout << row.made << " " << row.move << "\n";
    EXPECT_GE(row.made, row.floor) << row.move;
  }
}

// Four parts, so that they run beside each other; each has to reach the whole table.
class Model : public ::testing::TestWithParam<unsigned> {};

TEST_P(Model, AllNewAllOldOrListedAndNoForeignEditLost) {
  std::set<std::pair<OpState, OpEvent>> seen;
  Moves moves;
  const unsigned first = GetParam() * interleavings;
  for (unsigned seed = first; seed < first + interleavings; ++seed) {
    Scenario scenario(seed, seen, moves);
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
  check_floors(moves);
}

INSTANTIATE_TEST_SUITE_P(Part, Model, ::testing::Range(0U, 4U));

}  // namespace
}  // namespace mlship
