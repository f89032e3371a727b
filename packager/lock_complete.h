// Whether a lock has everything that its wheels require.
#pragma once

#include <string>
#include <vector>

#include "packager/lock.h"
#include "packager/platform.h"
#include "packager/resolve.h"

namespace mlship {

// Every Requires-Dist of a wheel whose marker holds for the platform, with the extras that the lock and the
// other wheels ask for (core metadata §Requires-Dist), is a distribution that the platform takes. What an
// installation of Python often has beside the lock (pip, setuptools, wheel) and `provided` (names as in PEP
// 503) is not missed. Throws Error(lock) that names the wheel, what it requires and the platform.
void check_complete(const Lock& lock, const std::vector<Dependency>& dependencies,
                    const std::vector<Platform>& platforms, const std::vector<std::string>& provided);

}  // namespace mlship
