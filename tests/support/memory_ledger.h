// A ledger in memory that can die at any step, and a world to run the engine in.
#pragma once

#include <map>

#include "core/json_library.h"
#include "deployers/ledger/ledger.h"
#include "deployers/record.h"
#include "deployers/rollout.h"
#include "tests/support/fake_target.h"

namespace mlship::test {

// Who may write to a ledger that several runners share.
struct LeaseState {
  bool held = false, expired = false;
  int fence = 0;
  std::string holder;
};

class MemoryLedger : public Ledger {
 public:
  explicit MemoryLedger(Steps* steps = nullptr) : steps_(steps) {}
  [[nodiscard]] std::string url() const override { return "memory"; }
  [[nodiscard]] bool shared() const override { return false; }
  struct FreeLease : Lease {
    [[nodiscard]] bool valid() override { return true; }
  };
  std::unique_ptr<Lease> acquire(const LeaseRequest&) override { return std::make_unique<FreeLease>(); }
  void begin(const RolloutRecord& record) override {
    step();
    RolloutRecord begun = record;
    begun.open = open_rollouts(*this, record.environment, record.package);
    records[record.id] = std::move(begun);
    ++revision;
    step();
  }
  void append(const std::string& rollout, const std::vector<Json>& entries) override {
    step();
    ++revision;
    if (fails_after > 0 && --fails_after == 0)
      throw Error(ErrorCode::disk_full, "cannot write: no space left");
    auto& all = records.at(rollout).entries;
    for (const auto& entry : entries) all.push_back(entry);
    step();
  }
  void put_hold(const Hold& hold) override {
    step();
    ++revision;
    held.push_back(hold);
  }
  void release_hold(const std::string& package, const Version& version, const std::string&) override {
    ++revision;
    std::erase_if(held, [&](const Hold& h) { return mlship::holds(h, package, version); });
  }
  std::vector<std::string> rollouts() override {
    std::vector<std::string> ids;
    for (const auto& [id, record] : records) ids.push_back(id);
    return ids;
  }
  RolloutRecord read(const std::string& id) override {
    ++reads;
    const auto it = records.find(id);
    if (it == records.end()) throw Error(ErrorCode::rollout_not_found, "cannot read rollout " + id);
    return it->second;
  }
  std::vector<Hold> holds() override { return held; }

  std::map<std::string, RolloutRecord> records;
  std::vector<Hold> held;
  int reads = 0;        // rollouts read
  int fails_after = 0;  // the n-th append from now fails; 0: none
  int revision = 0;     // writes so far

 private:
  void step() {
    if (steps_ != nullptr) steps_->step();
  }
  Steps* steps_;
};

// What a network does to what a runner sends to the ledger. Whoever gets no answer does not know which it
// was; what comes late is taken only where nobody wrote meanwhile.
enum class PushFate { answered, lost, unanswered, late };
struct Pushes {
  std::function<PushFate()> fate;  // asked before each; empty: all are answered
  struct Late {
    int revision = 0, fence = 0;
    const LeaseState* lease = nullptr;
    std::function<void()> write;
  };
  std::vector<Late> under_way;
  size_t lost = 0, unanswered = 0, arrived = 0, too_late = 0;

  void arrive(const MemoryLedger& store) {
    for (const auto& late : std::exchange(under_way, {})) {
      const bool fits = late.revision == store.revision && late.fence == late.lease->fence;
      ++(fits ? arrived : too_late);
      if (fits) late.write();
    }
  }
};

// One runner's way to a ledger that others use too: a lease that can run out, and a fence against those who
// lost it.
class FencedLedger : public Ledger {
 public:
  FencedLedger(MemoryLedger& store, LeaseState& state, Pushes* pushes = nullptr)
      : store_(store), state_(state), pushes_(pushes) {}
  [[nodiscard]] std::string url() const override { return "fenced"; }
  [[nodiscard]] bool shared() const override { return true; }
  std::unique_ptr<Lease> acquire(const LeaseRequest& request) override {
    if (state_.held && !state_.expired) throw Error(ErrorCode::ledger_busy, "held by " + state_.holder);
    state_ = {true, false, state_.fence + 1, request.holder};
    fence_ = state_.fence;
    return std::make_unique<FencedLease>(state_, fence_);
  }
  void begin(const RolloutRecord& record) override {
    push([&store = store_, record] { store.begin(record); });
    check();
  }
  void append(const std::string& rollout, const std::vector<Json>& entries) override {
    push([&store = store_, rollout, entries] { store.append(rollout, entries); });
  }
  void put_hold(const Hold& hold) override {
    push([&store = store_, hold] { store.put_hold(hold); });
  }
  void release_hold(const std::string& package, const Version& version, const std::string& who) override {
    store_.release_hold(package, version, who);
  }
  std::vector<std::string> rollouts() override { return store_.rollouts(); }
  RolloutRecord read(const std::string& id) override { return store_.read(id); }
  std::vector<Hold> holds() override { return store_.holds(); }
  [[nodiscard]] int fence() const { return fence_; }

 private:
  struct FencedLease : Lease {
    FencedLease(LeaseState& with, int number) : state(with), fence(number) {}
    // A killed run gives nothing back.
    ~FencedLease() override {
      if (state.fence == fence && std::uncaught_exceptions() == 0) state.held = false;
    }
    [[nodiscard]] bool valid() override { return state.fence == fence; }
    LeaseState& state;
    int fence;
  };
  void check() const {
    if (state_.fence != fence_) throw Error(ErrorCode::ledger_busy, "taken over by " + state_.holder);
  }
  void push(const std::function<void()>& write) {
    check();
    const PushFate fate = pushes_ != nullptr && pushes_->fate ? pushes_->fate() : PushFate::answered;
    if (fate == PushFate::answered || fate == PushFate::unanswered) write();
    if (fate == PushFate::answered) return;
    if (fate == PushFate::late) pushes_->under_way.push_back({store_.revision, fence_, &state_, write});
    if (fate == PushFate::lost) ++pushes_->lost;
    if (fate == PushFate::unanswered) ++pushes_->unanswered;
    throw Error(ErrorCode::network, "cannot write the ledger: no answer");
  }
  MemoryLedger& store_;
  LeaseState& state_;
  Pushes* pushes_;
  int fence_ = 0;
};

class QuietDiagnostics : public Diagnostics {
 public:
  struct NoProgress : Progress {
    void advance(std::uint64_t) override {}
    void finish() override {}
  };
  void warning(std::string_view text) override { warnings.emplace_back(text); }
  void status(std::string_view) override {}
  void detail(std::string_view) override {}
  std::unique_ptr<Progress> progress(std::string_view, std::uint64_t, Unit) override {
    return std::make_unique<NoProgress>();
  }
  std::vector<std::string> warnings;
};

class ManualClock : public Clock {
 public:
  std::int64_t time = 1'795'000'000;  // seconds; now() takes one
  std::int64_t now() override { return time++; }
  std::chrono::milliseconds monotonic() override { return std::chrono::seconds(time) + rest_; }
  void sleep(std::chrono::milliseconds duration) override {
    const auto all = rest_ + duration;
    time += std::chrono::duration_cast<std::chrono::seconds>(all).count();
    rest_ = all % std::chrono::seconds(1);
    if (slept) slept();
  }
  std::function<void()> slept;  // something that happens meanwhile

 private:
  std::chrono::milliseconds rest_{0};
};

struct NoHttp : Http {
  HttpResponse send(const HttpRequest&) override {
    throw Error(ErrorCode::network, "no network in this test");
  }
  void run(std::vector<Transfer>, int) override {
    throw Error(ErrorCode::network, "no network in this test");
  }
};
struct NoProcess : Process {
  std::function<ProcessResult(const ProcessRequest&)> runs;
  ProcessResult run(const ProcessRequest& request) override {
    if (runs) return runs(request);
    throw Error(ErrorCode::io, "no programs in this test");
  }
};

// One environment "prod" with one target "edge", churn 1.2.0 … 2.0.0 published.
struct World {
  Steps steps;
  MemoryLedger memory{&steps};
  Ledger* ledger = &memory;
  FakeSource source;
  QuietDiagnostics diagnostics;
  Env env;
  ManualClock clock;
  NoHttp http;
  NoProcess process;
  Host host{env, clock, http, process};
  std::atomic<bool> interrupted = false;
  Targets targets;
  FakeTarget* edge = nullptr;

  World() {
    for (const auto* version : {"1.2.0", "1.3.0", "1.4.0", "1.5.0", "1.5.0rc1", "2.0.0"})
      source.add("churn", version);
    edge = add_target("edge");
  }
  FakeTarget* add_target(const std::string& name) {
    auto target = std::make_unique<FakeTarget>(name, &steps);
    FakeTarget* raw = target.get();
    targets.push_back(std::move(target));
    return raw;
  }

  Engine engine() { return {targets, *ledger, source, host, diagnostics, interrupted}; }
  Release release(const std::string& version) { return source.releases.at("churn " + version); }
  PlanRequest request(const std::string& version, Direction direction = Direction::up) {
    PlanRequest r;
    r.environment = "prod";
    r.release = release(version);
    r.direction = direction;
    r.ledger = direction == Direction::down ? ledger : nullptr;
    return r;
  }
  Plan plan(const std::string& version, Direction direction = Direction::up) {
    return make_plan(request(version, direction), targets, source, diagnostics);
  }
  static RunContext context(const std::string& command = "rollout") {
    return {command, "ada", "ci-1", {"c0ffee"}, {}, {}};
  }
  RolloutReport run(const Plan& p, const std::string& command = "rollout") {
    Engine e = engine();
    return execute(e, p, p.to ? release(p.to->str()) : Release{}, context(command));
  }
  RolloutReport rollout(const std::string& version) { return run(plan(version)); }
  RolloutReport go_on(const std::string& id) {
    Engine e = engine();
    return resume(e, id, context());
  }
  // The command `rollback`: nullopt when there is nothing.
  std::optional<RolloutReport> rollback() {
    const auto id = last_rollout(*ledger, "prod", "churn");
    if (!id) return std::nullopt;
    return run(inverse_plan(*ledger, *id, targets), "rollback");
  }
  std::vector<std::string> texts(FakeTarget* target = nullptr) {
    std::vector<std::string> all;
    for (const auto& [id, object] : (target == nullptr ? edge : target)->objects) {
      all.insert(all.end(), object.texts.begin(), object.texts.end());
    }
    return all;
  }
};

}  // namespace mlship::test
