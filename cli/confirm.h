// Nothing that runs is changed without a yes.
#pragma once

#include <string>

namespace mlship {

class Services;

// Returns when the person agreed: --yes, MLSHIP_YES=1, or an answer at the terminal. `doing`: "roll out
// churn 1.4.0". Throws Error(confirmation_needed) otherwise; the plan has been printed by then and nothing is
// written.
void confirm(Services& services, const std::string& doing);

}  // namespace mlship
