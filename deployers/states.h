// The states of one operation and what moves it from one to the next: rollout.md §States and invariants, as
// data.
#pragma once

#include <span>
#include <string_view>

namespace mlship {

enum class OpState {
  planned,
  intent,     // durable in the ledger; a write may be under way
  unknown,    // a write was sent and nobody can say whether it arrived
  confirmed,  // read back: the new text stands there
  conflict,   // somebody else's text stands there
  refused,    // the system itself said no
  failed,     // nothing was written
  observing,  // waiting for a run as evidence
  healthy,
  unhealthy,
  inconclusive,  // no run came in time
  unproven,      // nothing can be observed
  committed,
  revert_intent,
  reverted,
  revert_conflict,
};
std::string_view to_string(OpState state);

enum class OpEvent {
  live_old,    // read: every reference holds its old text
  live_new,    // read: every reference holds its new text
  live_other,  // read: something else, or the object is gone
  unreadable,
  said_no,     // the write was refused
  raced,       // the write's precondition no longer held
  reply_lost,  // no reply, a timeout, a 5xx
  throttled,   // the system asked to come later; nothing was written
  no_effect,   // the write is said to be done, or has failed, and the old text still stands there
  spent,       // sent as often as is sensible
  watch,       // a run is wanted as proof
  proven,      // the read-back is all the proof that is wanted
  run_good,
  run_bad,
  run_missing,
  run_impossible,
  settle,
  revert,
};
std::string_view to_string(OpEvent event);

struct Transition {
  OpState from;
  OpEvent event;
  OpState to;
};
std::span<const Transition> transitions();

// The row that applies; throws Error(internal) when the table has none: a move nobody thought of must not be
// guessed.
const Transition& transition(OpState from, OpEvent event);

}  // namespace mlship
