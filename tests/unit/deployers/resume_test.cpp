// Kill at every step of random fleets with random faults; then resume must reach all-new and rollback
// all-old, except for exactly the conflicts listed.
#include <random>

#include <gtest/gtest.h>

#include "tests/support/memory_ledger.h"

namespace mlship {
namespace {

using test::Fault;
using test::Killed;
using test::World;

using Texts = std::vector<std::string>;

// A fleet drawn from a seed: the same every time, so that each step of one run can be killed.
struct Fleet : World {
  explicit Fleet(unsigned seed) : random(seed) {
    edge->needs_carrier = draw(2) == 0;
    const int count = 1 + draw(5);
    for (int i = 0; i < count; ++i) {
      Texts texts;
      for (int n = 1 + draw(2); n > 0; --n)
        texts.push_back(pick({"churn==1.2.0", "churn==1.3.0", "churn==1.3"}));
      if (draw(4) == 0) texts.push_back(pick({"churn==1.5.0", "churn>=1", "churn==1.4.0", "numpy==1.26"}));
      const std::string id = "job-" + std::to_string(i);
      edge->add(id, std::move(texts));
      // Faults that pass: the write reaches the system in the end.
      for (int n = draw(3); n > 0; --n)
        edge->next[id].push_back(draw(2) == 0 ? Fault::drop_before : Fault::drop_after);
      if (draw(6) == 0) {
        stuck.insert(id);
        edge->next[id].clear();
        edge->always[id] = Fault::refused;
      }
    }
    old = texts_by_object();
  }

  int draw(int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); }
  std::string pick(const Texts& from) {
    return from[static_cast<size_t>(draw(static_cast<int>(from.size())))];
  }

  std::map<std::string, Texts> texts_by_object() {
    std::map<std::string, Texts> all;
    for (const auto& [id, object] : edge->objects) all[id] = object.texts;
    return all;
  }
  [[nodiscard]] std::map<std::string, Texts> all_new() const {
    auto all = old;
    for (auto& [id, texts] : all) {
      if (stuck.contains(id)) continue;
      for (auto& text : texts) {
        if (text == "churn==1.2.0" || text == "churn==1.3.0" || text == "churn==1.3") text = "churn==1.4.0";
      }
    }
    return all;
  }

  std::mt19937 random;
  std::set<std::string> stuck;
  std::map<std::string, Texts> old;
};

// Runs the rollout and dies at `step`; false when it ended before.
bool killed_at(Fleet& fleet, int step) {
  fleet.steps.kill_at(step);
  bool killed = false;
  try {
    fleet.rollout("1.4.0");
  } catch (const Killed&) {
    killed = true;
  }
  fleet.steps.reset();
  return killed;
}

// As `rollout --resume`, or the rollout again where nothing was recorded yet.
void go_on(Fleet& fleet) {
  const auto id = unfinished(fleet.memory, "prod", "churn");
  const auto report = id ? fleet.go_on(*id) : fleet.rollout("1.4.0");
  for (const auto& r : report.results) {
    EXPECT_EQ(r.outcome == Outcome::refused, fleet.stuck.contains(r.object.id))
        << r.object.id << ": " << r.detail;
  }
}

TEST(Crash, AnyKillThenResumeIsAllNewAndThenRollbackAllOld) {
  int points = 0;
  for (unsigned seed = 0; seed < 8; ++seed) {
    for (int step = 1;; ++step) {
      Fleet fleet(seed);
      if (!killed_at(fleet, step)) break;
      ++points;
      go_on(fleet);
      ASSERT_EQ(fleet.texts_by_object(), fleet.all_new()) << "seed " << seed << ", step " << step;
      EXPECT_EQ(unfinished(fleet.memory, "prod", "churn"), std::nullopt);
      fleet.rollback();
      ASSERT_EQ(fleet.texts_by_object(), fleet.old) << "seed " << seed << ", step " << step;
    }
  }
  std::cout << points << " kill points, resumed\n";
  EXPECT_GT(points, 150);
}

TEST(Crash, AnyKillThenRollbackIsAllOld) {
  int points = 0;
  for (unsigned seed = 0; seed < 8; ++seed) {
    for (int step = 1;; ++step) {
      Fleet fleet(seed);
      if (!killed_at(fleet, step)) break;
      ++points;
      fleet.rollback();
      ASSERT_EQ(fleet.texts_by_object(), fleet.old) << "seed " << seed << ", step " << step;
      EXPECT_EQ(unfinished(fleet.memory, "prod", "churn"), std::nullopt);
    }
  }
  std::cout << points << " kill points, rolled back\n";
}

TEST(Crash, AKilledRollbackIsRunAgain) {
  for (unsigned seed = 0; seed < 4; ++seed) {
    for (int step = 1;; ++step) {
      Fleet fleet(seed);
      fleet.stuck.clear();
      fleet.edge->always.clear();
      fleet.rollout("1.4.0");
      fleet.steps.kill_at(step);
      bool killed = false;
      try {
        fleet.rollback();
      } catch (const Killed&) {
        killed = true;
      }
      fleet.steps.reset();
      if (!killed) break;
      fleet.rollback();
      ASSERT_EQ(fleet.texts_by_object(), fleet.old) << "seed " << seed << ", step " << step;
      if (fleet.old != fleet.all_new()) {
        EXPECT_THROW(check_holds(fleet.memory, "churn", *Version::parse("1.4.0")), Error);
      }
    }
  }
}

TEST(Crash, AForeignEditAfterTheKillIsNeverLost) {
  for (unsigned seed = 0; seed < 4; ++seed) {
    for (int step = 1;; ++step) {
      Fleet fleet(seed);
      if (!killed_at(fleet, step)) break;
      auto& object = fleet.edge->objects.begin()->second;
      object.texts.assign(object.texts.size(), "churn==9.9.9");
      const auto id = unfinished(fleet.memory, "prod", "churn");
      if (!id) continue;
      const auto report = fleet.go_on(*id);
      for (const auto& r : report.results) {
        EXPECT_EQ(r.outcome == Outcome::conflict, r.object.id == object.info.id) << r.detail;
      }
      fleet.rollback();
      for (const auto& text : object.texts) ASSERT_EQ(text, "churn==9.9.9");
    }
  }
}

TEST(Crash, ANewRolloutGoesPastAKilledOne) {
  for (unsigned seed = 0; seed < 4; ++seed) {
    for (int step = 1;; ++step) {
      Fleet fleet(seed);
      if (!killed_at(fleet, step)) break;
      for (auto& [id, faults] : fleet.edge->next) faults.clear();
      fleet.rollout("1.4.0");
      ASSERT_EQ(fleet.texts_by_object(), fleet.all_new()) << "seed " << seed << ", step " << step;
      while (fleet.rollback()) {
      }
      ASSERT_EQ(fleet.texts_by_object(), fleet.old) << "seed " << seed << ", step " << step;
    }
  }
}

TEST(Resume, CleansUpAfterTheWriteThatWasCutShort) {
  Fleet fleet(3);
  fleet.stuck.clear();
  fleet.edge->always.clear();
  int recovered = 0;
  for (int step = 1; step < 40; ++step) {
    Fleet again(3);
    if (!killed_at(again, step)) break;
    go_on(again);
    recovered += again.edge->recovered.empty() ? 0 : 1;
  }
  EXPECT_GT(recovered, 0);
}

TEST(Resume, OfAnEndedRolloutTriesWhatFellShortAgain) {
  World world;
  for (const auto* id : {"a", "b"}) world.edge->add(id, {"churn==1.3.0"});
  world.edge->always["b"] = Fault::refused;
  const auto id = world.rollout("1.4.0").id;
  world.edge->always.clear();
  EXPECT_TRUE(world.go_on(id).complete());
  EXPECT_EQ(world.texts(), (Texts(2, "churn==1.4.0")));
}

TEST(Resume, NeverRevivesAHeldVersion) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  const auto id = world.rollout("1.4.0").id;
  world.rollback();
  EXPECT_THROW(world.go_on(id), Error);
  EXPECT_EQ(world.texts(), Texts{"churn==1.3.0"});
}

TEST(Resume, NeedsTheVeryBuildForCarriers) {
  World world;
  world.edge->needs_carrier = true;
  world.edge->add("a", {"churn==1.3.0"});
  world.steps.kill_at(5);
  EXPECT_THROW(world.rollout("1.4.0"), Killed);
  world.steps.reset();
  world.source.releases.at("churn 1.4.0").digest = sha256("rebuilt");
  EXPECT_THROW(world.go_on(unfinished(world.memory, "prod", "churn").value()), Error);
  EXPECT_EQ(world.texts(), Texts{"churn==1.3.0"});
}

TEST(Resume, AnUnreadableRolloutDoesNotBlockTheNextRun) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  const auto id = world.rollout("1.4.0").id;
  world.memory.records.at(id).entries.push_back({{"type", "nonsense"}});
  EXPECT_TRUE(world.rollout("1.5.0").complete());
  EXPECT_FALSE(world.diagnostics.warnings.empty());
}

}  // namespace
}  // namespace mlship
