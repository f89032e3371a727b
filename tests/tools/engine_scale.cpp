// Plans and rolls out a fleet of scripted objects, and prints what it cost: the greatest amount of heap in
// use at once, the calls that a shared ledger would answer with a push, and the waves.
//   engine_scale FOLDER OBJECTS
#include <cstdio>
#include <cstdlib>
#include <new>

#include <malloc.h>

#include "tests/support/memory_ledger.h"

namespace {

std::atomic<std::int64_t> in_use{0}, peak{0};

void* counted(std::size_t size) {
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  const auto now = in_use += static_cast<std::int64_t>(::malloc_usable_size(memory));
  for (auto most = peak.load(); now > most && !peak.compare_exchange_weak(most, now);) {
  }
  return memory;
}

void counted_free(void* memory) {
  if (memory == nullptr) return;
  in_use -= static_cast<std::int64_t>(::malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
  return counted(size);
}
void* operator new[](std::size_t size) {
  return counted(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return counted(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return counted(size);
}
void operator delete(void* memory) noexcept {
  counted_free(memory);
}
void operator delete[](void* memory) noexcept {
  counted_free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  counted_free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  counted_free(memory);
}

namespace mlship {
namespace {

// A ledger that counts what a shared one would push.
class CountingLedger : public Ledger {
 public:
  explicit CountingLedger(std::unique_ptr<Ledger> store) : store_(std::move(store)) {}
  [[nodiscard]] std::string url() const override { return store_->url(); }
  [[nodiscard]] bool shared() const override { return true; }
  std::unique_ptr<Lease> acquire(const LeaseRequest& request) override { return store_->acquire(request); }
  void begin(const RolloutRecord& record) override { ++pushes, store_->begin(record); }
  void append(const std::string& id, const std::vector<Json>& e) override { ++pushes, store_->append(id, e); }
  void note(const std::string& id, const std::vector<Json>& e) override { ++notes, store_->note(id, e); }
  void put_hold(const Hold& hold) override { ++pushes, store_->put_hold(hold); }
  void release_hold(const std::string& package, const Version& version, const std::string& who) override {
    store_->release_hold(package, version, who);
  }
  std::vector<std::string> rollouts() override { return store_->rollouts(); }
  RolloutRecord read(const std::string& id) override { return store_->read(id); }
  std::vector<Hold> holds() override { return store_->holds(); }

  int pushes = 0, notes = 0;

 private:
  std::unique_ptr<Ledger> store_;
};

std::string id_of(int i) {
  std::string number = std::to_string(100'000 + i);
  return "/jobs/team-" + number.substr(4) + "/nightly-scoring-" + number;
}

int run(const std::string& folder, int count) {
  test::World world;
  CountingLedger ledger(folder_ledger(folder));
  world.ledger = &ledger;
  world.edge->in_flight = 16;
  for (int i = 0; i < count; ++i) world.edge->add(id_of(i), {"churn==1.3.0", "churn==1.3.0"});
  const auto mine = in_use.load();
  const auto plan_and_roll = [&](const std::string& version) {
    RunContext context = test::World::context();
    context.converge = world.request(version);
    Engine engine = world.engine();
    return execute(engine, world.plan(version), world.release(version), context);
  };
  RolloutReport report = plan_and_roll("1.4.0");
  const int forward = ledger.pushes;
  std::printf("objects %d\ncomplete %d\nwaves %zu\npushes %d\nnotes %d\nfleet %lld\npeak %lld\n", count,
              report.complete() ? 1 : 0, (static_cast<size_t>(count) + largest_wave - 1) / largest_wave,
              forward, ledger.notes, static_cast<long long>(mine), static_cast<long long>(peak.load()));
  const std::string id = report.id;
  report = {};  // a rollback is another process: it holds nothing of the rollout's
  peak = in_use.load();
  const auto undone = world.run(inverse_plan(ledger, id, world.targets), "rollback");
  std::printf("undone %d\nundo-pushes %d\nundo-peak %lld\n", undone.complete() ? 1 : 0,
              ledger.pushes - forward, static_cast<long long>(peak.load()));
  return 0;
}

}  // namespace
}  // namespace mlship

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  return mlship::run(argv[1], std::stoi(argv[2]));
}
