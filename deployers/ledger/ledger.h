// The durable record of plans, intents, results and holds: append-only JSON lines, one folder per rollout,
// entries chained by sha256, a format version that older programs refuse. The form on
// disk is described in docs/ledger.md.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/diagnostics.h"
#include "core/host/host.h"
#include "core/json.h"
#include "core/json_library.h"
#include "core/version.h"
#include "deployers/ledger/entries.h"

namespace mlship {

struct Hold {
  std::string package;
  Version version;
  std::string why;  // rollout id that put it there
  std::int64_t since = 0;
};

// Whether the hold is one of this version, however it is spelled and whatever scheme the project has by now:
// 1.4, v1.4.0 and a build of it (1.4.0+local) are 1.4.0.
bool holds(const Hold& hold, const std::string& package, const Version& version);

// A line of another rollout that a rollout's first entry names, so that rollouts chain too.
struct ChainLink {
  std::string rollout;  // "": none, it was the first (or is older than these links)
  std::string line;     // sha256 of the last line that rollout had then, hex
};

// One rollout's folder: plan.json and entries.jsonl.
struct RolloutRecord {
  std::string id;       // "20261121T093854Z-k3f9"; sorts by time
  std::string command;  // "rollout" | "rollback"
  std::string environment, package;
  std::string who, host;
  std::int64_t started = 0;
  std::vector<std::string> commits;
  Json execution;     // how the rollout goes about it; null in old ledgers
  std::string plan;   // the text of plan.json: canonical_plan()
  Entries entries;    // intents, results, carriers, state changes, in order
  bool torn = false;  // the last line was cut by a crash and is not among entries
  ChainLink after;    // of the first line
  std::string holds;  // sha256 of the last line of the holds then; "": none, or an old ledger
  // Rollouts of its package and environment that had something left when it began; nullopt in old ledgers.
  std::optional<std::vector<std::string>> open;
  std::vector<std::string> hashes;  // of every line, the first one's first; hex
};

// What a run is about to change. Leases of a shared ledger are per target and package, so that runs that
// cannot meet do not wait for each other; a store may be stricter.
struct LeaseRequest {
  std::string holder;                // for people: who, where, what, since when
  std::string package;               // PEP 503 normal form
  std::vector<std::string> targets;  // names
  // Waiting for the lease ends when it is set; null: nothing can interrupt it.
  const std::atomic<bool>* interrupted = nullptr;
};

// The right to write, given back by destruction.
class Lease {
 public:
  virtual ~Lease() = default;
  // Asked before every write; false once another runner may have taken over. Cheap, most of the time: a lease
  // that was not renewed in time is renewed here, or given up.
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
  // Who holds the package on these targets now, for people; nullopt: nobody, or that cannot be told. A holder
  // that died a moment ago may still be named.
  virtual std::optional<std::string> holder(const std::string& /*package*/,
                                            const std::set<std::string>& /*targets*/) {
    return std::nullopt;
  }
  // Durable where the ledger is before they return; entries of one append() together, in one round trip. Only
  // while held.
  virtual void begin(const RolloutRecord& record) = 0;
  virtual void append(const std::string& rollout, const std::vector<Json>& entries) = 0;
  // Durable on this machine before it returns; a shared ledger gets it with the next append(), or when the
  // lease is given back. For results, which reading the live object can always replace.
  virtual void note(const std::string& rollout, const std::vector<Json>& entries) {
    append(rollout, entries);
  }
  virtual void put_hold(const Hold& hold) = 0;
  // Error(not_found) when there is no such hold.
  virtual void release_hold(const std::string& package, const Version& version, const std::string& who) = 0;

  virtual std::vector<std::string> rollouts() = 0;        // ids, oldest first
  virtual RolloutRecord read(const std::string& id) = 0;  // Error(rollout_not_found)
  virtual std::vector<Hold> holds() = 0;
  // sha256 of every line of the holds and releases, the first one's first; hex.
  virtual std::vector<std::string> hold_lines() { return {}; }
};

// A folder with flock. Readers need no lock. Error(ledger) when the format version is newer than this
// program's.
std::unique_ptr<Ledger> folder_ledger(const std::filesystem::path& folder);

// What a store works with; all outlive the ledger.
struct LedgerSurroundings {
  Host& host;
  Diagnostics& diagnostics;
};

// One row per kind of store: stores/NAME_store.cpp.
struct LedgerFactory {
  std::span<const std::string_view> schemes;  // empty: what has no scheme is a path
  std::string_view summary;
  std::string_view example;
  std::unique_ptr<Ledger> (*open)(const std::string& place, const LedgerSurroundings& surroundings);
};
std::span<const LedgerFactory* const> ledger_factories();

// True when `place` is a URL and no path of this machine.
bool is_ledger_url(const std::string& place);
// Throws Error(project_file) with a did-you-mean on an unknown scheme.
std::unique_ptr<Ledger> open_ledger(const std::string& place, const LedgerSurroundings& surroundings);

}  // namespace mlship
