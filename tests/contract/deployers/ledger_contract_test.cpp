// What every store of the ledger keeps to: a folder, a git repository of this machine, one behind a server.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deployers/ledger/check.h"
#include "tests/support/git_server.h"
#include "tests/support/ledger_record.h"
#include "tests/support/memory_ledger.h"

namespace mlship {
namespace {

// The host of one machine: its own data folder and HOME, the real clock.
class Machine {
 public:
  explicit Machine(const Path& home)
      : env_({{"HOME", home.string()},
              {"XDG_DATA_HOME", (home / "data").string()},
              {"MLSHIP_LEASE_TTL", "3"}}),
        home_(home) {}
  [[nodiscard]] LedgerSurroundings surroundings() { return {host_, diagnostics_}; }
  [[nodiscard]] const Path& home() const { return home_; }
  [[nodiscard]] const std::vector<std::string>& warnings() const { return diagnostics_.warnings; }

 private:
  // Programs that look into HOME see this machine's.
  struct AtHome : Process {
    explicit AtHome(Path folder) : home(std::move(folder)) {}
    ProcessResult run(const ProcessRequest& request) override {
      ProcessRequest asked = request;
      asked.environment["HOME"] = home.string();
      asked.environment["GIT_CONFIG_NOSYSTEM"] = "1";
      return real->run(asked);
    }
    Path home;
    std::unique_ptr<Process> real = system_process();
  };

  Env env_;
  Path home_;
  std::unique_ptr<Clock> clock_ = system_clock();
  test::NoHttp http_;
  AtHome process_{home_};
  Host host_{env_, *clock_, http_, process_};
  test::QuietDiagnostics diagnostics_;
};

// A place for a ledger that all machines reach.
class Place {
 public:
  virtual ~Place() = default;
  virtual std::string name(const Path& root) = 0;
  virtual void prepare(const Path& /*home*/) {}
  [[nodiscard]] virtual bool renews() const { return true; }  // leases are renewed; else there is one flock
};
class FolderPlace : public Place {
 public:
  std::string name(const Path& root) override { return (root / "deep/ledger").string(); }
  [[nodiscard]] bool renews() const override { return false; }
};
class BarePlace : public Place {
 public:
  std::string name(const Path& root) override {
    testing::make_bare_repository(root / "ledger.git");
    return "git+file://" + (root / "ledger.git").string();
  }
};
class HttpPlace : public Place {
 public:
  std::string name(const Path& root) override {
    server_ = std::make_unique<testing::GitServer>(root / "server");
    return "git+" + server_->url();
  }
  void prepare(const Path& home) override { server_->remember_password(home); }

 private:
  std::unique_ptr<testing::GitServer> server_;
};

struct PlaceRow {
  const char* word;
  std::unique_ptr<Place> (*make)();
};
template <typename Made>
std::unique_ptr<Place> make() {
  return std::make_unique<Made>();
}

class LedgerContract : public ::testing::TestWithParam<PlaceRow> {
 protected:
  LedgerContract() {
    for (auto* machine : {&one, &two}) place->prepare(machine->home());
  }

  std::unique_ptr<Ledger> open(Machine& machine) { return open_ledger(where, machine.surroundings()); }
  static LeaseRequest request(const std::string& who, std::vector<std::string> targets = {"edge"}) {
    return {who, "churn", std::move(targets)};
  }
  // Of one object of the target edge.
  static std::string plan() {
    test::World world;
    world.edge->add("a", {"churn==1.3.0"});
    return canonical_plan(world.plan("1.4.0"));
  }
  static RolloutRecord record(const std::string& id) { return test::ledger_record(id, plan()); }
  static Json entry(int number) { return {{"type", "intent"}, {"n", number}}; }
  static std::vector<int> numbers(const RolloutRecord& record) {
    std::vector<int> all;
    for (const auto& json : record.entries) all.push_back(json.at("n").get<int>());
    return all;
  }
  ErrorCode code_of(const std::function<void()>& act) {
    try {
      act();
    } catch (const Error& e) {
      facts = e.facts();
      return e.code();
    }
    return ErrorCode::internal;
  }

  fs::TempFolder temp{std::filesystem::temp_directory_path(), "mlship-ledger-"};
  std::unique_ptr<Place> place = GetParam().make();
  std::string where = place->name(temp.path());
  Machine one{temp.path() / "one"}, two{temp.path() / "two"};
  std::vector<Fact> facts;
};

TEST_P(LedgerContract, KeepsWhatWasWrittenForEveryMachine) {
  const RolloutRecord written = record("20261121T000000Z-aaaa");
  {
    const auto ledger = open(one);
    const auto held = ledger->acquire(request("ada"));
    ledger->begin(written);
    ledger->append("20261121T000000Z-aaaa", {entry(1), entry(2)});
    ledger->append("20261121T000000Z-aaaa", {entry(3)});
  }
  const auto ledger = open(two);
  const auto held = ledger->acquire(request("bob"));
  ledger->append("20261121T000000Z-aaaa", {entry(4)});
  const RolloutRecord read = open(one)->read("20261121T000000Z-aaaa");
  EXPECT_EQ(read.who, "ad\xe9le");
  EXPECT_EQ(read.commits, std::vector<std::string>{"c0ffee"});
  EXPECT_EQ(read.plan, written.plan);
  EXPECT_EQ(numbers(read), (std::vector<int>{1, 2, 3, 4}));
  EXPECT_FALSE(read.torn);
  EXPECT_EQ(open(one)->rollouts(), std::vector<std::string>{"20261121T000000Z-aaaa"});
}

TEST_P(LedgerContract, ASecondHolderIsToldWhoHasIt) {
  const auto ledger = open(one);
  auto held = ledger->acquire(request("ada@ci-1 (process 7)"));
  const auto other = open(two);
  EXPECT_EQ(code_of([&] { (void)other->acquire(request("bob")); }), ErrorCode::ledger_busy);
  ASSERT_EQ(facts.size(), 1U);
  EXPECT_EQ(facts[0].value, "ada@ci-1 (process 7)");
  EXPECT_TRUE(held->valid());
  held.reset();
  EXPECT_NE(other->acquire(request("bob")), nullptr);
}

TEST_P(LedgerContract, ALeaseOutlivesItsTermWhileItsHolderLives) {
  const auto ledger = open(one);
  const auto held = ledger->acquire(request("ada"));
  ledger->begin(record("r1"));
  one.surroundings().host.clock.sleep(std::chrono::milliseconds(7'500));
  EXPECT_TRUE(held->valid());
  ledger->append("r1", {entry(1)});
  EXPECT_EQ(code_of([&] { (void)open(two)->acquire(request("bob")); }), ErrorCode::ledger_busy);
}

TEST_P(LedgerContract, NotesAreReadAtOnceAndTravelWithTheNextAppend) {
  const auto ledger = open(one);
  const auto held = ledger->acquire(request("ada"));
  ledger->begin(record("r1"));
  ledger->append("r1", {entry(1)});
  ledger->note("r1", {entry(2)});
  ledger->note("r1", {entry(3)});
  EXPECT_EQ(numbers(ledger->read("r1")), (std::vector<int>{1, 2, 3}));
  ledger->append("r1", {entry(4)});
  EXPECT_EQ(numbers(open(two)->read("r1")), (std::vector<int>{1, 2, 3, 4}));
}

TEST_P(LedgerContract, TheLastNotesArriveWhenTheLeaseIsGivenBack) {
  const auto ledger = open(one);
  auto held = ledger->acquire(request("ada"));
  ledger->begin(record("r1"));
  ledger->note("r1", {entry(1)});
  held.reset();
  EXPECT_EQ(numbers(open(two)->read("r1")), std::vector<int>{1});
  EXPECT_TRUE(one.warnings().empty());
}

// A killed run: it neither pushes its notes nor gives anything back.
void die_noting(const std::function<void()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    try {
      work();
    } catch (const Error& e) {
      std::fprintf(stderr, "%s\n", e.what());
      _exit(1);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
}

TEST_P(LedgerContract, NotesOfADeadRunAreTakenUpOnItsMachine) {
  die_noting([&] {
    const auto ledger = open(one);
    const auto held = ledger->acquire(request("ada"));
    ledger->begin(record("r1"));
    ledger->append("r1", {entry(1)});
    ledger->note("r1", {entry(2)});
    _exit(0);
  });
  const auto ledger = open(one);
  const auto held = ledger->acquire(request("bob"));
  EXPECT_EQ(numbers(ledger->read("r1")), (std::vector<int>{1, 2}));
  ledger->append("r1", {entry(3)});
  EXPECT_EQ(numbers(open(two)->read("r1")), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(one.warnings().size(), place->renews() ? 1U : 0U);  // that it took over
}

TEST_P(LedgerContract, NotesOfADeadRunDoNotFollowWhatOthersWroteMeanwhile) {
  if (!place->renews()) return;  // one machine, and notes are in the file at once
  die_noting([&] {
    const auto ledger = open(one);
    const auto held = ledger->acquire(request("ada"));
    ledger->begin(record("r1"));
    ledger->note("r1", {entry(2)});
    _exit(0);
  });
  {
    const auto ledger = open(two);
    const auto held = ledger->acquire(request("bob"));
    ledger->append("r1", {entry(7)});
  }
  const auto ledger = open(one);
  const auto held = ledger->acquire(request("ada"));
  EXPECT_EQ(numbers(ledger->read("r1")), std::vector<int>{7});
  ledger->append("r1", {entry(8)});
  EXPECT_TRUE(check_ledger(*open(two)).findings.size() == 1U);  // its entries are none of an engine's
  EXPECT_EQ(numbers(open(two)->read("r1")), (std::vector<int>{7, 8}));
}

TEST_P(LedgerContract, RolloutsChain) {
  const auto ledger = open(one);
  const auto held = ledger->acquire(request("ada"));
  ledger->begin(record("r1"));
  ledger->append("r1", {entry(1)});
  ledger->begin(record("r2"));
  const auto first = ledger->read("r1");
  const auto second = open(one)->read("r2");
  EXPECT_EQ(first.after.rollout, "");
  EXPECT_EQ(second.after.rollout, "r1");
  EXPECT_EQ(second.after.line, first.hashes.back());
  EXPECT_EQ(first.hashes.size(), 2U);
  EXPECT_EQ(code_of([&] { ledger->begin(record("r2")); }), ErrorCode::ledger);
}

TEST_P(LedgerContract, ALongRolloutIsReadWhole) {
  const auto ledger = open(one);
  const auto held = ledger->acquire(request("ada"));
  RolloutRecord long_one = record("r1");
  long_one.plan += std::string(5U << 20U, ' ') + "\n";
  ledger->begin(long_one);
  std::vector<Json> many;
  for (int i = 0; i < 3000; ++i) many.push_back({{"n", i}, {"filler", std::string(1000, 'y')}});
  ledger->append("r1", many);
  ledger->append("r1", {entry(3000)});
  const auto read = open(two)->read("r1");
  EXPECT_EQ(read.plan, long_one.plan);
  ASSERT_EQ(read.entries.size(), 3001U);
  EXPECT_EQ(numbers(read).back(), 3000);
}

TEST_P(LedgerContract, NoPathLeadsOut) {
  const auto ledger = open(one);
  for (const auto* id : {"", "..", "../rollouts/r1", "/etc", ".new-x", "a b", "r1"}) {
    EXPECT_EQ(code_of([&] { (void)ledger->read(id); }), ErrorCode::rollout_not_found) << id;
  }
}

TEST_P(LedgerContract, HoldsStandUntilReleased) {
  const auto ledger = open(one);
  const auto held = ledger->acquire(request("ada", {}));
  const Version v = *Version::parse("1.4.0");
  EXPECT_EQ(code_of([&] { ledger->release_hold("churn", v, "ada"); }), ErrorCode::not_found);
  ledger->put_hold({"churn", v, "r1", 9});
  ledger->put_hold({"other", v, "r2", 10});
  EXPECT_EQ(open(two)->holds().size(), 2U);
  EXPECT_EQ(code_of([&] { check_holds(*open(two), "churn", *Version::parse("1.4")); }),
            ErrorCode::version_held);
  ledger->release_hold("churn", v, "ada");
  ASSERT_EQ(open(two)->holds().size(), 1U);
  EXPECT_EQ(open(two)->holds()[0].package, "other");
}

TEST_P(LedgerContract, TheEngineRunsOnIt) {
  test::World world;
  const auto ledger = open(one);
  world.ledger = ledger.get();
  world.edge->add("a", {"churn==1.3.0"});
  EXPECT_TRUE(world.rollout("1.4.0").complete());
  EXPECT_EQ(world.texts(), std::vector<std::string>{"churn==1.4.0"});
  EXPECT_TRUE(world.rollback()->complete());
  EXPECT_EQ(world.texts(), std::vector<std::string>{"churn==1.3.0"});
  EXPECT_THROW(world.rollout("1.4.0"), Error);  // held
  const auto check = check_ledger(*open(two));
  EXPECT_TRUE(check.findings.empty());
  EXPECT_EQ(check.rollouts, 2U);
}

INSTANTIATE_TEST_SUITE_P(Stores, LedgerContract,
                         ::testing::Values(PlaceRow{"Folder", make<FolderPlace>},
                                           PlaceRow{"GitRepository", make<BarePlace>},
                                           PlaceRow{"GitOverHttp", make<HttpPlace>}),
                         [](const auto& row) { return row.param.word; });

}  // namespace
}  // namespace mlship
