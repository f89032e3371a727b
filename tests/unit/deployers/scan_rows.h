// A package of `scan` as one line.
#pragma once

#include <string>

#include "deployers/scan.h"

namespace mlship::test {

inline std::string rows(const ScannedPackage& package) {
  std::string out = std::string(package.ecosystem) + " " + package.name + ":";
  for (const auto& row : package.versions) {
    out += (out.ends_with(':') ? " " : ", ") + row.version + " " + std::string(row.pinned) + " " +
           std::to_string(row.count);
  }
  return out;
}

}  // namespace mlship::test
