// The states of one rollout's operations: intent durable, write, read back, result durable. Shared by execute
// and resume; knows nothing of how the operations were found.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "deployers/record.h"
#include "deployers/rollout.h"

namespace mlship {

class Runner {
 public:
  // `salt` is the plan's. All outlive the runner.
  Runner(Engine& engine, std::string id, const std::string& salt, const Release& release);

  // Creates and verifies every carrier; a failure is remembered for the operations that need it.
  void place(const std::vector<Operation>& operations, const std::vector<Carrier>& carriers);
  // One operation, from whatever state the object is in. `before`: what an earlier run of this rollout left
  // on record.
  void run(const Operation& operation, const OperationRecord* before = nullptr);
  // The results of operations that must not be written, for a reason of the caller.
  void refuse(const Operation& operation, Outcome outcome, const std::string& detail);
  void pending(const Operation& operation);
  // Appends the state entry and returns the report.
  RolloutReport finish(std::vector<Skipped> skipped, std::int64_t seconds);
  void append(Json entry);  // with the time

  [[nodiscard]] bool stop() const { return engine_.interrupted.load(); }
  // False for an operation that ended in anything but updated or unchanged.
  [[nodiscard]] bool reached(const std::string& operation) const;
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] std::string tag(const std::string& operation) const { return id_ + "." + operation; }

 private:
  struct Settled {
    Outcome outcome = Outcome::failed;
    std::string detail;
    std::string pending;  // "daemon-reload"
    Observation seen;
    bool known = true;  // false: nobody can say what stands there; the intent stays open
  };
  Settled settle(Target& target, Operation operation, const OperationRecord* before);
  Settled write(Target& target, Operation operation, bool ours);
  Settled read_back(Target& target, const Operation& operation, const ApplyResult& applied);
  void record(const Operation& operation, const Settled& settled);
  void add_results(const Operation& operation, Outcome outcome, const std::string& detail);
  void place_one(const std::string& target, const Carrier& carrier);

  Engine& engine_;
  std::string id_;
  std::string salt_;
  const Release& release_;
  std::map<std::string, std::string> failed_carriers_;  // target and id -> why
  std::map<std::string, Outcome> outcomes_;             // by operation
  std::vector<ObjectResult> results_;
};

// An operation that an earlier run may have left half done: cleans up after its write and says in the ledger
// what is live. Needs the ledger held.
void settle_dangling(Engine& engine, const RolloutView& rollout);
// Does so for every rollout since the last one that ended, and marks those it went past as superseded.
void settle_unfinished(Engine& engine, const std::string& environment, const std::string& package);

}  // namespace mlship
