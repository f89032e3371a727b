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

// What a run is about to change. Leases of a shared ledger are per target and package, so that runs that
// cannot meet do not wait for each other; a store may be stricter.
struct LeaseRequest {
  std::string holder;                // for people: who, where, what, since when
  std::string package;               // PEP 503 normal form
  std::vector<std::string> targets;  // names
};

// The right to write, given back by destruction.
class Lease {
 public:
  virtual ~Lease() = default;
  // Asked before every write; false once another runner may have taken over. Cheap.
  [[nodiscard]] virtual bool valid() = 0;
};

class Ledger {
 public:
  virtual ~Ledger() = default;
  [[nodiscard]] virtual std::string url() const = 0;  // printable
  // Other machines see it too.
  [[nodiscard]] virtual bool shared() const = 0;

  // Error(ledger_busy) naming the holder when another has it.
  virtual std::unique_ptr<Lease> acquire(const LeaseRequest& request) = 0;
  // Durable where the ledger is before they return; entries of one append() together, in one round trip. Only
  // while held.
  virtual void begin(const RolloutRecord& record) = 0;
  virtual void append(const std::string& rollout, const std::vector<Json>& entries) = 0;
  // Durable on this machine before it returns; a shared ledger gets it with the next append(), or when the
  // lease is given back. For results, which reading the live object can always replace.
  virtual void note(const std::string& rollout, const Json& entry) { append(rollout, {entry}); }
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
