// Replaces a file's content so that nobody else's edit is ever lost: rollout.md §File targets.
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/host/fs.h"

namespace mlship {

struct Swap {
  Path file;                // links resolved
  std::string expected;     // what was read
  std::string replacement;  // what shall stand there
  std::string tag;          // names the operation; makes what a killed run left recognisable
  bool in_place = false;    // a mount point is edited in place, with a copy of both texts beside it meanwhile
};

struct SwapResult {
  enum class Kind { swapped, conflict, refused, failed, unknown };
  Kind kind = Kind::failed;
  std::string detail;
  bool kept_aside = false;  // somebody else's text is in a file that `detail` names
};

// The new content is written beside the file under a dotted name with the file's owner, mode, ACL and
// extended attributes, synced, exchanged with the file, and what was displaced is compared with `expected`;
// on a mismatch it is exchanged back. Nothing is changed unless the result is `swapped` (or `unknown`: read
// it). `ready` is called when the new file is complete, right before the exchange. Everything is done within
// the open folder and by descriptor, so that no link that somebody puts there leads elsewhere; no lock is
// waited for.
SwapResult swap_file(const Swap& swap, const std::function<void()>& ready = {});

// Removes what a killed swap_file() with one of these tags left beside `file`, puts foreign content that it
// had displaced back, and takes back an edit in place that was cut short. Returns what was put back or kept
// aside, for people; "" when there was nothing.
std::string recover_swaps(const Path& file, const std::set<std::string>& tags);
inline std::string recover_swap(const Path& file, const std::string& tag) {
  return recover_swaps(file, {tag});
}
// The same for every tag, where the process that made it is gone: whoever was killed may have had a ledger
// that is gone with its machine. Returns a line for people about each thing it removed, put back or kept
// aside.
std::vector<std::string> clear_abandoned_swaps(const std::vector<Path>& files);

}  // namespace mlship
