#include "deployers/file_path.h"

#include <algorithm>

namespace mlship {
namespace {

// `volumes[3].source` is `volumes[].source`: every value of a list has one name.
std::string of_list(std::string_view path) {
  std::string out;
  for (size_t i = 0; i < path.size(); ++i) {
    out += path[i];
    while (path[i] == '[' && i + 1 < path.size() && path[i + 1] >= '0' && path[i + 1] <= '9') {
      i = std::min(path.find(']', i), path.size()) - 1;
    }
  }
  return out;
}

std::string alike(const std::vector<std::string>& paths, const std::vector<std::string>& frames, size_t i,
                  bool framed) {
  return of_list(paths[i]) + (framed ? '\0' + frames.at(i) : "");
}

}  // namespace

std::optional<ReferencePlace> PathFinder::find(size_t anchor, size_t reference) {
  const Anchor& old = anchors_[anchor];
  const std::string& path = old.paths[reference];
  const auto path_of = [&](const ReferencePlace& at) -> const std::string& {
    return lines_.lines[at.line].paths[at.reference];
  };
  const auto found = std::lower_bound(
      lines_.by_path.begin(), lines_.by_path.end(), path,
      [&](const ReferencePlace& at, const std::string& wanted) { return path_of(at) < wanted; });
  if (found == lines_.by_path.end() || path_of(*found) != path) return std::nullopt;
  if (old.key.empty() || lines_.objects[lines_.lines[found->line].object].key != old.key) return std::nullopt;
  return same_value(old, reference, *found) ? std::optional(*found) : std::nullopt;
}

bool PathFinder::same_value(const Anchor& anchor, size_t reference, const ReferencePlace& place) {
  const std::string& path = anchor.paths[reference];
  if (of_list(path) == path) return true;
  const bool framed = anchor.frames.size() == anchor.paths.size();
  const TextLine& line = lines_.lines[place.line];
  if (framed && anchor.frames[reference] != line.frames[place.reference]) return false;
  const std::string name = alike(anchor.paths, anchor.frames, reference, framed);
  const Counts &before = then(framed), &after = now(line.object, framed);
  return before.at(name) == after.at(name);
}

const PathFinder::Counts& PathFinder::then(bool framed) {
  const auto [counts, fresh] = then_.try_emplace(framed);
  if (!fresh) return counts->second;
  for (const auto& anchor : anchors_) {
    if (framed && anchor.frames.size() != anchor.paths.size()) continue;
    for (size_t i = 0; i < anchor.paths.size(); ++i)
      ++counts->second[alike(anchor.paths, anchor.frames, i, framed)];
  }
  return counts->second;
}

const PathFinder::Counts& PathFinder::now(size_t object, bool framed) {
  const auto [counts, fresh] = now_.try_emplace(framed);
  if (!fresh) return counts->second;
  const auto first = std::partition_point(lines_.lines.begin(), lines_.lines.end(),
                                          [&](const TextLine& line) { return line.object < object; });
  for (auto line = first; line != lines_.lines.end() && line->object == object; ++line) {
    for (size_t i = 0; i < line->frames.size(); ++i)
      ++counts->second[alike(line->paths, line->frames, i, framed)];
  }
  return counts->second;
}

}  // namespace mlship
