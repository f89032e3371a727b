#include <algorithm>
#include <array>

#include "core/accelerator.h"
#include "deployers/plan.h"

namespace mlship {
namespace {

// Forms that never carry an exact version mlship may rewrite.
struct FormRow {
  Form form;
  Reason reason;
};
constexpr auto never_moved = std::to_array<FormRow>({
    {Form::vcs, Reason::opaque},
    {Form::range, Reason::range},
});

struct CompatRow {
  Compat compat;
  std::string_view word;
};
constexpr auto compats =
    std::to_array<CompatRow>({{Compat::major, "major"}, {Compat::minor, "minor"}, {Compat::any, "any"}});

bool compatible(const Version& from, const Version& to, Compat compat) {
  switch (compat) {
    case Compat::major: return from.same_major(to);
    case Compat::minor: return from.same_minor(to);
    case Compat::any: return true;
  }
  return false;
}

std::optional<Reason> hold_back_up(const Version& from, const Version& to, const Policy& policy) {
  if (from > to) return Reason::newer;
  if (to.prerelease() && !policy.prereleases) return Reason::pre_release;
  if (!compatible(from, to, policy.compat)) return Reason::other_major;
  return std::nullopt;
}

// The version of a rollback is asked for by name, so that a pre-release does not stand in its way.
std::optional<Reason> hold_back_down(const Version& from, const Version& to, const Policy& policy) {
  if (from < to) return Reason::older;
  if (!compatible(from, to, policy.compat)) return Reason::other_major;
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Compat compat) {
  return std::find_if(compats.begin(), compats.end(), [&](const auto& row) { return row.compat == compat; })
      ->word;
}

std::optional<Compat> parse_compat(std::string_view word) {
  const auto row =
      std::find_if(compats.begin(), compats.end(), [&](const auto& r) { return r.word == word; });
  return row == compats.end() ? std::nullopt : std::optional(row->compat);
}

std::optional<Reason> hold_back(const Reference& reference, const Version& version, const Policy& policy,
                                Direction direction) {
  for (const auto& row : never_moved) {
    if (reference.form == row.form) return row.reason;
  }
  if (!reference.version && !reference.opaque.empty()) return Reason::opaque;
  if (!reference.version) {
    const bool unread = reference.digest || !reference.version_text.empty();
    return unread ? Reason::unresolvable : Reason::unpinned;
  }
  // Which build it is, is asked of the version's files.
  const Version from = without_accelerator(*reference.version);
  const Version to = without_accelerator(version);
  if (from == to) return Reason::same_version;
  const auto reason =
      direction == Direction::down ? hold_back_down(from, to, policy) : hold_back_up(from, to, policy);
  if (reason) return reason;
  if (!reference.opaque.empty()) return Reason::opaque;
  // Last, so that what would not move anyway is not reported as falling short.
  if (reference.hash_pinned) return Reason::hash_pinned;
  return std::nullopt;
}

}  // namespace mlship
