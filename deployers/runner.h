// One batch of operations through the states of deployers/states.h: read, intents durable together, writes,
// read back, results. Shared by rollout, resume and revert; knows nothing of how the operations were found.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "deployers/limiter.h"
#include "deployers/proof.h"
#include "deployers/record.h"
#include "deployers/rollout.h"
#include "deployers/selectors.h"
#include "deployers/states.h"

namespace mlship {

class Runner {
 public:
  // `plan` is the recorded one (salt, version, digest). All outlive the runner.
  Runner(Engine& engine, Lease& lease, std::string id, const Plan& plan, const Release& release,
         const RunContext& context);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Creates and verifies every carrier; a failure is remembered for the operations that need it.
  void place(const std::vector<Operation>& operations, const std::vector<Carrier>& carriers);
  // These operations, from whatever state the objects are in. `before`: what an earlier run of this rollout
  // left on record, by operation id.
  using Before = std::map<std::string, const OperationRecord*>;
  void run(std::span<const Operation* const> batch, const Before& before = {});
  // Puts the old text back where ours still stands. `operations`: as planned, in the order to revert.
  void revert(std::span<const Operation* const> operations);
  // The result of an operation that must not be written, for a reason of the caller.
  void refuse(const Operation& operation, Outcome outcome, const std::string& detail);
  // Not reached; it stays as it is, and nothing is recorded.
  void pending(const Operation& operation, const std::string& why = "not reached");

  // Appends the state entry and returns the report.
  RolloutReport finish(const std::string& state, std::vector<Skipped> skipped, std::int64_t seconds);
  void append(Json entry);  // with the time

  // Interrupted, or the lease is lost: nothing may be written any more.
  [[nodiscard]] bool stop() const;
  [[nodiscard]] bool lease_lost() const { return lease_lost_; }
  // False for an operation that ended in anything but updated or unchanged (with the proof that was asked
  // for).
  [[nodiscard]] bool reached(const std::string& operation) const;
  // It was written, or may have been, and was not put back.
  [[nodiscard]] bool wrote(const std::string& operation) const;
  // Some of it has a target that is not configured here: it waits for whoever has it.
  [[nodiscard]] bool elsewhere() const { return elsewhere_; }
  [[nodiscard]] bool is_reverted(const std::string& operation) const;
  // Operations that are evidence against the version: failed, refused, or without the proof asked for.
  [[nodiscard]] size_t failures() const;
  // Something is left to write, or to prove.
  [[nodiscard]] bool left_pending() const;
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] std::string tag(const std::string& operation) const { return id_ + "." + operation; }

 private:
  struct Track;
  using Tracks = std::vector<Track>;
  using Members = std::vector<Track*>;

  [[nodiscard]] Tracks prepare(std::span<const Operation* const> batch, const Before& before);
  Tracks take_busy(Tracks& tracks);
  void report_busy(const Track& track);
  void write_ledger(const std::function<void()>& write);
  void work(Tracks& tracks);
  void read(const Members& tracks);
  void intend(const Members& tracks, bool reverting);
  void write_all(const Members& tracks);
  void send(const Members& tracks);
  [[nodiscard]] static std::vector<Members> as_writes(const Members& tracks);
  void send_together(const Members& tracks, Limiter& limiter);
  void take_result(Track& track, ApplyResult result);
  void judge(Track& track);
  void prove(Tracks& tracks);
  void record(Tracks& tracks);
  [[nodiscard]] std::string wrong_texts(const Target& target, const Operation& inverse) const;
  void put_back(Members& open);
  bool look_at_revert(Track& track);
  void move(Track& track, OpEvent event);
  Limiter& limiter_of(const Target& target);
  void add_results(const Operation& operation, Outcome outcome, const std::string& detail,
                   std::string_view proof = "");
  void place_one(const std::string& target, const Carrier& carrier);

  Engine& engine_;
  Lease& lease_;
  std::string id_;
  const Plan& plan_;
  const Release& release_;
  const RunContext& context_;
  ObjectRules rules_;  // over the plan's objects
  mutable std::atomic<bool> lease_lost_ = false;
  std::map<std::string, std::string> failed_carriers_;  // target and id -> why
  std::map<std::string, std::unique_ptr<Limiter>> limiters_;
  struct Result {
    Outcome outcome = Outcome::pending;
    bool proven = true;
    std::optional<size_t> row;  // its first in results_
    OpState state = OpState::planned;
  };
  std::map<std::string, Result> by_operation_;
  std::vector<ObjectResult> results_;
  std::vector<Skipped> busy_;
  bool elsewhere_ = false;
};

// Operations that an earlier run may have left half done: cleans up after their writes and says in the ledger
// what is live; what cannot be read stays open. Needs the targets' lease; `leased`: those, null for all.
void settle_dangling(Engine& engine, const RolloutView& rollout,
                     const std::set<std::string>* leased = nullptr);
// Does so for every open rollout of the plan's package, and marks as superseded those that this run goes
// past: their targets are leased, and it reaches every object that they had left.
void settle_unfinished(Engine& engine, const Plan& plan, const RunContext& context,
                       const std::vector<std::string>& leased);

}  // namespace mlship
