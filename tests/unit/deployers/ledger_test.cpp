#include <algorithm>
#include <array>
#include <csignal>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/host/fs.h"
#include "deployers/history.h"
#include "deployers/ledger/chain.h"
#include "deployers/ledger/check.h"
#include "tests/support/ledger_record.h"
#include "tests/support/memory_ledger.h"

namespace mlship {
namespace {

class FolderLedgerTest : public ::testing::Test {
 protected:
  fs::TempFolder temp{std::filesystem::temp_directory_path(), "mlship-ledger-"};
  Path folder = temp.path() / "deep" / "ledger";
  std::unique_ptr<Ledger> ledger = folder_ledger(folder);

  RolloutRecord record(const std::string& id) { return test::ledger_record(id, "{\"any\":\"plan\"}\n"); }
  Path entries(const std::string& id) const { return folder / "rollouts" / id / "entries.jsonl"; }
  ErrorCode code_of(const std::function<void()>& act) {
    try {
      act();
    } catch (const Error& e) {
      message = e.message();
      hint = e.hint_text();
      facts = e.facts();
      return e.code();
    }
    return ErrorCode::internal;
  }
  std::string message, hint;
  std::vector<Fact> facts;
};

TEST_F(FolderLedgerTest, KeepsWhatWasWritten) {
  {
    const auto held = ledger->acquire({"ada", "churn", {}});
    ledger->begin(record("20261121T000000Z-aaaa"));
    ledger->append("20261121T000000Z-aaaa", {Json{{"type", "intent"}, {"op", "op-0001"}}});
    ledger->append("20261121T000000Z-aaaa", {Json{{"type", "result"}, {"op", "op-0001"}}});
  }
  const auto again = folder_ledger(folder);
  const auto held = again->acquire({"bob", "churn", {}});
  again->append("20261121T000000Z-aaaa", {Json{{"type", "state"}}});
  const RolloutRecord read = again->read("20261121T000000Z-aaaa");
  EXPECT_EQ(read.who, "ad\xe9le");
  EXPECT_EQ(read.commits, std::vector<std::string>{"c0ffee"});
  EXPECT_EQ(read.plan, "{\"any\":\"plan\"}\n");
  ASSERT_EQ(read.entries.size(), 3U);
  EXPECT_EQ(read.entries[2]["type"], "state");
  EXPECT_FALSE(read.torn);
}

TEST_F(FolderLedgerTest, IsPrivate) {
  const auto held = ledger->acquire({"ada", "churn", {}});
  ledger->begin(record("r1"));
  ledger->put_hold({"churn", *Version::parse("1.4.0"), "r1", 9});
  EXPECT_EQ(fs::stat(folder)->mode, 0700U);
  EXPECT_EQ(fs::stat(folder / "rollouts" / "r1")->mode, 0700U);
  EXPECT_EQ(fs::stat(entries("r1"))->mode, 0600U);
  EXPECT_EQ(fs::stat(folder / "holds.jsonl")->mode, 0600U);
  EXPECT_EQ(fs::stat(folder / "format.json")->mode, 0600U);
}

TEST_F(FolderLedgerTest, ASecondHolderIsToldWhoHasIt) {
  const std::string who = "ada@ci-1 (process 7), rollout of churn since noon";
  auto held = ledger->acquire({who, "churn", {}});
  const auto other = folder_ledger(folder);
  EXPECT_EQ(code_of([&] { (void)other->acquire({"bob", "churn", {}}); }), ErrorCode::ledger_busy);
  ASSERT_EQ(facts.size(), 1U);
  EXPECT_EQ(facts[0].value, who);
  EXPECT_EQ(other->holder("churn", {"edge"}), who);
  EXPECT_EQ(other->holder("fraud", {"edge"}), std::nullopt);
  held.reset();
  EXPECT_EQ(other->holder("churn", {"edge"}), std::nullopt);
  EXPECT_NE(other->acquire({"bob", "churn", {}}), nullptr);
}

TEST_F(FolderLedgerTest, ATornTailIsCutAtTheLastWholeEntry) {
  std::string whole;
  {
    const auto held = ledger->acquire({"ada", "churn", {}});
    ledger->begin(record("r1"));
    ledger->append("r1", {Json{{"n", 1}}});
    ledger->append("r1", {Json{{"n", 2}}});
    whole = fs::read_file(entries("r1"));
  }
  const size_t last = whole.rfind('\n', whole.size() - 2) + 1;
  for (size_t cut = last + 1; cut < whole.size(); cut += 7) {
    fs::write_atomic(entries("r1"), whole.substr(0, cut), 0600);
    const auto again = folder_ledger(folder);
    EXPECT_TRUE(again->read("r1").torn);
    EXPECT_EQ(again->read("r1").entries.size(), 1U);
    const auto held = again->acquire({"bob", "churn", {}});
    again->append("r1", {Json{{"n", 3}}});
    EXPECT_FALSE(again->read("r1").torn);
    EXPECT_EQ(again->read("r1").entries.at(1)["n"], 3);
  }
  fs::write_atomic(entries("r1"), whole.substr(0, last) + std::string(40, '\0') + "\n", 0600);
  EXPECT_EQ(folder_ledger(folder)->read("r1").entries.size(), 1U);
}

TEST_F(FolderLedgerTest, AnEditOfThePastShows) {
  {
    const auto held = ledger->acquire({"ada", "churn", {}});
    ledger->begin(record("r1"));
    ledger->append("r1", {Json{{"who", "ada"}}});
    ledger->append("r1", {Json{{"n", 2}}});
  }
  std::string text = fs::read_file(entries("r1"));
  text.replace(text.find("\"who\":\"ada\""), 11, "\"who\":\"bob\"");
  fs::write_atomic(entries("r1"), text, 0600);
  EXPECT_EQ(code_of([&] { (void)ledger->read("r1"); }), ErrorCode::ledger);
  EXPECT_NE(message.find("entries.jsonl:3"), std::string::npos) << message;
}

TEST_F(FolderLedgerTest, AnEditedPlanShows) {
  const auto held = ledger->acquire({"ada", "churn", {}});
  ledger->begin(record("r1"));
  fs::write_atomic(folder / "rollouts" / "r1" / "plan.json", "{\"any\":\"other\"}\n", 0600);
  EXPECT_EQ(code_of([&] { (void)ledger->read("r1"); }), ErrorCode::ledger);
}

TEST_F(FolderLedgerTest, ANewerFormatIsRefused) {
  fs::make_folders(folder);
  fs::write_atomic(folder / "format.json", "{\"version\":2}\n");
  EXPECT_EQ(code_of([&] { (void)folder_ledger(folder); }), ErrorCode::ledger);
  EXPECT_EQ(hint, "install a newer mlship");
}

TEST_F(FolderLedgerTest, ABeginThatWasKilledLeavesNoRollout) {
  {
    const auto held = ledger->acquire({"ada", "churn", {}});
  }
  fs::make_folders(folder / "rollouts" / ".new-abc");
  EXPECT_TRUE(ledger->rollouts().empty());
  const auto held = ledger->acquire({"ada", "churn", {}});
  EXPECT_FALSE(fs::exists(folder / "rollouts" / ".new-abc"));
}

TEST_F(FolderLedgerTest, AnUnknownRolloutIsNotFoundAndNoPathLeadsOut) {
  EXPECT_EQ(code_of([&] { (void)ledger->read("nope"); }), ErrorCode::rollout_not_found);
  for (const auto* id : {"", "..", "../rollouts/r1", "/etc", ".new-x"}) {
    EXPECT_EQ(code_of([&] { (void)ledger->read(id); }), ErrorCode::rollout_not_found) << id;
  }
}

TEST_F(FolderLedgerTest, HoldsStandUntilReleased) {
  const auto held = ledger->acquire({"ada", "churn", {}});
  const Version v = *Version::parse("1.4.0");
  EXPECT_EQ(code_of([&] { ledger->release_hold("churn", v, "ada"); }), ErrorCode::not_found);
  ledger->put_hold({"churn", v, "r1", 9});
  ledger->put_hold({"other", v, "r2", 10});
  ASSERT_EQ(folder_ledger(folder)->holds().size(), 2U);
  EXPECT_EQ(code_of([&] { check_holds(*ledger, "churn", *Version::parse("1.4")); }), ErrorCode::version_held);
  EXPECT_EQ(hint, "mlship rollback churn:1.4 --release-hold");
  ledger->release_hold("churn", v, "ada");
  ASSERT_EQ(ledger->holds().size(), 1U);
  EXPECT_EQ(ledger->holds()[0].package, "other");
  check_holds(*ledger, "churn", v);
}

TEST_F(FolderLedgerTest, AnEntryThatCannotBeWrittenLeavesTheWholeEarlierState) {
  const auto held = ledger->acquire({"ada", "churn", {}});
  ledger->begin(record("r1"));
  ledger->append("r1", {Json{{"n", 1}}});
  const std::string before = fs::read_file(entries("r1"));
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  auto* ignored = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{before.size() + 10, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_NE(code_of([&] { ledger->append("r1", {Json{{"n", std::string(200, 'x')}}}); }),
            ErrorCode::internal);
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, ignored);
  EXPECT_EQ(fs::read_file(entries("r1")), before);
  ledger->append("r1", {Json{{"n", 2}}});
  EXPECT_EQ(ledger->read("r1").entries.size(), 2U);
}

TEST_F(FolderLedgerTest, ALockFileThatIsRemovedLetsNobodyIn) {
  const auto held = ledger->acquire({"ada, rollout of churn since noon", "churn", {}});
  const auto other = folder_ledger(folder);
  fs::remove_file(folder / "lock");
  EXPECT_EQ(code_of([&] { (void)other->acquire({"bob", "churn", {}}); }), ErrorCode::ledger_busy);
  fs::write_atomic(folder / "lock", "", 0600);
  EXPECT_EQ(code_of([&] { (void)other->acquire({"bob", "churn", {}}); }), ErrorCode::ledger_busy);
  EXPECT_TRUE(held->valid());
  // The whole folder in another place: whoever holds that one holds nothing here any more.
  fs::rename(folder, temp.path() / "moved");
  EXPECT_FALSE(held->valid());
}

// What may become of one file of one rollout.
struct Damage {
  const char* word;
  std::function<void(const Path&)> act;
};
const auto damages = std::to_array<Damage>({
    {"gone", [](const Path&) {}},
    {"empty", [](const Path& p) { fs::write_atomic(p, "", 0600); }},
    {"garbage", [](const Path& p) { fs::write_atomic(p, std::string("\0\xff garbage\n{\n", 14), 0600); }},
    {"a folder", [](const Path& p) { fs::make_folders(p); }},
    {"a FIFO", [](const Path& p) { ASSERT_EQ(::mkfifo(p.c_str(), 0600), 0); }},
    {"a dangling link", [](const Path& p) { ASSERT_EQ(::symlink("/nowhere/at/all", p.c_str()), 0); }},
    {"a link", [](const Path& p) { ASSERT_EQ(::symlink("/etc/passwd", p.c_str()), 0); }},
});

TEST_F(FolderLedgerTest, ADamagedFileOfOneRolloutIsSaidAndBlocksNothing) {
  for (const auto* file : {"plan.json", "entries.jsonl", ""}) {
    for (const auto& damage : damages) {
      const std::string what = std::string(file) + " is " + damage.word;
      fs::remove_tree(folder);
      test::World world;
      ledger = folder_ledger(folder);
      world.ledger = ledger.get();
      world.edge->add("a", {"churn==1.3.0"});
      const auto bad = world.rollout("1.4.0").id;
      Path path = folder / "rollouts" / bad;
      if (*file != '\0') path /= file;
      fs::remove_tree(path);
      damage.act(path);
      const auto there = ledger->rollouts();
      const bool listed = std::find(there.begin(), there.end(), bad) != there.end();
      EXPECT_EQ(code_of([&] { (void)ledger->read(bad); }),
                listed ? ErrorCode::ledger : ErrorCode::rollout_not_found)
          << what << ": " << message;
      const auto rows = history(*ledger, {});
      EXPECT_EQ(rows.size(), listed ? 1U : 0U) << what;
      if (listed) {
        EXPECT_EQ(rows.at(0).state, "unreadable") << what;
      }
      EXPECT_TRUE(world.rollout("1.5.0").complete()) << what;
      EXPECT_EQ(check_ledger(*ledger).findings.empty(), !listed) << what;
      EXPECT_EQ(history(*ledger, {}).at(0).state, "committed") << what;
    }
  }
}

TEST_F(FolderLedgerTest, ADamagedFormatNamesTheWayOn) {
  {
    const auto held = ledger->acquire({"ada", "churn", {}});
    ledger->begin(record("r1"));
  }
  for (const auto& damage : damages) {
    fs::remove_tree(folder / "format.json");
    damage.act(folder / "format.json");
    if (!fs::lstat(folder / "format.json")) continue;
    EXPECT_EQ(code_of([&] { (void)folder_ledger(folder); }), ErrorCode::ledger) << damage.word;
    EXPECT_NE(message.find("its format.json is damaged"), std::string::npos) << message;
    EXPECT_NE(hint.find("{\"version\":1}"), std::string::npos) << hint;
  }
  fs::remove_tree(folder / "format.json");
  fs::write_atomic(folder / "format.json", "{\"version\":1}\n", 0600);
  EXPECT_EQ(folder_ledger(folder)->rollouts().size(), 1U);
}

TEST_F(FolderLedgerTest, AHoldThatIsTakenAwayIsMissedOnceAnotherRolloutHasBegun) {
  const Version v = *Version::parse("1.4.0");
  test::World world;
  world.ledger = ledger.get();
  world.edge->add("a", {"churn==1.3.0"});
  world.rollout("1.4.0");
  world.rollback();
  {
    const auto held = ledger->acquire({"ada", "churn", {}});
    ledger->put_hold({"other", v, "r1", 9});
  }
  const std::string whole = fs::read_file(folder / "holds.jsonl");
  const std::string shorter = whole.substr(0, whole.find('\n') + 1);
  fs::write_atomic(folder / "holds.jsonl", shorter, 0600);
  EXPECT_TRUE(check_ledger(*ledger).findings.empty());  // nothing began since: it cannot be told
  fs::write_atomic(folder / "holds.jsonl", whole, 0600);
  EXPECT_TRUE(world.rollout("1.5.0").complete());
  EXPECT_TRUE(check_ledger(*ledger).findings.empty());
  for (const auto& text : {shorter, std::string()}) {
    fs::write_atomic(folder / "holds.jsonl", text, 0600);
    EXPECT_EQ(check_ledger(*ledger).findings.size(), 1U);
  }
  fs::remove_file(folder / "holds.jsonl");
  EXPECT_EQ(check_ledger(*ledger).findings.size(), 1U);
}

TEST_F(FolderLedgerTest, AHundredThousandOperationsAreWrittenAndRead) {
  constexpr size_t count = 100'000;
  test::World world;
  world.edge->add("a", {"churn==1.3.0"});
  Plan plan = world.plan("1.4.0");
  Operation one = plan.operations.at(0);
  one.object.name = std::string(120, 'n');
  one.object.id = "/etc/" + std::string(200, 'd') + "/churn";
  plan.operations.assign(count, one);
  for (size_t i = 0; i < count; ++i) {
    plan.operations[i].id = "op-" + std::to_string(i);
    plan.operations[i].object.id += std::to_string(i);
  }
  finish_plan(plan);
  RolloutRecord record = test::ledger_record("r1", canonical_plan(plan));
  EXPECT_GT(record.plan.size(), 64U << 20U);
  const auto held = ledger->acquire({"ada", "churn", {}});
  ledger->begin(record);
  EXPECT_EQ(parse_plan(ledger->read("r1").plan).operations.size(), count);
  plan.operations[0].object.name = std::string(largest_plan, 'n');
  EXPECT_EQ(code_of([&] { (void)canonical_plan(plan); }), ErrorCode::bad_plan);
}

TEST_F(FolderLedgerTest, TheEngineRunsOnIt) {
  test::World world;
  world.ledger = ledger.get();
  world.edge->add("a", {"churn==1.3.0"});
  const auto first = world.rollout("1.4.0");
  EXPECT_TRUE(first.complete());
  EXPECT_EQ(world.texts(), std::vector<std::string>{"churn==1.4.0"});
  EXPECT_TRUE(world.rollback()->complete());
  EXPECT_EQ(world.texts(), std::vector<std::string>{"churn==1.3.0"});
  EXPECT_THROW(world.rollout("1.4.0"), Error);  // held
}

// A hold is one of a version, however somebody spells it and whatever scheme the project has by now.
TEST(LedgerHolds, HoldEverySpellingOfTheirVersion) {
  struct Row {
    std::string held, asked;
    Scheme of_held = Scheme::pep440, of_asked = Scheme::pep440;
    bool holds = true;
  };
  const auto pep440 = Scheme::pep440, semver = Scheme::semver;
  for (const Row& row : std::vector<Row>{{"1.4.0", "1.4", pep440, pep440, true},
                                         {"1.4", "v1.4.0.0", pep440, pep440, true},
                                         {"1.4.0", "1.4.0+local", pep440, pep440, true},
                                         {"1.4.0+a.1", "1.4+A-1", pep440, pep440, true},
                                         {"1.4.0", "v1.4.0+build.7", semver, semver, true},
                                         {"1.4.0", "1.4.0", semver, pep440, true},
                                         {"1.4.0", "1.4", semver, pep440, true},
                                         {"1.4", "1.4.0", pep440, semver, true},
                                         {"1.4.0", "1.4.0+local", pep440, semver, true},
                                         {"1.4.0rc1", "1.4.0-rc.1", pep440, semver, true},
                                         {"1.4.0+build.7", "1.4.0", pep440, pep440, false},
                                         {"1.4.0+build.7", "1.4.0+build.8", pep440, pep440, false},
                                         {"1.4.0", "1.4.0rc1", pep440, pep440, false},
                                         {"1.4.0", "1.4.0-rc.1", pep440, semver, false},
                                         {"1.4.0", "1.4.1", semver, pep440, false}}) {
    fs::TempFolder home(std::filesystem::temp_directory_path());
    const auto ledger = folder_ledger(home.path() / "ledger");
    const auto lease = ledger->acquire({"ada", "churn", {}});
    const Version held = *Version::parse(row.held, row.of_held),
                  asked = *Version::parse(row.asked, row.of_asked);
    ledger->put_hold({"churn", held, "r1", 9});
    bool refused = false;
    try {
      check_holds(*ledger, "churn", asked);
    } catch (const Error& e) {
      refused = e.code() == ErrorCode::version_held;
    }
    EXPECT_EQ(refused, row.holds) << row.held << " " << row.asked;
    if (!row.holds) continue;
    ledger->release_hold("churn", asked, "ada");
    EXPECT_TRUE(ledger->holds().empty()) << row.held << " " << row.asked;
  }
}

}  // namespace
}  // namespace mlship
