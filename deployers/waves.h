// In which order a rollout changes objects, and how many at once. Pure.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/project.h"
#include "deployers/target.h"

namespace mlship {

struct WaveOptions {
  size_t canary = 0;  // objects of the first wave; 0: no canary
  size_t wave = 0;    // objects of each wave after it; 0: widening up to largest_wave
  bool with_dependencies = false;
};
constexpr size_t largest_wave = 500;

// What [objects] says about one object; the first section that says something wins.
struct ObjectTraits {
  int criticality = 3;
  std::vector<std::string> after, reads, writes;
  std::string probe;
};
ObjectTraits traits_of(std::span<const ObjectSection> sections, const ObjectInfo& object);

using Wave = std::vector<size_t>;  // indexes of operations

struct Course {
  std::vector<Wave> waves;
  // By operation: the operations that must have succeeded first. Empty without dependencies.
  std::map<size_t, std::vector<size_t>> before;
};

// `needs`: by operation, names or ids of objects it refers to itself. Throws Error(dependency_cycle), which
// prints the cycle.
Course make_course(std::span<const Operation> operations, std::span<const ObjectSection> sections,
                   const std::vector<std::vector<std::string>>& needs, const WaveOptions& options);

}  // namespace mlship
