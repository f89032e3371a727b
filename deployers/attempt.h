// What a rollout writes of itself when it begins, and what it leaves when it changes nothing: `rollback`
// after it must not undo the rollout before.
#pragma once

#include <string>

#include "deployers/rollout.h"

namespace mlship {

// What the ledger gets when a run of the plan begins.
RolloutRecord record_of(const std::string& id, const Plan& plan, const RunContext& context, std::int64_t now);

// Where a rollback would undo the rollout before, the ledger has to say that this one changed nothing; and
// where such a try stands in the way of undoing the rollout before, that the version was found in place
// since. Else nothing is recorded: a pipeline that runs every night must not fill the ledger. `state`: how it
// ended.
bool worth_a_record(Ledger& ledger, const Plan& plan, const RunContext& context, const std::string& state);
// The plan has no operations; the lease is held.
void record_nothing(Ledger& ledger, Clock& clock, const Plan& plan, const RunContext& context,
                    const std::string& state);

// A rollout that was asked for and ended before it began: `asked` has environment, package and, as far as it
// was known, the version. Throws nothing: that it could not be recorded is a warning, and nothing at all
// where the ledger cannot even be read.
void record_failed(Ledger& ledger, Clock& clock, Diagnostics& diagnostics, const Plan& asked,
                   const RunContext& context);

}  // namespace mlship
