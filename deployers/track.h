// One operation on its way through a Runner; for its sources only.
#pragma once

#include "deployers/runner.h"

namespace mlship {

struct Runner::Track {
  const Operation* planned = nullptr;
  Operation operation;  // with token and locator as of the last reading
  Target* target = nullptr;
  bool ours = false;  // an earlier run of this rollout wrote it, or may have
  OpState state = OpState::planned;
  Observation seen;
  ApplyResult applied;
  std::string detail, verdict;
  std::string why;  // when it is reverted: what was found wrong with it, "" when it was another object
  std::int64_t confirmed = 0;  // seconds since the epoch
  int sends = 0;
  int reads = 0;  // that failed after a write
  bool intended = false, unchanged = false;
  bool sent = false;  // in this round

  // False when nobody can say what stands there, or nothing was begun: the intent, if there is one, stays
  // open.
  [[nodiscard]] bool has_result() const {
    const bool reverting = state == OpState::revert_intent;
    if (state == OpState::unknown || (reverting && seen.state == ObjectState::unreadable)) return false;
    return intended || (state != OpState::planned && state != OpState::intent);
  }
  // A failure that leaves the new text where it is, to be undone later.
  [[nodiscard]] bool still_new() const {
    return state == OpState::unhealthy || state == OpState::revert_intent;
  }
};

inline std::string join(const std::string& a, const std::string& b) {
  if (a == b) return a;
  return a.empty() || b.empty() ? a + b : a + "; " + b;
}

std::string not_configured(const std::string& target);
// What stands there instead of what was planned.
std::string conflict_detail(const Observation& seen);

}  // namespace mlship
