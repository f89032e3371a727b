// Replaces a file's content so that nobody else's edit is ever lost: rollout.md §File targets.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/host/fs.h"

namespace mlship {

struct Swap {
  Path file;                // links resolved
  std::string expected;     // what was read
  std::string replacement;  // what shall stand there
  std::string tag;          // names the operation; makes what a killed run left recognisable
};

struct SwapResult {
  enum class Kind { swapped, conflict, refused, failed, unknown };
  Kind kind = Kind::failed;
  std::string detail;
};

// The new content is written beside the file under a dotted name with the file's owner, mode, ACL and
// extended attributes, synced, exchanged with the file, and what was displaced is compared with `expected`;
// on a mismatch it is exchanged back. Nothing is changed unless the result is `swapped` (or `unknown`: read
// it). `ready` is called when the new file is complete, right before the exchange.
SwapResult swap_file(const Swap& swap, const std::function<void()>& ready = {});

// Removes what a killed swap_file() with this tag left beside `file`, or puts foreign content that it had
// displaced back. Returns what was put back or kept aside, for people; "" when there was nothing.
std::string recover_swap(const Path& file, const std::string& tag);
// The same for every tag, when nothing is being swapped in the file's folder: whoever was killed may have had
// a ledger that is gone with its machine. Returns a line for people about each thing it removed, put back or
// kept aside.
std::vector<std::string> clear_abandoned_swaps(const Path& file);

}  // namespace mlship
