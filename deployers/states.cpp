#include "deployers/states.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/error.h"

namespace mlship {
namespace {

using S = OpState;
using E = OpEvent;

constexpr auto state_words = std::to_array<std::string_view>(
    {"planned", "intent", "unknown", "confirmed", "conflict", "refused", "failed", "observing", "healthy",
     "unhealthy", "inconclusive", "unproven", "committed", "revert-intent", "reverted", "revert-conflict"});
constexpr auto event_words = std::to_array<std::string_view>(
    {"live-old", "live-new", "live-other", "unreadable", "said-no", "raced", "reply-lost", "throttled",
     "no-effect", "spent", "watch", "proven", "run-good", "run-bad", "run-missing", "run-impossible",
     "settle", "revert"});

constexpr auto rows = std::to_array<Transition>({
    // Before the intent the object is read: what is done already is not written again (invariant 3).
    {S::planned, E::live_old, S::intent},
    {S::planned, E::live_new, S::confirmed},
    {S::planned, E::live_other, S::conflict},
    {S::planned, E::unreadable, S::failed},
    // After the write only reading says what came of it (invariants 2 and 11).
    {S::intent, E::live_new, S::confirmed},
    {S::intent, E::live_other, S::conflict},
    {S::intent, E::unreadable, S::unknown},
    {S::intent, E::said_no, S::refused},
    {S::intent, E::raced, S::conflict},
    {S::intent, E::reply_lost, S::unknown},
    {S::intent, E::throttled, S::intent},
    {S::intent, E::no_effect, S::failed},
    {S::intent, E::spent, S::failed},
    {S::unknown, E::live_old, S::intent},
    {S::unknown, E::live_new, S::confirmed},
    {S::unknown, E::live_other, S::conflict},
    {S::unknown, E::unreadable, S::unknown},
    {S::unknown, E::spent, S::failed},
    // A run is evidence only if it started after `confirmed` and reports the new digest (invariant 7).
    {S::confirmed, E::proven, S::healthy},
    {S::confirmed, E::watch, S::observing},
    {S::observing, E::run_good, S::healthy},
    {S::observing, E::run_bad, S::unhealthy},
    {S::observing, E::run_missing, S::inconclusive},
    {S::observing, E::run_impossible, S::unproven},
    {S::healthy, E::settle, S::committed},
    // Only what this rollout wrote and what still holds our text is reverted (invariant 6).
    {S::committed, E::revert, S::revert_intent},
    {S::unhealthy, E::revert, S::revert_intent},
    {S::inconclusive, E::revert, S::revert_intent},
    {S::unproven, E::revert, S::revert_intent},
    {S::unknown, E::revert, S::revert_intent},
    {S::revert_intent, E::live_old, S::reverted},
    {S::revert_intent, E::live_new, S::revert_intent},
    {S::revert_intent, E::live_other, S::revert_conflict},
    {S::revert_intent, E::unreadable, S::revert_intent},
});

}  // namespace

std::string_view to_string(OpState state) {
  return state_words.at(static_cast<size_t>(state));
}

std::string_view to_string(OpEvent event) {
  return event_words.at(static_cast<size_t>(event));
}

std::span<const Transition> transitions() {
  return rows;
}

const Transition& transition(OpState from, OpEvent event) {
  const auto* row = std::find_if(rows.begin(), rows.end(),
                                 [&](const Transition& t) { return t.from == from && t.event == event; });
  if (row == rows.end()) {
    throw Error(ErrorCode::internal,
                fmt::format("an operation in state '{}' met '{}'", to_string(from), to_string(event)));
  }
  return *row;
}

}  // namespace mlship
