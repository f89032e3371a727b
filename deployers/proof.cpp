#include "deployers/proof.h"

#include <algorithm>

#include <fmt/format.h>

#include "deployers/waves.h"

namespace mlship {
namespace {

constexpr std::chrono::milliseconds first_pause{250};
constexpr std::chrono::milliseconds longest_pause{30'000};
constexpr int too_slow = 3;         // times the slowest of the last good runs
constexpr size_t log_tail = 2'000;  // bytes of a failed run's output that are kept

std::string tail(const std::string& text) {
  const size_t end = text.find_last_not_of(" \n\r\t") + 1;
  const size_t begin = end > log_tail ? end - log_tail : 0;
  return text.substr(begin, end - begin);
}

// The slowest good run before the change; nullopt when none is on record.
std::optional<std::int64_t> slowest_before(const std::vector<RunEvidence>& runs, std::int64_t confirmed) {
  std::optional<std::int64_t> slowest;
  for (const auto& run : runs) {
    if (run.started >= confirmed || !run.good || !run.seconds) continue;
    slowest = std::max(slowest.value_or(0), *run.seconds);
  }
  return slowest;
}

}  // namespace

struct Prover::Watch {
  ProofSubject subject;
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
    Watch watch{subject};
    if (interrupted_.load()) {
      watch.settle(OpEvent::run_missing, "interrupted before it was run");
    } else if (options_.proof == Proof::soak) {
      watch.wanted = options_.soak_runs;
    } else if (const auto probe = traits_of(sections_, subject.operation->object).probe; !probe.empty()) {
      const Verdict verdict = run_probe(subject, plan, probe);
      watch.settle(verdict.event, verdict.detail);
    } else if (!subject.target->start_run(*subject.operation, subject.tag)) {
      watch.settle(OpEvent::run_impossible,
                   "nothing can run it: set `probe` in [objects.\"" + subject.operation->object.name + "\"]");
    }
    watches.push_back(std::move(watch));
  }
  const auto open = [&] {
    return std::any_of(watches.begin(), watches.end(), [](const Watch& w) { return !w.settled; });
  };
  const auto end = host_.clock.monotonic() + options_.patience;
  for (auto pause = first_pause; open() && !interrupted_.load(); pause = std::min(pause * 2, longest_pause)) {
    for (auto& watch : watches) {
      if (!watch.settled) poll(watch, plan);
    }
    if (!open() || host_.clock.monotonic() >= end) break;
    host_.clock.sleep(std::min(pause, end - host_.clock.monotonic()));
  }
  std::vector<Verdict> verdicts;
  verdicts.reserve(watches.size());
  for (auto& watch : watches) verdicts.push_back(std::move(watch.verdict));
  return verdicts;
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
  request.stop = &interrupted_;
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
  std::optional<std::vector<RunEvidence>> runs;
  try {
    runs = watch.subject.target->runs(*watch.subject.operation, 0);
  } catch (const Error& e) {
    watch.verdict.detail = e.message();  // asked again until patience ends
    return;
  }
  if (!runs) return watch.settle(OpEvent::run_impossible, "this system keeps no record of runs");
  const auto usual = slowest_before(*runs, watch.subject.confirmed);
  size_t good = 0;
  for (const auto& run : *runs) {
    if (run.started < watch.subject.confirmed || !run.seconds) continue;
    if (!reports_new(run.reports, plan)) {
      watch.verdict.detail = "a run reports '" + run.reports + "' instead of the new version";
      continue;
    }
    if (!run.good) return watch.settle(OpEvent::run_bad, tail(run.detail));
    if (usual && *run.seconds > std::max<std::int64_t>(*usual, 1) * too_slow) {
      return watch.settle(OpEvent::run_bad, fmt::format("it took {} s; its last good runs took {} s at most",
                                                        *run.seconds, *usual));
    }
    ++good;
  }
  if (good >= watch.wanted) watch.settle(OpEvent::run_good, "");
}

bool Prover::reports_new(const std::string& text, const Plan& plan) const {
  if (text.empty()) return false;
  if (plan.digest != Digest{} && text.find(plan.digest.hex()) != std::string::npos) return true;
  if (!plan.to) return false;
  // The version as a word of its own: 1.4.0 is not in 11.4.0 or 1.4.01.
  const std::string version = plan.to->str();
  const auto part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.'; };
  for (size_t at = text.find(version); at != std::string::npos; at = text.find(version, at + 1)) {
    const size_t end = at + version.size();
    const bool before = at > 0 && part(text[at - 1]);
    const bool after = end < text.size() && part(text[end]) &&
                       !(text[end] == '.' && (end + 1 == text.size() || !part(text[end + 1])));
    if (!before && !after) return true;
  }
  return false;
}

}  // namespace mlship
