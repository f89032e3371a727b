#include "deployers/target.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/names.h"

namespace mlship {
namespace {

struct ReasonRow {
  Reason reason;
  std::string_view word;
  bool fell_short;
};
constexpr auto reasons = std::to_array<ReasonRow>({
    {Reason::range, "range", false},
    {Reason::unpinned, "unpinned", false},
    {Reason::opaque, "opaque", false},
    {Reason::other_build, "other-build", false},
    {Reason::other_kind, "other-kind", false},
    {Reason::same_version, "same-version", false},
    {Reason::newer, "newer", false},
    {Reason::older, "older", false},
    {Reason::other_major, "other-major", false},
    {Reason::pre_release, "pre-release", false},
    {Reason::foreign_owner, "foreign-owner", false},
    {Reason::hash_pinned, "hash-pinned", true},
    {Reason::no_output, "no-output", true},
    {Reason::broken, "broken", true},
    {Reason::no_permission, "no-permission", true},
    {Reason::unresolvable, "unresolvable", true},
    {Reason::busy, "busy", true},
    {Reason::conflict, "conflict", true},
});

constexpr auto common_keys = std::to_array<KeySpec>({
    {"kind", KeySpec::Type::string, "the kind of system; `mlship targets` lists them", "", true},
    {"index", KeySpec::Type::string, "the [indexes] entry that must serve a version before a pin moves to it",
     ""},
    {"trust-pins", KeySpec::Type::boolean, "move pins without asking an index; the plan says `unverified`",
     "false"},
    {"compat", KeySpec::Type::string, "which older references move: major, minor or any", "major", false,
     "major|minor|any"},
    {"prereleases", KeySpec::Type::boolean, "move references to a pre-release too", "false"},
    {"strict", KeySpec::Type::boolean, "every older reference left behind is exit 8", "false"},
    {"accept", KeySpec::Type::string_list,
     "\"REASON: GLOB\": what may stay as it is for that reason; listed, and never exit 8", "none"},
    {"include", KeySpec::Type::string_list, "globs on object names; only these", "all"},
    {"exclude", KeySpec::Type::string_list, "globs on object names; not these", "none"},
});

}  // namespace

std::string_view to_string(Reason reason) {
  return reasons.at(static_cast<size_t>(reason)).word;
}
bool fell_short(Reason reason) {
  return reasons.at(static_cast<size_t>(reason)).fell_short;
}

bool Operation::installs() const {
  return std::all_of(changes.begin(), changes.end(), [](const Change& c) { return c.stays(); });
}

bool fell_short(const Skipped& skipped) {
  return !skipped.accepted && (skipped.strict || fell_short(skipped.reason));
}

std::vector<Observation> Target::observe_all(std::span<const Operation* const> operations,
                                             std::string_view salt) {
  std::vector<Observation> seen;
  seen.reserve(operations.size());
  for (const auto* operation : operations) {
    try {
      seen.push_back(observe(*operation, salt));
    } catch (const Error& e) {
      seen.push_back({ObjectState::unreadable, e.message(), "", true, {}});
    }
  }
  return seen;
}

std::vector<ApplyResult> Target::apply_all(std::span<const Sending> sendings) {
  std::vector<ApplyResult> results;
  results.reserve(sendings.size());
  for (const auto& sending : sendings) results.push_back(apply(*sending.operation, sending.tag));
  return results;
}

void Target::recover_all(std::span<const Sending> sendings) {
  for (const auto& sending : sendings) recover(*sending.operation, sending.tag);
}

std::span<const KeySpec> common_target_keys() {
  return common_keys;
}

std::unique_ptr<Target> make_target(const TargetSection& section, const Project& project, Host& host) {
  std::vector<std::string> known;
  for (const auto* factory : target_factories()) {
    if (section.kind == factory->kind) return factory->make(section, project, host);
    known.emplace_back(factory->kind);
  }
  throw Error(ErrorCode::project_file, "cannot use target '" + section.name + "' of " + section.at.str() +
                                           ": unknown kind '" + section.kind + "'" +
                                           did_you_mean(section.kind, known))
      .hint("mlship targets");
}

}  // namespace mlship
