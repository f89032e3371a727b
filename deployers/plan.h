// The plan: which references change, old -> new, with each object's state when it was seen. Pure ordering and
// policy.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/release.h"
#include "deployers/selection.h"
#include "deployers/target.h"

namespace mlship {

enum class Compat { major, minor, any };
std::string_view to_string(Compat compat);
std::optional<Compat> parse_compat(std::string_view word);
enum class Direction { up, down };

struct Policy {
  Compat compat = Compat::major;
  bool prereleases = false;
  bool strict = false;
};

// Why a reference of this package does not move to `to`; nullopt: it moves.
std::optional<Reason> hold_back(const Reference& reference, const Version& to, const Policy& policy,
                                Direction direction);

// What of a command line decides which references are in a plan.
struct PlanFlags {
  std::optional<Compat> compat;  // --compat
  bool include_owned = false;    // --include-owned
  bool install = false;          // --install
};

struct Plan {
  std::string id;  // "plan-" + sha256 of the canonical JSON without id
  std::string environment;
  std::string package;
  Scheme scheme = Scheme::pep440;
  Direction direction = Direction::up;
  std::optional<Version> to;  // absent for the inverse of a rollout
  std::string inverse_of;     // the rollout this plan undoes; its operations keep their ids
  Digest digest;
  std::string salt;
  std::vector<Operation> operations;
  std::vector<Carrier> carriers;
  std::vector<Skipped> skipped;
  bool strict = false;
  PlanFlags flags;
  // Versions that a rollback was to leave somewhere and cannot. They are held like those it leaves, so that
  // nothing rolls them further; not part of the document.
  std::set<Version> stuck;
  [[nodiscard]] size_t changes() const;   // references that get another text
  [[nodiscard]] size_t installs() const;  // and those that are right, whose carriers are not there
};

class Ledger;
using Targets = std::vector<std::unique_ptr<Target>>;

struct PlanRequest {
  std::string environment;
  Release release;
  Direction direction = Direction::up;
  Selection selection;
  std::optional<Compat> compat;  // --compat wins over the targets' own
  bool strict = false;
  bool prereleases = false;    // the version was asked for by name, so that it may be a pre-release
  bool include_owned = false;  // --include-owned: change what LiveObject::foreign_owner claims, too
  bool install = false;  // --install: put what the release has for each target there, whatever refers to it
  std::string salt;      // "" = a fresh random one
  Ledger* ledger = nullptr;  // for Direction::down: the exact texts objects had; may be absent
  // The registry does not have `release` (which names package and version alone): only exact texts that the
  // ledger knows are put back.
  bool from_ledger = false;
  // What in `selection` no object is meant by: see Unmet.
  bool names_must_be_there = false;
};
// Discovers and decides; writes nothing.
Plan make_plan(const PlanRequest& request, Targets& targets, ReleaseSource& source, Diagnostics& diagnostics);

// Gives the plan its id and checks that it hangs together; every maker of a plan ends with it.
void finish_plan(Plan& plan);

// The plan file (schema mlship.plan-file/3; docs/ledger.md) and back; parse throws Error(bad_plan) on
// anything not exactly a plan whose id fits its content.
constexpr size_t largest_plan = 256U << 20U;  // bytes; 100,000 operations are well below
std::string canonical_plan(
    const Plan& plan);  // canonical JSON and a final newline; Error(bad_plan) when larger
Json to_json(const Plan& plan);
Plan parse_plan(std::string_view text);

// A plan file only narrows: `fresh` is the plan computed again from what is live and the registry; the
// operations of `file` that it reproduces exactly are kept (as `fresh` has them). What holds the new text
// already is left to `fresh`'s same-version rows; the others come back as conflicts (Skipped). Throws
// Error(stale_plan) when none is left but some conflict, or when the version is another build by now;
// Error(bad_plan) when it is for something else.
Plan narrow(const Plan& file, const Plan& fresh, const Targets& targets);

}  // namespace mlship
