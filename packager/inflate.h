// What is deflated, read as it comes out, however long that is.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace mlship {

// Bytes by their place: up to `length` of them from `offset`; fewer only at the end.
using Bytes = std::function<std::string(std::uint64_t offset, std::uint64_t length)>;

enum class Deflated { raw, headed };  // headed: zlib or gzip, as its header says
// What comes out of `source`, nothing for what is not of that kind. Holds a window of it; going back begins
// anew.
Bytes inflated(Bytes source, Deflated as);

}  // namespace mlship
