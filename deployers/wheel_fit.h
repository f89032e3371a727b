// Which wheels may take another one's place: the new one must run wherever the old one ran, as far as the
// tags of both say.
#pragma once

#include <optional>
#include <tuple>
#include <vector>

#include "core/wheel_tags.h"

namespace mlship {

// How far the offered wheel is from the wanted one, nearest first: the same tags, then the order in which
// installers prefer wheels (its own ABI, the stable ABI, any Python; the newest libc; pure ones last).
struct WheelDistance {
  bool other_tags = true;
  bool pure = false;
  int python = 0, platform = 0;
  auto operator<=>(const WheelDistance&) const = default;
};

// nullopt: somewhere the wanted one runs and the offered one does not. Python 2 does not count where the
// wanted one runs on Python 3 too.
std::optional<WheelDistance> wheel_fit(const std::vector<WheelTag>& wanted,
                                       const std::vector<WheelTag>& offered);

}  // namespace mlship
