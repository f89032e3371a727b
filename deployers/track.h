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
  std::int64_t confirmed = 0;  // seconds since the epoch
  int sends = 0;
  bool intended = false, unchanged = false;
  bool sent = false;  // in this round
};

inline std::string join(const std::string& a, const std::string& b) {
  return a.empty() || b.empty() ? a + b : a + "; " + b;
}

// What stands there instead of what was planned.
std::string conflict_detail(const Observation& seen);

}  // namespace mlship
