#include "deployers/ledger/ledger.h"

#include "core/names.h"
#include "core/secret.h"

namespace mlship {

bool is_ledger_url(const std::string& place) {
  return place.find("://") != std::string::npos;
}

std::unique_ptr<Ledger> open_ledger(const std::string& place, const LedgerSurroundings& surroundings) {
  const std::string scheme = is_ledger_url(place) ? place.substr(0, place.find("://")) : "";
  std::vector<std::string> known;
  for (const auto* factory : ledger_factories()) {
    if (scheme.empty() && factory->schemes.empty()) return factory->open(place, surroundings);
    for (const auto name : factory->schemes) {
      if (name == scheme) return factory->open(place, surroundings);
      known.emplace_back(name);
    }
  }
  std::string list = "a folder";
  for (const auto& name : known) list += ", " + name + "://";
  throw Error(ErrorCode::project_file, "cannot open the ledger " + printable_url(place) +
                                           ": unknown scheme '" + scheme + "'" + did_you_mean(scheme, known))
      .fact("known", list);
}

}  // namespace mlship
