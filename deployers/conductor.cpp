#include "deployers/conductor.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

namespace mlship {
namespace {

constexpr int max_passes = 3;  // rollout.md §Converge

class Convergence {
 public:
  Convergence(Conductor& conductor, Runner& runner, Engine& engine, const Plan& plan,
              const PlanRequest& request, std::list<Plan>& later)
      : conductor_(conductor),
        runner_(runner),
        engine_(engine),
        request_(request),
        later_(later),
        count_(plan.operations.size()) {
    request_.salt = plan.salt;
    request_.names_must_be_there = false;  // what was there may have gone meanwhile
    remember(plan);
  }

  Converged run() {
    Converged out;
    for (int pass = 1; conductor_.goes_on(); ++pass) {
      Plan more = look_again();
      out.now = std::move(more.skipped);
      std::erase_if(out.now, [&](const Skipped& row) {
        return row.reason == Reason::same_version && places_.contains({row.target, row.object.id});
      });
      std::erase_if(more.operations, [&](const Operation& op) { return fell_short_before(op); });
      if (more.operations.empty()) break;
      if (pass > max_passes) {
        out.left = rows(more);
        break;
      }
      extend(std::move(more));
    }
    return out;
  }

 private:
  // Target, kind and id or name -> operations that were tried.
  using Tried = std::map<std::tuple<std::string, std::string, std::string>, std::vector<std::string>>;

  // A reference that was not moved for a reason (a conflict, a refusal) is not tried again: its text was not
  // planned.
  [[nodiscard]] bool fell_short_before(const Operation& op) const {
    const auto short_of = [&](const Tried& tried, const std::string& key) {
      const auto found = tried.find({op.target, op.object.kind, key});
      return found != tried.end() && std::any_of(found->second.begin(), found->second.end(),
                                                 [&](const std::string& id) { return !runner_.reached(id); });
    };
    const Target* target = find_target(engine_.targets, op.target);
    const bool by_name = target == nullptr || !target->keeps_ids();
    return short_of(by_id_, op.object.id) || (by_name && short_of(by_name_, op.object.name));
  }

  // Nothing, when that was stopped while it waited.
  [[nodiscard]] Plan look_again() {
    try {
      return make_plan(request_, engine_.targets, engine_.source, engine_.diagnostics);
    } catch (const Error& e) {
      if (e.code() != ErrorCode::interrupted) throw;
      return {};
    }
  }

  void extend(Plan more) {
    for (auto& op : more.operations) op.id = fmt::format("op-{:04}", ++count_);
    more.skipped.clear();
    finish_plan(more);
    engine_.diagnostics.status(fmt::format("{} more found after the plan was made", more.operations.size()));
    runner_.append({{"type", "extend"}, {"plan", to_json(more)}});
    remember(more);
    later_.push_back(std::move(more));
    conductor_.run(later_.back().operations, later_.back().carriers, {});
  }

  void remember(const Plan& plan) {
    for (const auto& op : plan.operations) {
      places_.insert({op.target, op.object.id});
      by_id_[{op.target, op.object.kind, op.object.id}].push_back(op.id);
      by_name_[{op.target, op.object.kind, op.object.name}].push_back(op.id);
    }
  }

  [[nodiscard]] std::vector<Skipped> rows(const Plan& plan) const {
    const std::string again =
        "mlship rollout " + request_.release.package + ":" + request_.release.version.str();
    std::vector<Skipped> rows;
    for (const auto& op : plan.operations) {
      for (const auto& change : op.changes) {
        rows.push_back({op.target, op.object, change.path, Reason::busy,
                        fmt::format("old references kept appearing during {} passes", max_passes), again,
                        change.from});
      }
    }
    return rows;
  }

  Conductor& conductor_;
  Runner& runner_;
  Engine& engine_;
  PlanRequest request_;
  std::list<Plan>& later_;
  Tried by_id_, by_name_;
  std::set<std::pair<std::string, std::string>> places_;  // target and object
  size_t count_;
};

}  // namespace

void Conductor::run(const std::vector<Operation>& operations, const std::vector<Carrier>& carriers,
                    const WaveOptions& options, const Runner::Before& before) {
  const Course course = course_of(engine_, operations, options);
  const std::string what = plan_.to ? plan_.package + " " + plan_.to->str() : plan_.package;
  const auto progress =
      engine_.diagnostics.progress(context_.command + " " + what, operations.size(), Unit::items);
  runner_.place(operations, carriers);
  std::uint64_t done = 0;
  for (const Wave& wave : course.waves) {
    one_wave(operations, wave, course, before);
    if (!runner_.stop()) progress->advance(done += wave.size());
  }
  progress->finish();
}

void Conductor::one_wave(const std::vector<Operation>& operations, const Wave& wave, const Course& course,
                         const Runner::Before& before) {
  std::vector<const Operation*> batch;
  const auto flush = [&] {
    if (!batch.empty()) runner_.run(batch, before);
    batch.clear();
  };
  for (const size_t index : wave) {
    const Operation& op = operations[index];
    if (batch.size() >= largest_wave && !written_together(engine_.targets, *batch.back(), op)) flush();
    if (!goes_on()) {
      runner_.pending(op);
    } else if (const auto* first = blocker(operations, index, course)) {
      runner_.pending(op, "it waits for " + first->object.id + ", which was not changed");
    } else {
      batch.push_back(&op);
    }
  }
  flush();
  const Execution& execution = context_.execution;
  stopped_ =
      stopped_ || (execution.on_failure != OnFailure::go_on && runner_.failures() > execution.max_failures);
}

// What has to be changed before and was not.
const Operation* Conductor::blocker(const std::vector<Operation>& operations, size_t index,
                                    const Course& course) const {
  const auto before = course.before.find(index);
  if (before == course.before.end()) return nullptr;
  for (const size_t first : before->second) {
    if (!runner_.reached(operations[first].id)) return &operations[first];
  }
  return nullptr;
}

Course course_of(Engine& engine, const std::vector<Operation>& operations, const WaveOptions& options) {
  CourseHints hints;
  for (const auto& op : operations) {
    Target* target = find_target(engine.targets, op.target);
    const bool ordered = options.with_dependencies && target != nullptr;
    hints.needs.push_back(ordered ? target->needs(op) : std::vector<std::string>{});
    hints.together.push_back(target == nullptr ? "" : target->written_with(op));
  }
  return make_course(operations, engine.objects, hints, options);
}

Converged converge(Conductor& conductor, Runner& runner, Engine& engine, const Plan& plan,
                   const PlanRequest& request, std::list<Plan>& later) {
  return Convergence(conductor, runner, engine, plan, request, later).run();
}

}  // namespace mlship
