#include "deployers/proof.h"

#include <algorithm>

#include <fmt/format.h>

#include "deployers/limiter.h"
#include "deployers/waves.h"

namespace mlship {
namespace {

constexpr std::chrono::milliseconds first_pause{250};
constexpr std::chrono::milliseconds longest_pause{30'000};
constexpr int too_slow = 3;                // times the slowest of the last good runs
constexpr size_t log_tail = 2'000;         // bytes of a failed run's output that are kept
constexpr size_t most_output = 2U << 20U;  // bytes of a probe's output that are looked into

std::string tail(const std::string& text) {
  const size_t end = text.find_last_not_of(" \n\r\t") + 1;
  const size_t begin = end > log_tail ? end - log_tail : 0;
  return text.substr(begin, end - begin);
}

// The slowest good run before that time (the system's); nullopt when none is on record.
std::optional<std::int64_t> slowest_before(const std::vector<RunEvidence>& runs, std::int64_t time) {
  std::optional<std::int64_t> slowest;
  for (const auto& run : runs) {
    if (run.started >= time || !run.good || !run.seconds) continue;
    slowest = std::max(slowest.value_or(0), *run.seconds);
  }
  return slowest;
}

// "" when it is not far slower than before.
std::string too_long(std::int64_t seconds, std::optional<std::int64_t> usual) {
  if (!usual || seconds <= std::max<std::int64_t>(*usual, 1) * too_slow) return "";
  return fmt::format("it took {} s; its last good runs took {} s at most", seconds, *usual);
}

}  // namespace

struct Prover::Watch {
  ProofSubject subject;
  std::string run{};  // the one that was started for it, where the system names it
  size_t wanted = 1;
  Verdict verdict{OpEvent::run_missing, "no run in time"};
  bool settled = false;

  void settle(OpEvent event, std::string detail) {
    verdict = {event, std::move(detail)};
    settled = true;
  }
};

std::vector<Verdict> Prover::prove(const std::vector<ProofSubject>& subjects, const Plan& plan) {
  std::vector<Watch> watches;
  for (const auto& subject : subjects) {
    watches.push_back({subject});
    begin(watches.back(), plan);
  }
  const auto open = [&] {
    return std::any_of(watches.begin(), watches.end(), [](const Watch& w) { return !w.settled; });
  };
  const auto end = host_.clock.monotonic() + options_.patience;
  for (auto pause = first_pause; open() && !stop_(); pause = std::min(pause * 2, longest_pause)) {
    for (auto& watch : watches) {
      if (!watch.settled) poll(watch, plan);
    }
    if (!open() || host_.clock.monotonic() >= end) break;
    sleep_unless(stop_, host_.clock, std::min(pause, end - host_.clock.monotonic()));
  }
  std::vector<Verdict> verdicts;
  verdicts.reserve(watches.size());
  for (auto& watch : watches) verdicts.push_back(std::move(watch.verdict));
  return verdicts;
}

void Prover::begin(Watch& watch, const Plan& plan) {
  const ProofSubject& subject = watch.subject;
  if (stop_()) return watch.settle(OpEvent::run_missing, "interrupted before it was run");
  if (options_.proof == Proof::soak) {
    watch.wanted = options_.soak_runs;
    return;
  }
  if (const auto probe = traits_of(rules_, subject.operation->object).probe; !probe.empty()) {
    const Verdict verdict = run_probe(subject, plan, probe);
    return watch.settle(verdict.event, verdict.detail);
  }
  try {
    const auto run = subject.target->start_run(*subject.operation, subject.tag);
    if (run) {
      watch.run = *run;
    } else {
      watch.settle(OpEvent::run_impossible,
                   "nothing can run it: set `probe` in [objects.\"" + subject.operation->object.name + "\"]");
    }
  } catch (const Error& e) {
    watch.settle(OpEvent::run_missing, "it could not be run: " + e.message());
  }
}

Verdict Prover::run_probe(const ProofSubject& subject, const Plan& plan, const std::string& command) {
  ProcessRequest request;
  request.argv = {"/bin/sh", "-c", command};
  request.environment = {{"MLSHIP_PACKAGE", plan.package},
                         {"MLSHIP_VERSION", plan.to ? plan.to->str() : ""},
                         {"MLSHIP_DIGEST", plan.digest.str()},
                         {"MLSHIP_TARGET", subject.operation->target},
                         {"MLSHIP_OBJECT", subject.operation->object.id}};
  request.timeout = options_.patience;
  request.stop = stop_;
  request.most_output = most_output;
  try {
    const ProcessResult result = host_.process.run(request);
    if (result.exit != 0) {
      return {OpEvent::run_bad, fmt::format("the probe ended with exit {}: {}", result.exit,
                                            tail(result.err.empty() ? result.out : result.err))};
    }
    if (reports_new(result.out, plan)) return {OpEvent::run_good, ""};
    return {OpEvent::run_impossible, "the probe ended well but did not print the version or digest it ran"};
  } catch (const Error& e) {
    return {OpEvent::run_missing, "the probe did not end: " + e.message()};
  }
}

void Prover::poll(Watch& watch, const Plan& plan) const {
  try {
    watch.run.empty() ? poll_all_runs(watch, plan) : poll_own_run(watch, plan);
  } catch (const Error& e) {
    watch.verdict.detail = e.message();  // asked again until patience ends
  }
}

// The run that was started for this is the evidence, whatever the clocks say: it began after the change.
void Prover::poll_own_run(Watch& watch, const Plan& plan) const {
  const ProofSubject& subject = watch.subject;
  const RunEvidence run = subject.target->run(*subject.operation, watch.run);
  if (run.says_nothing) return watch.settle(OpEvent::run_missing, "its run was stopped: " + tail(run.detail));
  if (!run.seconds) return;
  const bool newer = reports_new(run.reports, plan);
  if (!newer && !run.reports.empty()) {
    return watch.settle(OpEvent::run_missing,
                        "its run reports '" + run.reports + "' instead of the new version");
  }
  if (!run.good) return watch.settle(OpEvent::run_bad, tail(run.detail));
  if (!newer) {
    return watch.settle(OpEvent::run_impossible, "its run ended well but does not tell which version it ran");
  }
  const auto others = subject.target->runs(*subject.operation, 0);
  const auto usual = others ? slowest_before(*others, run.started) : std::nullopt;
  const std::string slow = too_long(*run.seconds, usual);
  watch.settle(slow.empty() ? OpEvent::run_good : OpEvent::run_bad, slow);
}

void Prover::poll_all_runs(Watch& watch, const Plan& plan) const {
  const auto runs = watch.subject.target->runs(*watch.subject.operation, 0);
  if (!runs) return watch.settle(OpEvent::run_impossible, "this system keeps no record of runs");
  const std::int64_t confirmed = watch.subject.confirmed + watch.subject.target->seconds_ahead();
  const auto usual = slowest_before(*runs, confirmed);
  size_t good = 0;
  for (const auto& run : *runs) {
    if (run.started < confirmed || !run.seconds) continue;
    if (!reports_new(run.reports, plan)) {
      watch.verdict.detail = "a run reports '" + run.reports + "' instead of the new version";
      continue;
    }
    if (!run.good) return watch.settle(OpEvent::run_bad, tail(run.detail));
    if (const std::string slow = too_long(*run.seconds, usual); !slow.empty()) {
      return watch.settle(OpEvent::run_bad, slow);
    }
    ++good;
  }
  if (good >= watch.wanted) watch.settle(OpEvent::run_good, "");
}

}  // namespace mlship
