// A rollout as the ledger's tests begin it.
#pragma once

#include "deployers/ledger/ledger.h"

namespace mlship::test {

inline RolloutRecord ledger_record(const std::string& id, const std::string& plan) {
  RolloutRecord r;
  r.id = id;
  r.command = "rollout";
  r.environment = "prod";
  r.package = "churn";
  r.who = "ad\xe9le";
  r.host = "ci-1";
  r.started = 7;
  r.commits = {"c0ffee"};
  r.plan = plan;
  return r;
}

}  // namespace mlship::test
