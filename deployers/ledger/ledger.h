// The durable record of plans, intents, results and holds: append-only JSON lines, one folder per rollout,
// entries chained by sha256, a format version that older programs refuse. The form on
// disk is described in docs/ledger.md.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/host/host.h"
#include "core/json.h"
#include "core/version.h"

namespace mlship {

struct Hold {
  std::string package;
  Version version;
  std::string why;  // rollout id that put it there
  std::int64_t since = 0;
};

// One rollout's folder: plan.json and entries.jsonl.
struct RolloutRecord {
  std::string id;       // "20261121T093854Z-k3f9"; sorts by time
  std::string command;  // "rollout" | "rollback"
  std::string environment, package;
  std::string who, host;
  std::int64_t started = 0;
  std::vector<std::string> commits;
  Json plan;
  std::vector<Json> entries;  // intents, results, carriers, state changes, in order
  bool torn = false;          // the last line was cut by a crash and is not among entries
};

class Ledger {
 public:
  virtual ~Ledger() = default;
  [[nodiscard]] virtual std::string url() const = 0;

  // Exclusive use for this process; Error(ledger_busy) naming the holder when another has it. Released by
  // destruction of the returned object.
  virtual std::shared_ptr<void> acquire(const std::string& holder) = 0;
  // Durable before they return. Only while held.
  virtual void begin(const RolloutRecord& record) = 0;
  virtual void append(const std::string& rollout, const Json& entry) = 0;
  virtual void put_hold(const Hold& hold) = 0;
  // Error(not_found) when there is no such hold.
  virtual void release_hold(const std::string& package, const Version& version, const std::string& who) = 0;

  virtual std::vector<std::string> rollouts() = 0;        // ids, oldest first
  virtual RolloutRecord read(const std::string& id) = 0;  // Error(rollout_not_found)
  virtual std::vector<Hold> holds() = 0;
};

// A folder with flock. Readers need no lock. Error(ledger) when the format version is newer than this
// program's.
std::unique_ptr<Ledger> folder_ledger(const std::filesystem::path& folder);

}  // namespace mlship
