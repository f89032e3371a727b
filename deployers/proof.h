// Proof that a changed object runs the new version: rollout.md §Waves. A run is evidence only if it started
// after the change was read back and reports the new digest or version (invariant 7).
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/host/host.h"
#include "core/project.h"
#include "deployers/plan.h"
#include "deployers/selectors.h"
#include "deployers/states.h"

namespace mlship {

enum class Proof { config, run, soak };

struct ProofOptions {
  Proof proof = Proof::config;
  size_t soak_runs = 3;                 // natural runs that have to be good
  std::chrono::seconds patience{3600};  // after that a missing run is inconclusive
};

// One object that was changed and is to be proven.
struct ProofSubject {
  const Operation* operation;
  Target* target;
  std::int64_t confirmed = 0;  // seconds since the epoch
  std::string tag;
};

struct Verdict {
  OpEvent event = OpEvent::run_impossible;  // run_good, run_bad, run_missing or run_impossible
  std::string detail;                       // what was seen, the end of a failed run's log
};

class Prover {
 public:
  // `stop`: waits and probes end once it says true.
  Prover(Host& host, const ProofOptions& options, const ObjectRules& rules, std::function<bool()> stop)
      : host_(host), options_(options), rules_(rules), stop_(std::move(stop)) {}

  // In the subjects' order; returns early, with run_missing, when stopped.
  std::vector<Verdict> prove(const std::vector<ProofSubject>& subjects, const Plan& plan);

 private:
  struct Watch;
  void begin(Watch& watch, const Plan& plan);
  Verdict run_probe(const ProofSubject& subject, const Plan& plan, const std::string& command);
  void poll(Watch& watch, const Plan& plan) const;
  void poll_own_run(Watch& watch, const Plan& plan) const;
  void poll_all_runs(Watch& watch, const Plan& plan) const;

  Host& host_;
  ProofOptions options_;
  const ObjectRules& rules_;
  std::function<bool()> stop_;
};

// Whether what a run printed or was given holds the version or the digest of the plan. Words are compared as
// versions: 1.4.0-rc.1, 1.4.0+cpu and 1!1.4.0 are others than 1.4.0, v1.4.0 is the same.
bool reports_new(const std::string& text, const Plan& plan);

}  // namespace mlship
