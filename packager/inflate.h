// The beginning of what is deflated.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mlship {

enum class Deflated { raw, headed };  // headed: zlib or gzip, as its header says
// As much as comes out of it, at most `most` bytes; "" for what is nothing of that kind.
std::string inflated(std::string_view data, Deflated as, std::uint64_t most);

}  // namespace mlship
