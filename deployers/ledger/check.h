// Whether a ledger is what was written: every line follows from the one before it, every rollout from one
// before it, every plan and entry can be read.
#pragma once

#include <string>
#include <vector>

#include "deployers/ledger/ledger.h"

namespace mlship {

struct LedgerFinding {
  std::string rollout;  // "": the holds
  std::string problem;
};

struct LedgerCheck {
  size_t rollouts = 0;
  size_t entries = 0;
  std::vector<LedgerFinding> findings;
};

// What cannot be reached at all is thrown.
LedgerCheck check_ledger(Ledger& ledger);

}  // namespace mlship
