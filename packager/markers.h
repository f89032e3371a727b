// PEP 440 specifiers and PEP 508 environment markers, evaluated for a target and never for this machine.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace mlship {

// PEP 508 §Environment Markers: python_version, sys_platform, … all eleven.
using MarkerEnvironment = std::map<std::string, std::string, std::less<>>;

// PEP 440 §Version specifiers: "~=1.4, !=1.4.2", "==1.*", "===x". Throws std::invalid_argument on bad syntax.
bool specifier_matches(std::string_view specifiers, std::string_view version, bool allow_prereleases = true);

// True when `marker` (empty: true) holds. `extras`: the extras being installed, normalised. Throws
// std::invalid_argument with a short reason on bad syntax.
bool marker_holds(std::string_view marker, const MarkerEnvironment& environment,
                  const std::set<std::string>& extras = {});

}  // namespace mlship
