// The ledger in a git repository.
#pragma once

#include <memory>

#include "deployers/ledger/git_lease.h"
#include "deployers/ledger/ledger.h"

namespace mlship {

// place.repository: the folder of this machine's copy and journal. remote: other machines reach it too.
std::unique_ptr<Ledger> git_ledger(const GitPlace& place, bool remote,
                                   const LedgerSurroundings& surroundings);

}  // namespace mlship
