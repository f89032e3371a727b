// What a ledger says is checked before it is written into an object: whoever may write to a ledger must not
// be able to write anything else there than another version of the same package, where it could have been
// put.
#pragma once

#include <string>

#include "deployers/plan.h"

namespace mlship {

// `text` is exactly one reference, to this package and version.
bool names_version(const std::string& text, const std::string& package, const std::string& version,
                   Scheme scheme);

// Why `change.to`, which a ledger holds, must not take the place of `change.from`, which stands in the
// object; "" when it may. `plan`: which package, and whether the text is an older one (down).
std::string gate(const Target& target, const Change& change, const Plan& plan);

}  // namespace mlship
