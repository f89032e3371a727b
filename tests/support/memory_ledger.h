// A ledger in memory that can die at any step, and a world to run the engine in.
#pragma once

#include <map>

#include <nlohmann/json.hpp>

#include "deployers/ledger/ledger.h"
#include "deployers/rollout.h"
#include "tests/support/fake_target.h"

namespace mlship::test {

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
    records[record.id] = record;
    step();
  }
  void append(const std::string& rollout, const std::vector<Json>& entries) override {
    step();
    if (fails_after > 0 && --fails_after == 0)
      throw Error(ErrorCode::disk_full, "cannot write: no space left");
    auto& all = records.at(rollout).entries;
    all.insert(all.end(), entries.begin(), entries.end());
    step();
  }
  void put_hold(const Hold& hold) override {
    step();
    held.push_back(hold);
  }
  void release_hold(const std::string& package, const Version& version, const std::string&) override {
    std::erase_if(held, [&](const Hold& h) { return h.package == package && h.version == version; });
  }
  std::vector<std::string> rollouts() override {
    std::vector<std::string> ids;
    for (const auto& [id, record] : records) ids.push_back(id);
    return ids;
  }
  RolloutRecord read(const std::string& id) override {
    const auto it = records.find(id);
    if (it == records.end()) throw Error(ErrorCode::rollout_not_found, "cannot read rollout " + id);
    return it->second;
  }
  std::vector<Hold> holds() override { return held; }

  std::map<std::string, RolloutRecord> records;
  std::vector<Hold> held;
  int fails_after = 0;  // the n-th append from now fails; 0: none

 private:
  void step() {
    if (steps_ != nullptr) steps_->step();
  }
  Steps* steps_;
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
  std::int64_t time = 1'795'000'000;
  std::int64_t now() override { return time++; }
  std::chrono::milliseconds monotonic() override { return std::chrono::milliseconds(time); }
  void sleep(std::chrono::milliseconds duration) override { time += duration.count() / 1000; }
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
  ProcessResult run(const ProcessRequest&) override {
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
    return {command, "ada", "ci-1", {"c0ffee"}, {}};
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
