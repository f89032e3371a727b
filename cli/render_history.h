// Entries of the ledger, for `history` and `show`.
#pragma once

#include <string>

#include "core/json.h"
#include "deployers/history.h"

namespace mlship {

OrderedJson to_json(const HistoryEntry& entry);
std::string counts_text(const HistoryEntry& entry);  // "3 updated, 1 conflict"

}  // namespace mlship
