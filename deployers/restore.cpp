#include "deployers/restore.h"

#include <algorithm>

#include "core/accelerator.h"
#include "deployers/gate.h"
#include "deployers/record.h"

namespace mlship {
namespace {

std::string key_of(const std::string& target, const ObjectInfo& object, char what, const std::string& word) {
  return target + '\0' + object.kind + '\0' + what + word;
}

}  // namespace

TextHistory::TextHistory(Ledger* ledger, const std::string& environment, std::string package)
    : package_(std::move(package)) {
  if (ledger == nullptr) return;
  const auto visit = [&](const RolloutView& rollout) {
    for (const auto& op : rollout.operations) {
      if (op.touched()) add(op.operation);
    }
    return true;
  };
  // Without an unreadable rollout's texts the references are generated, as for a version from before the
  // ledger.
  each_rollout(*ledger, environment, package_, visit, [](const std::string&, const Error&) {});
}

void TextHistory::add(const Operation& operation) {
  const ObjectInfo& object = operation.object;
  for (const auto& change : operation.changes) {
    versions_.insert({change.from_version, change.to_version});
    for (const auto& key : {key_of(operation.target, object, 'i', object.id),
                            key_of(operation.target, object, 'n', object.name)}) {
      Steps& steps = objects_[key];
      steps.by_place[{change.path, change.to}].push_back(steps_.size());
      steps.by_text[change.to].push_back(steps_.size());
    }
    steps_.push_back({change.from, change.from_version});
  }
}

bool TextHistory::knows(const Version& version) const {
  return std::any_of(steps_.begin(), steps_.end(), [&](const Step& step) {
    const auto at = Version::parse(step.from_version, version.scheme());
    return at && without_accelerator(*at) == without_accelerator(version);
  });
}

bool TextHistory::names(const Version& version) const {
  return std::any_of(versions_.begin(), versions_.end(), [&](const std::string& text) {
    const auto at = Version::parse(text, version.scheme());
    return at && *at == version;
  });
}

TextHistory::Indexes TextHistory::steps_of(const Target& target, const ObjectInfo& object) const {
  Indexes out;
  const auto take = [&](char what, const std::string& word) {
    const auto found = objects_.find(key_of(target.name(), object, what, word));
    if (found != objects_.end()) out.push_back(&found->second);
  };
  take('i', object.id);
  if (!target.keeps_ids()) take('n', object.name);
  return out;
}

std::optional<size_t> TextHistory::next(const Indexes& indexes, const std::string& path,
                                        const std::string& text, size_t begin) {
  std::optional<size_t> first;
  const auto look = [&](const std::vector<size_t>& steps) {
    const auto at = std::lower_bound(steps.begin(), steps.end(), begin);
    if (at != steps.end() && (!first || *at < *first)) first = *at;
  };
  for (const auto* steps : indexes) {
    if (path.empty()) {
      const auto found = steps->by_text.find(text);
      if (found != steps->by_text.end()) look(found->second);
    } else {
      const auto found = steps->by_place.find({path, text});
      if (found != steps->by_place.end()) look(found->second);
    }
  }
  return first;
}

std::optional<std::string> TextHistory::text_at(const Target& target, const ObjectInfo& object,
                                                const std::string& path, const std::string& live,
                                                const Version& version) const {
  const Indexes indexes = steps_of(target, object);
  // Several references of an object may have come to the same text from different ones.
  const bool here = !path.empty() && next(indexes, path, live, 0).has_value();
  std::string text = live;
  for (auto i = next(indexes, here ? path : "", text, 0); i;
       i = next(indexes, here ? path : "", text, *i + 1)) {
    text = steps_[*i].from;
    const auto at = Version::parse(steps_[*i].from_version, version.scheme());
    if (at && without_accelerator(*at) == without_accelerator(version)) {
      Plan down;
      down.package = package_;
      down.scheme = version.scheme();
      down.direction = Direction::down;
      Change change;
      change.path = path;
      change.from = live;
      change.to = text;
      change.to_version = version.str();
      return gate(target, change, down).empty() ? std::optional(text) : std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace mlship
