// Finding references again by where their document says they stand: somebody may write it anew, with other
// line ends, quotes, comments and order, and mean the same.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "deployers/file_anchor.h"

namespace mlship {

class PathFinder {
 public:
  // Both outlive it. `anchors`: all of one object.
  PathFinder(const TextLines& lines, const std::vector<Anchor>& anchors) : lines_(lines), anchors_(anchors) {}

  // The reference that the anchor's one of that index is now. In a list, where a place can become another
  // value's, the value around it must be as it was. nullopt when none is, or it is not sure.
  std::optional<ReferencePlace> find(size_t anchor, size_t reference);

 private:
  using Counts = std::map<std::string, size_t>;  // of a list's values that look alike
  [[nodiscard]] bool same_value(const Anchor& anchor, size_t reference, const ReferencePlace& now);
  [[nodiscard]] const Counts& then(bool framed);
  [[nodiscard]] const Counts& now(size_t object, bool framed);

  const TextLines& lines_;
  const std::vector<Anchor>& anchors_;
  std::map<bool, Counts> then_, now_;  // by whether values' frames count
};

}  // namespace mlship
