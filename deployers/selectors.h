// Selectors (--jobs, include, OBJECT …) over the objects there are: one that equals an object's id or name
// means that object alone, and only otherwise it is a pattern.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deployers/selection.h"

namespace mlship {

// How a selector means an object; the better, the later. `number`: its id without the kind before it, "1001"
// for "jobs/1001".
enum class Fit { none, pattern, number, name, id };
Fit fit(std::string_view selector, const ObjectInfo& object);

class Selectors {
 public:
  explicit Selectors(std::span<const std::string> selectors);
  // Of every object there is, before the first question.
  void saw(const ObjectInfo& object);
  // One of them means it, and no other object better.
  [[nodiscard]] bool mean(const ObjectInfo& object) const;
  [[nodiscard]] bool empty() const { return best_.empty(); }

 private:
  std::vector<std::pair<std::string, Fit>> best_;
};

// [objects."GLOB"] entries over the objects there are.
class ObjectRules {
 public:
  explicit ObjectRules(std::span<const ObjectSection> sections);  // which outlive it
  void saw(const ObjectInfo& object);
  // The entries that mean it, in their order.
  [[nodiscard]] std::vector<const ObjectSection*> of(const ObjectInfo& object) const;
  // The owner that the first of them with one declares; "": none.
  [[nodiscard]] std::string owner_of(const ObjectInfo& object) const;

 private:
  std::vector<std::pair<const ObjectSection*, Selectors>> rules_;
};
// Declares them for all objects there are; what is not declared stays.
void declare_owners(std::span<const ObjectSection> sections, std::vector<LiveObject>& objects);

// The objects of a selection.
class Chosen {
 public:
  explicit Chosen(const Selection& selection);
  void saw(const ObjectInfo& object);  // every object there is
  [[nodiscard]] bool has(const ObjectInfo& object) const;

 private:
  std::optional<Selectors> jobs_, services_;  // without a selector: all of that class
};

}  // namespace mlship
