// In which order a rollout changes objects, and how many at once. Pure.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/project.h"
#include "deployers/selectors.h"
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
ObjectTraits traits_of(const ObjectRules& rules, const ObjectInfo& object);

using Wave = std::vector<size_t>;  // indexes of operations

struct Course {
  std::vector<Wave> waves;
  // By operation: the operations that must have succeeded first. Empty without dependencies.
  std::map<size_t, std::vector<size_t>> before;
};

// What the targets say about the operations, by operation; empty: nothing.
struct CourseHints {
  std::vector<std::vector<std::string>> needs;  // names or ids of objects it refers to itself
  std::vector<std::string> together;            // Target::written_with
};
// Waves of the largest size end where they split nothing that is written together; those that were asked for
// smaller ones do not. Throws Error(dependency_cycle), which prints the cycle.
Course make_course(std::span<const Operation> operations, std::span<const ObjectSection> sections,
                   const CourseHints& hints, const WaveOptions& options);
// Of as many operations as a wave holds at most, and what is written together with the last of them; `end` of
// all.
size_t batch_end(size_t begin, size_t end, const std::function<bool(size_t, size_t)>& together);

}  // namespace mlship
