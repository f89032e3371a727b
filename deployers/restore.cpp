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

std::optional<std::string> TextHistory::text_at(const std::string& target, const ObjectInfo& object,
                                                const std::string& live, const Version& version) const {
  std::string text = live;
  for (const auto& step : steps_) {
    const bool same_object = step.target == target && step.object.kind == object.kind &&
                             (step.object.id == object.id || step.object.name == object.name);
    if (!same_object || step.change.to != text) continue;
    text = step.change.from;
    const auto at = Version::parse(step.change.from_version, version.scheme());
    if (at && *at == version) {
      if (names_version(text, package_, version.str(), version.scheme())) return text;
      return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace mlship
