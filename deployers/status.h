// Which version every object runs, and whether it is what the ledger says was left there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/diagnostics.h"
#include "deployers/ledger/ledger.h"
#include "deployers/plan.h"

namespace mlship {

struct StatusRequest {
  std::string environment;
  std::string package;  // PEP 503 normal form; "": every package
  Scheme scheme = Scheme::pep440;
  Selection selection;
  std::int64_t now = 0;  // seconds since the epoch; next runs are after it
};

struct ReferenceStatus {
  std::string package, path, text;
  Form form = Form::pin;
  std::string version;  // normal form, "" when unknown
  // What it names itself, else of the bundle that the rollout brought which wrote it; nullopt: not known.
  std::optional<Digest> digest;
  // Whether it is a version that the newest rollout or rollback of the package left; nullopt: the ledger
  // knows none.
  std::optional<bool> current;
  std::string broken = {};  // what it names and is not there, for people; "": nothing is missing
  bool accepted = false;    // that it is, by the target's `accept`
};

// What the ledger says was last done to an object.
struct LastOperation {
  std::string rollout;  // id
  std::string outcome;  // "updated", "conflict", …; "unfinished" when a run died over it
  std::int64_t at = 0;  // seconds since the epoch
};

struct ObjectStatus {
  std::string target;
  ObjectInfo object;
  std::vector<ReferenceStatus> references;
  std::optional<LastOperation> last;
  std::string drift;    // "" or what stands there instead of what was left
  std::string pending;  // "" or what is left to do before what was written runs: "daemon-reload"
  std::optional<std::int64_t> next_run = std::nullopt;  // seconds since the epoch; see Target::next_run
};

struct StatusReport {
  std::vector<ObjectStatus> objects;  // by target, then in the target's own order
  std::vector<Skipped> skipped;       // what could not be read
  std::vector<std::string> warnings;  // see Discovery
  Unmet unmet;
};

// Reads the ledger newest first, and no further than what is shown needs.
StatusReport status(const StatusRequest& request, Targets& targets, Ledger& ledger);

}  // namespace mlship
