#include "deployers/ledger/ledger.h"

namespace mlship {
namespace {

std::unique_ptr<Ledger> open(const std::string& place, const LedgerSurroundings&) {
  return folder_ledger(place);
}

}  // namespace

extern const LedgerFactory folder_store_factory;
const LedgerFactory folder_store_factory{
    {},
    "a folder of this machine, one run at a time",
    "/srv/mlship/ledger",
    open,
};

}  // namespace mlship
