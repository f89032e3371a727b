// Rows for `history`, `show` and `lineage`, from the ledger alone.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "deployers/ledger/ledger.h"
#include "deployers/rollout.h"

namespace mlship {

struct HistoryEntry {
  std::string id, command, environment, package;
  std::string to_version;           // "" for the inverse of a rollout
  std::optional<Digest> to_digest;  // nullopt too when the registry did not have the version
  std::string inverse_of;           // the rollout it undid, ""
  // "committed", "partial", "interrupted", "unfinished", "superseded"; "failed": ended before it began;
  // "reverted" when a later rollback undid it; "unreadable" when its entries do not chain (then `problem`
  // says why and only the id is known).
  std::string state;
  std::string problem;
  std::string who, host;
  std::int64_t started = 0;             // seconds since the epoch
  std::optional<std::int64_t> seconds;  // nullopt while it has not ended
  std::vector<std::string> commits;
  std::map<std::string, std::size_t> counts;  // outcome -> references
};

struct HistoryFilter {
  std::string environment;  // "": all
  std::string package;      // "": all
};

// Newest first.
std::vector<HistoryEntry> history(Ledger& ledger, const HistoryFilter& filter);

struct RolloutDetails {
  HistoryEntry entry;
  std::vector<ObjectResult>
      operations;  // in the plan's order; Outcome::reverted when a later rollback undid it
  std::vector<Carrier> carriers;
  std::vector<Skipped> skipped;
};
// `id` may be an unambiguous beginning of one. Error(rollout_not_found).
RolloutDetails show(Ledger& ledger, const std::string& id);

// Of rollouts that were cut short and that rollout `id` went on with, those that changed something which no
// rollback put back; newest first.
struct CutShort {
  std::string id;
  std::size_t objects = 0;
};
std::vector<CutShort> cut_short_before(Ledger& ledger, const HistoryFilter& filter, const std::string& id);

// One rollout's changes of one object.
struct LineageEntry {
  HistoryEntry rollout;
  std::vector<ObjectResult> changes;
};
// Every rollout that planned to change an object that the selector means, newest first: the object whose id
// or name it is, and only when the ledger knows none, those that it matches as a pattern.
std::vector<LineageEntry> lineage(Ledger& ledger, const HistoryFilter& filter, const std::string& object);

}  // namespace mlship
