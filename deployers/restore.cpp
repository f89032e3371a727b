#include "deployers/restore.h"

#include <algorithm>

#include "deployers/record.h"

namespace mlship {

TextHistory::TextHistory(Ledger* ledger, const std::string& environment, std::string package)
    : package_(std::move(package)) {
  if (ledger == nullptr) return;
  const auto visit = [&](const RolloutView& rollout) {
    for (const auto& op : rollout.operations) {
      if (!op.touched()) continue;
      for (const auto& change : op.operation.changes) {
        steps_.push_back({op.operation.target, op.operation.object, change});
      }
    }
    return true;
  };
  // Without an unreadable rollout's texts the references are generated, as for a version from before the
  // ledger.
  each_rollout(*ledger, environment, package_, visit, [](const std::string&, const Error&) {});
}

bool TextHistory::knows(const Version& version) const {
  return std::any_of(steps_.begin(), steps_.end(), [&](const Step& step) {
    const auto at = Version::parse(step.change.from_version, version.scheme());
    return at && *at == version;
  });
}

std::vector<const TextHistory::Step*> TextHistory::steps_of(const Target& target,
                                                            const ObjectInfo& object) const {
  std::vector<const Step*> out;
  for (const auto& step : steps_) {
    const bool named = !target.keeps_ids() && step.object.name == object.name;
    const bool same = step.object.id == object.id || named;
    if (step.target == target.name() && step.object.kind == object.kind && same) out.push_back(&step);
  }
  return out;
}

std::optional<std::string> TextHistory::text_at(const Target& target, const ObjectInfo& object,
                                                const std::string& path, const std::string& live,
                                                const Version& version) const {
  auto steps = steps_of(target, object);
  // Several references of an object may have come to the same text from different ones.
  const auto here = [&](const Step* step) { return step->change.path == path && step->change.to == live; };
  if (std::any_of(steps.begin(), steps.end(), here)) {
    std::erase_if(steps, [&](const Step* step) { return step->change.path != path; });
  }
  std::string text = live;
  for (const auto* step : steps) {
    if (step->change.to != text) continue;
    text = step->change.from;
    const auto at = Version::parse(step->change.from_version, version.scheme());
    if (at && *at == version) {
      if (names_version(text, package_, version.str(), version.scheme())) return text;
      return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace mlship
