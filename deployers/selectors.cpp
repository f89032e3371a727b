#include "deployers/selectors.h"

#include <algorithm>

#include "core/names.h"

namespace mlship {
namespace {

// The id within its kind. Files have paths, absolute or not, which are no such thing.
std::string_view number_of(std::string_view id) {
  const size_t slash = id.find('/');
  if (slash == std::string_view::npos || slash == 0) return "";
  const std::string_view rest = id.substr(slash + 1);
  return rest.find_first_of("/.:") == std::string_view::npos ? rest : "";
}

std::optional<Selectors> selectors_of(const std::optional<std::string>& flag) {
  if (!flag) return std::nullopt;
  return flag->empty() ? Selectors({}) : Selectors(std::span(&*flag, 1));
}

bool chosen(const std::optional<Selectors>& selectors, const ObjectInfo& object) {
  return selectors && (selectors->empty() || selectors->mean(object));
}

}  // namespace

Fit fit(std::string_view selector, const ObjectInfo& object) {
  if (selector == object.id) return Fit::id;
  if (selector == object.name) return Fit::name;
  if (!selector.empty() && selector == number_of(object.id)) return Fit::number;
  const bool matches = name_match(selector, object.name) || name_match(selector, object.id);
  return matches ? Fit::pattern : Fit::none;
}

Selectors::Selectors(std::span<const std::string> selectors) {
  for (const auto& selector : selectors) best_.emplace_back(selector, Fit::none);
}

void Selectors::saw(const ObjectInfo& object) {
  for (auto& [selector, best] : best_) best = std::max(best, fit(selector, object));
}

bool Selectors::mean(const ObjectInfo& object) const {
  return std::any_of(best_.begin(), best_.end(), [&](const auto& each) {
    const Fit here = fit(each.first, object);
    return here != Fit::none && here >= each.second;
  });
}

ObjectRules::ObjectRules(std::span<const ObjectSection> sections) {
  for (const auto& section : sections) rules_.emplace_back(&section, Selectors(std::span(&section.glob, 1)));
}

void ObjectRules::saw(const ObjectInfo& object) {
  for (auto& rule : rules_) rule.second.saw(object);
}

std::vector<const ObjectSection*> ObjectRules::of(const ObjectInfo& object) const {
  std::vector<const ObjectSection*> out;
  for (const auto& [section, selectors] : rules_) {
    if (selectors.mean(object)) out.push_back(section);
  }
  return out;
}

std::string ObjectRules::owner_of(const ObjectInfo& object) const {
  for (const auto* section : of(object)) {
    if (!section->owner.empty()) return section->owner;
  }
  return "";
}

void declare_owners(std::span<const ObjectSection> sections, std::vector<LiveObject>& objects) {
  if (sections.empty()) return;
  ObjectRules rules(sections);
  for (const auto& object : objects) rules.saw(object.info);
  for (auto& object : objects) {
    if (auto owner = rules.owner_of(object.info); !owner.empty()) object.info.owner = std::move(owner);
  }
}

Chosen::Chosen(const Selection& selection)
    : jobs_(selectors_of(selection.jobs)), services_(selectors_of(selection.services)) {}

void Chosen::saw(const ObjectInfo& object) {
  for (auto* selectors : {&jobs_, &services_}) {
    if (*selectors) (*selectors)->saw(object);
  }
}

bool Chosen::has(const ObjectInfo& object) const {
  if (!jobs_ && !services_) return true;
  const bool job = object.cls != ObjectClass::service;
  const bool service = object.cls != ObjectClass::job;
  return (job && chosen(jobs_, object)) || (service && chosen(services_, object));
}

}  // namespace mlship
