#include "deployers/status.h"

#include "scan_rows.h"
#include <gtest/gtest.h>

#include "deployers/history.h"
#include "deployers/scan.h"
#include "tests/support/memory_ledger.h"

namespace mlship {
namespace {

using test::Fault;
using test::World;

const ObjectStatus& row_of(const StatusReport& report, const std::string& id) {
  for (const auto& row : report.objects) {
    if (row.object.id == id) return row;
  }
  throw std::runtime_error("no row for " + id);
}

TEST(Status, TellsVersionCurrencyDriftAndTheLastResult) {
  World world;
  for (const auto* id : {"a", "b", "c", "d"}) world.edge->add(id, {"churn==1.3.0"});
  world.edge->add("never", {"churn==1.2.0 --hash=sha256:00", "numpy==1.26"});
  world.edge->always["c"] = Fault::refused;
  const auto id = world.rollout("1.4.0").id;
  world.edge->objects["b"].texts[0] = "churn==1.3.9";
  world.edge->objects["d"].texts[0] = "churn==1.3.0";
  const auto report = status({"prod", "churn", Scheme::pep440, {}}, world.targets, world.memory);
  ASSERT_EQ(report.objects.size(), 5U);

  const auto& a = row_of(report, "a");
  EXPECT_EQ(a.references.at(0).version, "1.4.0");
  EXPECT_EQ(a.references.at(0).current, true);
  EXPECT_EQ(a.drift, "");
  EXPECT_EQ(a.last->rollout, id);
  EXPECT_EQ(a.last->outcome, "updated");

  EXPECT_NE(row_of(report, "b").drift.find("churn==1.3.9"), std::string::npos);
  EXPECT_EQ(row_of(report, "b").references.at(0).current, false);
  EXPECT_EQ(row_of(report, "c").last->outcome, "refused");
  EXPECT_EQ(row_of(report, "c").drift, "");
  EXPECT_NE(row_of(report, "d").drift.find("old text"), std::string::npos);
  EXPECT_EQ(row_of(report, "never").last, std::nullopt);
  EXPECT_EQ(row_of(report, "never").references.size(), 1U);
}

TEST(Status, AfterARollbackTheOldVersionIsCurrent) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  world.rollout("1.4.0");
  world.rollback();
  const auto report = status({"prod", "", Scheme::pep440, {}}, world.targets, world.memory);
  EXPECT_EQ(row_of(report, "a").references.at(0).current, true);
  EXPECT_EQ(row_of(report, "a").drift, "");
}

TEST(Status, ReadsTheLedgerNoFurtherThanNeeded) {
  World world;
  world.edge->add("a", {"churn==1.2.0"});
  world.edge->add("b", {"churn==1.2.0"});
  const auto first = world.rollout("1.3.0").id;
  world.edge->objects["b"].texts[0] = "churn>=1";
  world.rollout("1.4.0");
  const auto newest = world.rollout("1.5.0").id;
  const auto reads = [&](const std::string& jobs) {
    world.memory.reads = 0;
    Selection selection;
    selection.jobs = jobs;
    const auto report = status({"prod", "churn", Scheme::pep440, selection}, world.targets, world.memory);
    return std::to_string(world.memory.reads) + " " + report.objects.at(0).last->rollout;
  };
  EXPECT_EQ(reads("a"), "1 " + newest);
  EXPECT_EQ(reads("b"), "3 " + first);
}

TEST(Status, TheDigestIsThatOfTheRolloutThatBroughtTheVersion) {
  World world;
  world.edge->add("a", {"churn==1.2.0"});
  world.edge->add("b", {"churn==1.2.0"});
  const auto digest = [&](const std::string& id) {
    const auto report = status({"prod", "churn", Scheme::pep440, {}}, world.targets, world.memory);
    return row_of(report, id).references.at(0).digest;
  };
  EXPECT_EQ(digest("a"), std::nullopt);
  world.rollout("1.3.0");
  EXPECT_EQ(digest("a"), world.release("1.3.0").digest);
  world.edge->objects["b"].texts[0] = "churn==1.3.0.0";  // somebody wrote it otherwise
  EXPECT_EQ(digest("b"), std::nullopt);
  world.rollout("1.4.0");
  world.rollback();
  EXPECT_EQ(digest("a"), world.release("1.3.0").digest);
}

TEST(Status, AVariantHasTheDigestOfItsRelease) {
  for (const auto* label : {"+cpu", "+cu118", "+rocm6.1", "+xpu"}) {
    World world;
    world.edge->labels["a"] = label;
    world.edge->add("a", {std::string("churn==1.2.0") + label});
    world.edge->add("b", {"churn==1.2.0"});
    const auto digest = [&](const std::string& id) {
      const auto report = status({"prod", "churn", Scheme::pep440, {}}, world.targets, world.memory);
      return row_of(report, id).references.at(0).digest;
    };
    world.rollout("1.3.0");
    EXPECT_EQ(digest("a"), world.release("1.3.0").digest) << label;
    world.rollout("1.4.0");
    EXPECT_EQ(digest("a"), world.release("1.4.0").digest) << label;
    EXPECT_EQ(digest("b"), world.release("1.4.0").digest) << label;
    world.rollback();  // its plan names no version: an older rollout brought the digest
    EXPECT_EQ(world.texts(), (std::vector<std::string>{std::string("churn==1.3.0") + label, "churn==1.3.0"}));
    EXPECT_EQ(digest("a"), world.release("1.3.0").digest) << label;
  }
}

TEST(Status, AfterALineMovedItsLastOperationIsFoundByName) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  const auto id = world.rollout("1.4.0").id;
  auto moved = world.edge->objects.at("a");
  world.edge->objects.clear();
  moved.info.id = "z";
  world.edge->objects["z"] = moved;
  const auto report = status({"prod", "churn", Scheme::pep440, {}}, world.targets, world.memory);
  EXPECT_EQ(row_of(report, "z").last->rollout, id);
}

TEST(Status, WithoutALedgerNothingIsKnownToBeCurrent) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  Selection services;
  services.services = "";
  EXPECT_EQ(status({"prod", "", Scheme::pep440, {}}, world.targets, world.memory)
                .objects.at(0)
                .references.at(0)
                .current,
            std::nullopt);
  EXPECT_TRUE(status({"prod", "", Scheme::pep440, services}, world.targets, world.memory).objects.empty());
}

TEST(History, ListsNewestFirstWithWhatBecameOfEach) {
  World world;
  world.edge->add("a", {"churn==1.2.0"});
  world.edge->add("b", {"churn==1.2.0"});
  const auto first = world.rollout("1.3.0").id;
  const auto second = world.rollout("1.4.0").id;
  const auto back = world.rollback()->id;
  const auto rows = history(world.memory, {"prod", "churn"});
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].id, back);
  EXPECT_EQ(rows[0].command, "rollback");
  EXPECT_EQ(rows[0].inverse_of, second);
  EXPECT_EQ(rows[0].state, "committed");
  EXPECT_EQ(rows[1].state, "reverted");
  EXPECT_EQ(rows[1].counts, (std::map<std::string, size_t>{{"reverted", 2}}));
  EXPECT_EQ(rows[1].to_version, "1.4.0");
  EXPECT_EQ(rows[1].who, "ada");
  EXPECT_EQ(rows[1].commits, std::vector<std::string>{"c0ffee"});
  EXPECT_TRUE(rows[1].seconds.has_value());
  EXPECT_EQ(rows[2].id, first);
  EXPECT_EQ(rows[2].counts.at("updated"), 2U);
  EXPECT_TRUE(history(world.memory, {"dev", ""}).empty());
}

TEST(History, AKilledRunIsUnfinishedAndALaterRunSupersedesIt) {
  World world;
  for (const auto* id : {"a", "b", "c"}) world.edge->add(id, {"churn==1.3.0"});
  world.steps.kill_at(8);
  EXPECT_THROW(world.rollout("1.4.0"), test::Killed);
  world.steps.reset();
  EXPECT_EQ(history(world.memory, {}).at(0).state, "unfinished");
  EXPECT_EQ(history(world.memory, {}).at(0).seconds, std::nullopt);
  world.rollout("1.4.0");
  EXPECT_EQ(history(world.memory, {}).at(1).state, "superseded");
}

TEST(History, AnUnreadableRolloutDoesNotHideTheOthers) {
  World world;
  world.edge->add("a", {"churn==1.2.0"});
  const auto first = world.rollout("1.3.0").id;
  world.rollout("1.4.0");
  world.memory.records.at(first).entries.push_back({{"type", "nonsense"}});
  const auto rows = history(world.memory, {});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].state, "unreadable");
  EXPECT_NE(rows[1].problem.find("nonsense"), std::string::npos);
}

TEST(Show, GivesEachOperationOfOneRollout) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  world.edge->add("b", {"churn==1.3.0"});
  world.edge->add("c", {"churn>=1"});
  world.edge->always["b"] = Fault::refused;
  const auto id = world.rollout("1.4.0").id;
  const auto details = show(world.memory, id);
  ASSERT_EQ(details.operations.size(), 2U);
  EXPECT_EQ(details.operations[0].outcome, Outcome::updated);
  EXPECT_EQ(details.operations[1].outcome, Outcome::refused);
  EXPECT_EQ(details.operations[1].detail, "the system says no");
  EXPECT_EQ(details.skipped.size(), 1U);
  EXPECT_EQ(show(world.memory, id.substr(0, 12)).entry.id, id);
  world.rollback();
  EXPECT_EQ(show(world.memory, id).operations[0].outcome, Outcome::reverted);
  EXPECT_EQ(show(world.memory, id).operations[1].outcome, Outcome::refused);
  EXPECT_THROW(show(world.memory, "2026-nope"), Error);
}

TEST(Scan, CountsVersionsOfEveryPackage) {
  World world;
  world.edge->add("a", {"churn==1.0.9", "numpy==1.26"});
  world.edge->add("b", {"churn==1.0.10", "churn>=1"});
  world.add_target("other")->add("c", {"churn==1.0.10"});
  const auto report = scan(world.targets, "", {});
  ASSERT_EQ(report.packages.size(), 2U);
  EXPECT_EQ(report.packages[0].name, "churn");
  EXPECT_EQ(test::rows(report.packages[0]), "python churn: 1.0.10 exact 2, 1.0.9 exact 1,  range 1");
  EXPECT_EQ(report.packages[0].objects.size(), 4U);
  EXPECT_EQ(scan(world.targets, "num*", {}).packages.size(), 1U);
  EXPECT_EQ(scan(world.targets, "churn", {"other"}).packages.at(0).objects.size(), 1U);
}

}  // namespace
}  // namespace mlship
