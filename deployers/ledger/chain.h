// Lines of JSON that chain by sha256: each holds, as "prev", the sha256 of the bytes before it (the seed for
// the first), so that an edit of what was written long ago shows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/digest.h"
#include "core/json.h"
#include "deployers/ledger/entries.h"

namespace mlship {

constexpr auto prev_key = "prev";

// Where the next line goes.
struct ChainTail {
  std::string prev;        // hex; what the next line must hold
  std::uint64_t size = 0;  // bytes of the whole lines
  std::size_t lines = 0;
};

// The line (with its LF) for `entry` after `tail`; moves the tail on.
std::string chain_line(Json entry, ChainTail& tail);

struct Chain {
  Entries entries;
  std::vector<std::string> hashes;  // of each line, hex
  ChainTail tail;
  bool torn = false;  // a crash cut the last line short; it is not among the entries
};

// Throws Error(ledger), naming `what` and the line, when a line that is not the last is no JSON object or
// when any line does not follow from the one before it.
Chain read_chain(std::string_view text, const std::string& seed, const std::string& what);

}  // namespace mlship
