// Proof that a changed object runs the new version: rollout.md §Waves. A run is evidence only if it started
// after the change was read back and reports the new digest or version (invariant 7).
#pragma once

#include <atomic>
#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "core/host/host.h"
#include "core/project.h"
#include "deployers/plan.h"
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
  Prover(Host& host, const ProofOptions& options, std::span<const ObjectSection> sections,
         const std::atomic<bool>& interrupted)
      : host_(host), options_(options), sections_(sections), interrupted_(interrupted) {}

  // In the subjects' order; returns early, with run_missing, when interrupted.
  std::vector<Verdict> prove(const std::vector<ProofSubject>& subjects, const Plan& plan);

 private:
  struct Watch;
  Verdict run_probe(const ProofSubject& subject, const Plan& plan, const std::string& command);
  void poll(Watch& watch, const Plan& plan) const;
  [[nodiscard]] bool reports_new(const std::string& text, const Plan& plan) const;

  Host& host_;
  ProofOptions options_;
  std::span<const ObjectSection> sections_;
  const std::atomic<bool>& interrupted_;
};

}  // namespace mlship
