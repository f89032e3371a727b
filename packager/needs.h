// Which locked requirements each platform takes, and why a choice among their files can fail.
#pragma once

#include <vector>

#include "packager/candidates.h"
#include "packager/lock.h"
#include "packager/platform.h"

namespace mlship {

struct Need {
  LockedRequirement requirement;
  std::vector<const Platform*> platforms;  // those its marker holds for
  Candidates candidates;
};

// One per package and version. Throws Error(lock) for a marker that cannot be evaluated and for two versions
// of a package on one platform.
std::vector<Need> find_needs(const Lock& lock, const std::vector<Platform>& platforms);

// The file that `platform` takes; null when none fits.
const Candidate* choose(const Need& need, const Platform& platform);
// Throws Error(hash_mismatch) when all there is that would fit is a file whose hash the lock does not have.
void refuse_unlocked(const Need& need, const Platform& platform);
// Throws the Error that says why none fits.
[[noreturn]] void fail_choice(const Need& need, const Platform& platform, bool offline);

}  // namespace mlship
