// Where the members of a wheel go in a tree (PEP 427 §Installing a wheel).
#pragma once

#include <set>
#include <string>

#include "packager/wheel_reader.h"

namespace mlship {

struct WheelPlace {
  std::string path;  // in the tree; "" for what stays out
  bool executable = false;
  std::string launcher;  // for a `#!python` script: the path of its launcher, else ""
};

// python: "3.11" or "3". `commands`: the names of the wheel's entry points, which win over its scripts.
// Throws Error(wheel) for a member of .data/ without a known place.
WheelPlace place_of(const WheelReader& wheel, const ZipEntry& entry, const std::string& python,
                    const std::set<std::string>& commands);

}  // namespace mlship
