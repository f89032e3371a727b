// Documents of the service compared for what they mean: it adds defaults, and it reorders lists whose
// elements have keys.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "core/json_library.h"

namespace mlship::databricks {

// Lists with keys sorted by them, defaults and empty values left out. The order of libraries means something
// and stays.
Json canonical(const Json& document);

// Digests of the parts of a canonical object, "name=1f3a…;tasks=77b0…;": comparable part by part, so that
// documents of which the service shows less (a list entry) can be compared with whole ones.
std::string print_of(const Json& document);
// The same for a place that others may read: settings hold secrets, and short ones could be guessed.
std::string salted(const std::string& print, std::string_view salt);
// The parts in which two prints differ. A part that only one of them has counts when `whole`.
std::vector<std::string> differing_parts(const std::string& a, const std::string& b, bool whole);

}  // namespace mlship::databricks
