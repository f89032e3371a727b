#include <gtest/gtest.h>

#include "tests/support/memory_ledger.h"

namespace mlship {
namespace {

using test::World;

std::string reason_of(const Plan& plan, const std::string& object) {
  for (const auto& s : plan.skipped) {
    if (s.object.id == object) return std::string(to_string(s.reason));
  }
  return "";
}

TEST(MakePlan, MovesOlderReferencesOfThePackageAndListsTheRest) {
  World world;
  world.edge->add("a", {"churn==1.3.0", "churn==1.2.0", "numpy==1.0"});
  world.edge->add("b", {"churn==1.4.0"});
  world.edge->add("c", {"churn==1.5.0"});
  world.edge->add("d", {"churn>=1,<2"});
  world.edge->add("e", {"churn-plus==1.3.0"});
  const Plan plan = world.plan("1.4.0");
  ASSERT_EQ(plan.operations.size(), 1U);
  EXPECT_EQ(plan.changes(), 2U);
  EXPECT_EQ(plan.operations[0].object.id, "a");
  EXPECT_EQ(plan.operations[0].changes[1].from, "churn==1.2.0");
  EXPECT_EQ(plan.operations[0].changes[1].to, "churn==1.4.0");
  EXPECT_EQ(plan.operations[0].changes[1].from_version, "1.2.0");
  EXPECT_EQ(reason_of(plan, "b"), "same-version");
  EXPECT_EQ(reason_of(plan, "c"), "newer");
  EXPECT_EQ(reason_of(plan, "d"), "range");
  EXPECT_EQ(reason_of(plan, "e"), "");
  EXPECT_EQ(world.edge->writes, 0);
}

TEST(MakePlan, APreReleaseMovesOnlyWhenItIsAskedForByName) {
  World world;
  for (const auto* version : {"2.0.0rc2", "2.0.0rc1", "2.0.0b3"}) world.source.add("churn", version);
  world.edge->add("beta", {"churn==2.0.0b3"});
  world.edge->add("candidate", {"churn==2.0.0rc1"});
  world.edge->add("final", {"churn==2.0.0"});
  world.edge->add("old", {"churn==1.9.0"});
  PlanRequest request = world.request("2.0.0rc2");
  const Plan own = make_plan(request, world.targets, world.source, world.diagnostics);
  EXPECT_TRUE(own.operations.empty());
  EXPECT_EQ(reason_of(own, "candidate"), "pre-release");
  EXPECT_EQ(own.skipped.at(0).hint, "mlship plan churn:2.0.0rc2");
  request.prereleases = true;
  const Plan asked = make_plan(request, world.targets, world.source, world.diagnostics);
  EXPECT_EQ(asked.operations.size(), 2U);
  EXPECT_EQ(reason_of(asked, "final"), "newer");
  EXPECT_EQ(reason_of(asked, "old"), "other-major");
  EXPECT_TRUE(parse_selection(selection_json(request)).prereleases);
  Json older = selection_json(request);
  older.erase("prereleases");
  EXPECT_FALSE(parse_selection(older).prereleases);
}

TEST(MakePlan, HonoursIncludeExcludeTargetsAndSelection) {
  World world;
  auto* other = world.add_target("batch");
  other->add("z", {"churn==1.3.0"});
  for (const auto* id : {"keep-1", "keep-2", "drop-1"}) world.edge->add(id, {"churn==1.3.0"});
  world.edge->add("keep-service", {"churn==1.3.0"}, ObjectClass::service);
  world.edge->settings.values["include"] = std::vector<std::string>{"keep-*"};
  world.edge->settings.values["exclude"] = std::vector<std::string>{"*-2"};
  PlanRequest request = world.request("1.4.0");
  request.selection.jobs = "";
  const Plan both = make_plan(request, world.targets, world.source, world.diagnostics);
  ASSERT_EQ(both.operations.size(), 2U);
  EXPECT_EQ(both.operations[0].target, "batch");  // by target, whatever the order they are configured in
  EXPECT_EQ(both.operations[1].object.id, "keep-1");
  request.selection.targets = {"batch"};
  EXPECT_EQ(make_plan(request, world.targets, world.source, world.diagnostics).operations.size(), 1U);
}

TEST(MakePlan, ANameThatNoObjectHasIsAnErrorAndAGlobAWarning) {
  World world;
  world.edge->add("[dev ada] ETL / churn", {"churn==1.3.0"});
  PlanRequest request = world.request("1.4.0");
  request.names_must_be_there = true;
  const auto planned = [&](const std::string& jobs) {
    request.selection.jobs = jobs;
    return make_plan(request, world.targets, world.source, world.diagnostics).operations.size();
  };
  EXPECT_EQ(planned("[dev ada] ETL / churn"), 1U);
  EXPECT_EQ(planned("*churn*"), 1U);
  EXPECT_TRUE(world.diagnostics.warnings.empty());
  EXPECT_EQ(planned("chrun*"), 0U);
  EXPECT_EQ(world.diagnostics.warnings,
            std::vector<std::string>{"no job or service with a reference matches 'chrun*'"});
  EXPECT_THROW(planned("churn"), Error);
}

TEST(MakePlan, ASelectorThatIsANameMeansThatObjectAloneInAllTargets) {
  World world;
  auto* other = world.add_target("batch");
  other->add("jobs/1", {"churn==1.3.0"}).info.name = "score [ab]";
  world.edge->add("jobs/2", {"churn==1.3.0"}).info.name = "score a";
  world.edge->add("jobs/3", {"churn==1.3.0"}).info.name = "score b";
  PlanRequest request = world.request("1.4.0");
  const auto moved = [&] {
    std::string ids;
    for (const auto& op : make_plan(request, world.targets, world.source, world.diagnostics).operations) {
      ids += op.object.id + " ";
    }
    return ids;
  };
  request.selection.jobs = "score [ab]";
  EXPECT_EQ(moved(), "jobs/1 ");
  request.selection.jobs = "2";
  EXPECT_EQ(moved(), "jobs/2 ");
  request.selection.jobs = {};
  world.edge->settings.values["exclude"] = std::vector<std::string>{"3"};
  EXPECT_EQ(moved(), "jobs/1 jobs/2 ");
  world.edge->settings.values["include"] = std::vector<std::string>{"score b"};
  EXPECT_EQ(moved(), "jobs/1 ");
}

TEST(MakePlan, SkipsWhatHasNoVerifiedDestination) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  world.edge->destination_skips["a"] = Reason::no_output;
  const Plan plan = world.plan("1.4.0");
  EXPECT_TRUE(plan.operations.empty());
  EXPECT_EQ(reason_of(plan, "a"), "no-output");
}

TEST(MakePlan, WhatSomebodyElseWritesIsLeftToThem) {
  World world;
  world.edge->add("a", {"churn==1.3.0", "churn==1.4.0"});
  world.edge->objects["a"].foreign_owner = "change jobs.yaml instead";
  PlanRequest request = world.request("1.4.0");
  const Plan left = make_plan(request, world.targets, world.source, world.diagnostics);
  EXPECT_TRUE(left.operations.empty());
  ASSERT_EQ(left.skipped.size(), 2U);
  EXPECT_EQ(left.skipped[0].reason, Reason::foreign_owner);
  EXPECT_EQ(left.skipped[0].detail, "change jobs.yaml instead");
  EXPECT_EQ(left.skipped[0].hint, "mlship plan churn:1.4.0 --include-owned");
  EXPECT_FALSE(fell_short(left.skipped[0]));
  EXPECT_EQ(left.skipped[1].reason, Reason::same_version);
  request.include_owned = true;
  const Plan taken = make_plan(request, world.targets, world.source, world.diagnostics);
  ASSERT_EQ(taken.changes(), 1U);
  EXPECT_EQ(taken.operations[0].changes[0].warnings, std::vector<std::string>{"foreign-owner"});
  world.edge->objects["a"].owned_for_good = true;
  const Plan never = make_plan(request, world.targets, world.source, world.diagnostics);
  EXPECT_TRUE(never.operations.empty());
  EXPECT_EQ(never.skipped.at(0).hint, "");
  world.edge->objects["a"].owned_for_good = false;
  // A plan made with it and used without says what is missing.
  world.edge->add("b", {"churn==1.3.0"});
  request.include_owned = false;
  Plan file = taken;
  const Plan without = make_plan(request, world.targets, world.source, world.diagnostics);
  file.operations.push_back(without.operations.at(0));
  file.operations.back().id = "op-0002";
  finish_plan(file);
  const Plan narrowed = narrow(file, without, world.targets);
  EXPECT_EQ(narrowed.skipped.back().hint, "mlship rollout --plan FILE --include-owned");
}

TEST(MakePlan, TheSelectionRemembersWhetherOwnedObjectsAreIncluded) {
  World world;
  PlanRequest request = world.request("1.4.0");
  EXPECT_FALSE(parse_selection(selection_json(request)).include_owned);
  request.include_owned = true;
  EXPECT_TRUE(parse_selection(selection_json(request)).include_owned);
  Json older = selection_json(request);
  older.erase("include_owned");  // a ledger from before there was such a thing
  EXPECT_FALSE(parse_selection(older).include_owned);
}

TEST(MakePlan, StrictMarksWhatIsLeftBehind) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  EXPECT_FALSE(fell_short(world.plan("2.0.0").skipped.at(0)));
  world.edge->settings.values["strict"] = true;
  EXPECT_TRUE(fell_short(world.plan("2.0.0").skipped.at(0)));
}

TEST(MakePlan, StrictMarksAnOlderVersionThatIsInterpolated) {
  for (const auto& [line, marked] : std::map<std::string, bool>{{"${X:-churn==1.3.0}", true},
                                                                {"churn==${V:-1.3.0}", true},
                                                                {"$LIBS/churn-1.3.0-py3-none-any.whl", true},
                                                                {"churn==$V", false}}) {
    World world;
    const fs::TempFolder folder(std::filesystem::temp_directory_path());
    fs::write_atomic(folder.path() / "run.sh", line + "\n");
    TargetSection section{"host", "files", {{"files", std::vector<std::string>{"*.sh"}}}, {}};
    Project project;
    project.folder = folder.path();
    world.targets.clear();
    world.targets.push_back(make_target(section, project, world.host));
    auto request = world.request("1.4.0");
    for (const bool strict : {false, true}) {
      request.strict = strict;
      const Plan plan = make_plan(request, world.targets, world.source, world.diagnostics);
      ASSERT_EQ(plan.skipped.size(), 1U) << line;
      EXPECT_EQ(plan.skipped[0].reason, Reason::opaque) << line;
      EXPECT_EQ(fell_short(plan.skipped[0]), strict && marked) << line;
    }
  }
}

TEST(MakePlan, TheCommandsCompatWinsOverTheTargets) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  PlanRequest request = world.request("2.0.0");
  request.compat = Compat::any;
  EXPECT_EQ(make_plan(request, world.targets, world.source, world.diagnostics).operations.size(), 1U);
  world.edge->settings.values["compat"] = std::string("majr");
  try {
    world.plan("1.4.0");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::project_file);
    EXPECT_NE(e.message().find("did you mean 'major'"), std::string::npos) << e.message();
  }
}

TEST(MakePlan, CarriersAreListedOnce) {
  World world;
  world.edge->needs_carrier = true;
  world.edge->add("a", {"churn==1.3.0", "churn==1.2.0"});
  world.edge->add("b", {"churn==1.3.0"});
  const Plan plan = world.plan("1.4.0");
  ASSERT_EQ(plan.carriers.size(), 1U);
  EXPECT_EQ(plan.operations[0].carriers, plan.operations[1].carriers);
}

TEST(Narrow, KeepsWhatDiscoveryReproducesAndReportsTheRest) {
  World world;
  for (const auto* id : {"a", "b", "c"}) world.edge->add(id, {"churn==1.3.0"});
  const Plan file = world.plan("1.4.0");
  world.edge->objects["b"].texts[0] = "churn==1.2.0";  // somebody edited it
  world.edge->objects["c"].texts[0] = "churn==1.4.0";  // done already
  world.edge->add("d", {"churn==1.3.0"});              // not reviewed
  const Plan plan = narrow(file, world.plan("1.4.0"), world.targets);
  ASSERT_EQ(plan.operations.size(), 1U);
  EXPECT_EQ(plan.operations[0].object.id, "a");
  EXPECT_EQ(reason_of(plan, "b"), "conflict");
  EXPECT_EQ(reason_of(plan, "c"), "same-version");
}

TEST(Narrow, WhatTheFileDoesNotKnowIsNotSkippedByIt) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  world.edge->add("b", {"churn==1.3.0"});
  world.edge->destination_skips["b"] = Reason::no_output;
  PlanRequest one = world.request("1.4.0");
  one.selection.jobs = "a";
  const Plan file = make_plan(one, world.targets, world.source, world.diagnostics);
  EXPECT_TRUE(narrow(file, world.plan("1.4.0"), world.targets).skipped.empty());
  const Plan all = world.plan("1.4.0");
  EXPECT_EQ(reason_of(narrow(all, world.plan("1.4.0"), world.targets), "b"), "no-output");
}

TEST(Narrow, AStalePlanIsRefused) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  const Plan file = world.plan("1.4.0");
  world.edge->objects["a"].texts[0] = "churn==1.2.0";
  try {
    narrow(file, world.plan("1.4.0"), world.targets);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::stale_plan);
    EXPECT_EQ(e.exit_code(), ExitCode::conflict);
  }
  world.edge->objects["a"].texts[0] = "churn==1.4.0";
  EXPECT_TRUE(narrow(file, world.plan("1.4.0"), world.targets)
                  .operations.empty());  // nothing left to do is no conflict
}

TEST(Narrow, AnotherBuildOfTheVersionIsStale) {
  World world;
  world.edge->add("a", {"churn==1.3.0"});
  const Plan file = world.plan("1.4.0");
  world.source.releases.at("churn 1.4.0").digest = sha256("rebuilt");
  EXPECT_THROW(narrow(file, world.plan("1.4.0"), world.targets), Error);
}

}  // namespace
}  // namespace mlship
