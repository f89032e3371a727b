#include "deployers/ledger/ledger.h"

#include <algorithm>
#include <array>

#include "core/names.h"
#include "core/secret.h"

namespace mlship {

bool is_ledger_url(const std::string& place) {
  return place.find("://") != std::string::npos;
}

namespace {

// Labels tell builds of one version apart: what holds the version holds all of them.
bool covers(const Version& held, const Version& version) {
  return held == version || (!held.local() && held == version.without_local());
}

}  // namespace

bool holds(const Hold& hold, const std::string& package, const Version& version) {
  if (hold.package != package) return false;
  if (hold.version.scheme() == version.scheme()) return covers(hold.version, version);
  constexpr auto schemes = std::to_array<Scheme>({Scheme::pep440, Scheme::semver});
  return std::any_of(schemes.begin(), schemes.end(), [&](Scheme scheme) {
    const auto a = Version::parse(hold.version.str(), scheme), b = Version::parse(version.str(), scheme);
    return a && b && covers(*a, *b);
  });
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
