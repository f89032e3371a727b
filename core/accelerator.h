// Local labels that name an accelerator (1.4.0+cu118): they say for which machine a file was built, not which
// version it is. Other local labels (+build.7, +g1a2b3c) are part of the version.
#pragma once

#include <string>

#include "core/version.h"

namespace mlship {

// "cu118" of 1.4.0+cu118 and of 1.4.0+cu118.g1a2b3c; "cpu.cxx11.abi" whole; "" when none is named.
std::string accelerator_of(const Version& version);
// 1.4.0+g1a2b3c of 1.4.0+cu118.g1a2b3c.
Version without_accelerator(const Version& version);
// The inverse: `accelerator` in place of the one that `version` has.
Version with_accelerator(const Version& version, const std::string& accelerator);

}  // namespace mlship
