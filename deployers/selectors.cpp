#include "deployers/selectors.h"

#include <algorithm>

#include "core/names.h"

namespace mlship {
namespace {

// The id within its kind; files have paths, which are no such thing.
std::string_view number_of(std::string_view id) {
  const size_t slash = id.find('/');
  return slash == std::string_view::npos || slash == 0 ? "" : id.substr(slash + 1);
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
