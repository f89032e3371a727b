// Whether bytes are a program of Python's pickle machine, judged by what it would do with them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace mlship {

// Bytes by their place: up to `length` of them from `offset`.
using Bytes = std::function<std::string(std::uint64_t offset, std::uint64_t length)>;

// True when pickle.load would begin to run something of them: it names a module's member and calls it, or
// ends with it. Nothing is executed; what no loader could go on with is no pickle.
bool runs_as_pickle(const Bytes& bytes);

}  // namespace mlship
