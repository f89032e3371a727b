// Places of a document that may name a package and are nobody's but their owner's to change: Spark
// configuration, environment variables, parameters. They are looked at and never written.
#pragma once

#include <vector>

#include "core/json.h"
#include "core/json_library.h"
#include "deployers/target.h"

namespace mlship::databricks {

// Every reference there, opaque.
std::vector<FoundReference> looked_at(const Json& settings, Scheme scheme);

}  // namespace mlship::databricks
