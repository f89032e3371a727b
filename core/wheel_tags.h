// Where a wheel runs, as its file name says (PEP 425).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mlship {

struct WheelTag {
  std::string python, abi, platform;  // in lower case: "cp311", "abi3", "manylinux_2_28_x86_64"
  [[nodiscard]] std::string str() const { return python + "-" + abi + "-" + platform; }
  bool operator==(const WheelTag&) const = default;
  auto operator<=>(const WheelTag&) const = default;
};

// PEP 425 §Compressed tag sets, expanded. Empty when a component is bad or the set is absurdly large: names
// come from elsewhere.
std::vector<WheelTag> expand_wheel_tags(std::string_view pythons, std::string_view abis,
                                        std::string_view platforms);
// Those at the end of a wheel's file name; empty when it is none.
std::vector<WheelTag> wheel_tags_of(std::string_view file_name);

}  // namespace mlship
