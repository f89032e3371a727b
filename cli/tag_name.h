// Names for versions that move.
#pragma once

#include <string>

#include "core/version.h"

namespace mlship {

// Throws Error(usage) for a name that parses as a version (which never moves) or is not an OCI tag.
void check_tag_name(const std::string& tag, Scheme scheme);

}  // namespace mlship
