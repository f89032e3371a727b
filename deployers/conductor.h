// The waves of one rollout: in which order, when to stop, and discovering again until nothing old remains.
#pragma once

#include <list>
#include <vector>

#include "deployers/runner.h"
#include "deployers/waves.h"

namespace mlship {

// In which order these operations go; asks the targets what objects need. Throws Error(dependency_cycle).
Course course_of(Engine& engine, const std::vector<Operation>& operations, const WaveOptions& options);

class Conductor {
 public:
  // All outlive the conductor.
  Conductor(Engine& engine, Runner& runner, const Plan& plan, const RunContext& context)
      : engine_(engine), runner_(runner), plan_(plan), context_(context) {}

  void run(const std::vector<Operation>& operations, const std::vector<Carrier>& carriers,
           const WaveOptions& options, const Runner::Before& before = {});

  // More failures than allowed.
  [[nodiscard]] bool stopped() const { return stopped_; }
  [[nodiscard]] bool goes_on() const { return !stopped_ && !runner_.stop(); }

 private:
  void one_wave(const std::vector<Operation>& operations, const Wave& wave, const Course& course,
                const Runner::Before& before);
  const Operation* blocker(const std::vector<Operation>& operations, size_t index,
                           const Course& course) const;

  Engine& engine_;
  Runner& runner_;
  const Plan& plan_;
  const RunContext& context_;
  bool stopped_ = false;
};

// Discovers again, three passes at most, and changes what appeared meanwhile; rollout.md §Converge. What was
// added is recorded and left in `later`; returns the rows of what still was old after the last pass. `plan`
// holds every operation of the rollout so far. `now`: what the last pass skipped, but for what is where this
// rollout put it.
struct Converged {
  std::vector<Skipped> left;
  std::vector<Skipped> now;
};
Converged converge(Conductor& conductor, Runner& runner, Engine& engine, const Plan& plan,
                   const PlanRequest& request, std::list<Plan>& later);

}  // namespace mlship
