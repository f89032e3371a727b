#include "deployers/file_view.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "core/digest.h"
#include "deployers/file_path.h"

namespace mlship {
namespace {

// A change, the anchor of its line and its place among the references of that line.
struct Place {
  size_t change = 0, anchor = 0, reference = 0;
};

// One change of an object by itself.
class Alone {
 public:
  Alone(const TextLines& lines, const FileLocator& locator, PathFinder& finder)
      : lines_(lines), anchors_(locator.anchors), finder_(finder) {}

  Observation::Part part(const Change& change, size_t anchor, size_t reference) {
    Observation::Part by_line = part_of_line(change, anchor, reference);
    if (by_line.state == ObjectState::pre || by_line.state == ObjectState::post) return by_line;
    const auto found = finder_.find(anchor, reference);
    if (!found) return by_line;
    const Span span = lines_.lines[found->line].references[found->reference].span;
    const Observation::Part by_path = part_of(change, lines_.text.substr(span.begin, span.size()), "");
    return by_path.state == ObjectState::conflict ? by_line : by_path;
  }

 private:
  Observation::Part part_of_line(const Change& change, size_t anchor, size_t reference) {
    const Known& known = known_of(anchor);
    const std::string was = "line " + std::to_string(anchors_[anchor].line);
    if (!known.line)
      return {ObjectState::gone, was + " is not there any more, or cannot be told from others"};
    const TextLine& line = lines_.lines[*known.line];
    const std::string now = "line " + std::to_string(line.number);
    if (line.references.size() == anchors_[anchor].paths.size()) {
      const Span span = line.references[reference].span;
      return part_of(change, lines_.text.substr(span.begin, span.size()), now);
    }
    // References came or went: only a text that the plan knows, once on the line, leaves no doubt.
    const size_t old = known.count(change.from),
                 fresh = change.from == change.to ? 0 : known.count(change.to);
    if (old + fresh != 1) return {ObjectState::conflict, now + " has other references now"};
    return {old == 1 ? ObjectState::pre : ObjectState::post, ""};
  }

  struct Known {
    std::optional<size_t> line;
    std::unordered_map<std::string_view, size_t> texts;  // how often each stands there
    [[nodiscard]] size_t count(std::string_view text) const {
      const auto found = texts.find(text);
      return found == texts.end() ? 0 : found->second;
    }
  };

  const Known& known_of(size_t anchor) {
    const auto [at, fresh] = known_.try_emplace(anchor);
    if (!fresh) return at->second;
    at->second.line = find_line(lines_, anchors_[anchor]);
    if (!at->second.line) return at->second;
    for (const auto& r : lines_.lines[*at->second.line].references) {
      ++at->second.texts[lines_.text.substr(r.span.begin, r.span.size())];
    }
    return at->second;
  }

  static Observation::Part part_of(const Change& change, std::string_view text, const std::string& line) {
    if (text == change.from) return {ObjectState::pre, ""};
    if (text == change.to) return {ObjectState::post, ""};
    return {ObjectState::conflict, line + " holds '" + std::string(text) + "' now"};
  }

  const TextLines& lines_;
  const std::vector<Anchor>& anchors_;
  PathFinder& finder_;
  std::map<size_t, Known> known_;  // by anchor
};

class Comparison {
 public:
  Comparison(const TextLines& lines, const std::vector<Anchor>& discovered,
             const std::vector<Change>& changes, FileView& view)
      : lines_(lines), changes_(changes), view_(view), live_(changes.size()), finder_(lines, discovered) {}

  void run() {
    if (!places()) return conflict("the record of where it stands does not fit the plan");
    whole();
    if (!found()) by_paths();
    if (!found()) parts();
  }

 private:
  [[nodiscard]] bool found() const {
    return view_.state == ObjectState::pre || view_.state == ObjectState::post;
  }

  // The lines are others, and the document says the same: every change must be found, and be as planned.
  void by_paths() {
    std::vector<ReferencePlace> places(changes_.size());
    size_t post = 0;
    for (const auto& [anchor, group] : groups_) {
      for (const auto& place : group.places) {
        const Change& change = changes_[place.change];
        const auto at = finder_.find(place.anchor, place.reference);
        if (!at) return;
        const Reference& r = lines_.lines[at->line].references[at->reference];
        if (text(r) != change.from && text(r) != change.to) return;
        post += text(r) == change.from ? 0 : 1;
        places[place.change] = *at;
        live_[place.change] = &r;
      }
    }
    if (post > 0 && post < changes_.size()) return;
    view_.state = post > 0 ? ObjectState::post : ObjectState::pre;
    view_.detail.clear();
    view_.edits.clear();
    const size_t object = lines_.lines[places.front().line].object;
    place_object(object);
    view_.locator.anchors = anchors_of(lines_, object);
  }

  void parts() {
    view_.parts.resize(changes_.size());
    Alone alone(lines_, view_.locator, finder_);
    for (const auto& [anchor, group] : groups_) {
      for (const auto& place : group.places) {
        view_.parts[place.change] = alone.part(changes_[place.change], place.anchor, place.reference);
      }
    }
  }

  void whole() {
    std::set<size_t> taken;
    size_t gone = 0;
    for (auto& [anchor, group] : groups_) {
      const auto index = find_line(lines_, view_.locator.anchors[anchor]);
      if (!index || !taken.insert(*index).second) {
        ++gone;
        missing_ = view_.locator.anchors[anchor].line;
        continue;
      }
      group.line = *index;
    }
    if (gone == groups_.size()) {
      view_.detail =
          "line " + std::to_string(missing_) + " is not there any more, or cannot be told from others";
      return;
    }
    if (gone > 0) return conflict("line " + std::to_string(missing_) + " is not there any more");
    const size_t object = lines_.lines[groups_.begin()->second.line].object;
    for (const auto& [anchor, group] : groups_) {
      if (lines_.lines[group.line].object != object)
        return conflict("its lines belong to several objects now");
      match(group);
    }
    judge();
    place_object(object);
    refresh();
  }

  struct Group {
    size_t line = 0;
    std::vector<Place> places;  // in the order of the line
  };

  bool places() {
    const auto& anchors = view_.locator.anchors;
    std::unordered_map<std::string_view, Place> known;  // by path
    for (size_t a = 0; a < anchors.size(); ++a) {
      for (size_t i = 0; i < anchors[a].paths.size(); ++i)
        known.try_emplace(anchors[a].paths[i], Place{0, a, i});
    }
    for (size_t c = 0; c < changes_.size(); ++c) {
      const auto found = known.find(changes_[c].path);
      if (found == known.end()) return false;
      groups_[found->second.anchor].places.push_back({c, found->second.anchor, found->second.reference});
    }
    for (auto& [anchor, group] : groups_) {
      std::sort(group.places.begin(), group.places.end(),
                [](const Place& a, const Place& b) { return a.reference < b.reference; });
    }
    return !groups_.empty();
  }

  [[nodiscard]] std::string_view text(const Reference& r) const {
    return lines_.text.substr(r.span.begin, r.span.size());
  }

  void match(const Group& group) {
    const auto& references = lines_.lines[group.line].references;
    const auto& paths = view_.locator.anchors[group.places.front().anchor].paths;
    if (references.size() == paths.size()) {
      for (const auto& place : group.places) live_[place.change] = &references[place.reference];
      return;
    }
    // References came or went: only texts the plan knows, as many as it has there, leave no doubt.
    std::set<std::string_view> planned;
    for (const auto& place : group.places) {
      planned.insert({changes_[place.change].from, changes_[place.change].to});
    }
    std::vector<const Reference*> known;
    for (const auto& r : references) {
      if (planned.contains(text(r))) known.push_back(&r);
    }
    if (known.size() != group.places.size()) return;
    for (size_t i = 0; i < known.size(); ++i) live_[group.places[i].change] = known[i];
  }

  void judge() {
    size_t pre = 0, post = 0;
    for (const auto& [anchor, group] : groups_) {
      const std::string line = "line " + std::to_string(lines_.lines[group.line].number);
      for (const auto& place : group.places) {
        const Change& change = changes_[place.change];
        const Reference* r = live_[place.change];
        if (r == nullptr) return conflict(line + " has other references now");
        const std::string_view now = text(*r);
        if (now == change.from) {
          ++pre;
        } else if (now == change.to) {
          ++post;
        } else {
          return conflict(line + " holds '" + std::string(now) + "' now");
        }
      }
    }
    if (pre > 0 && post > 0) return conflict("some of its references are old and some are new");
    view_.state = post > 0 ? ObjectState::post : ObjectState::pre;
  }

  void place_object(size_t object) {
    view_.object = lines_.objects[object].extent;
    if (std::any_of(live_.begin(), live_.end(), [](const Reference* r) { return r == nullptr; })) return;
    for (size_t c = 0; c < changes_.size(); ++c) view_.edits.push_back({live_[c]->span, changes_[c].to});
  }

  // The references' paths stay the discovered ones: they are how changes name them.
  void refresh() {
    for (const auto& [anchor, group] : groups_) {
      Anchor& old = view_.locator.anchors[anchor];
      Anchor now = anchor_of(lines_, group.line);
      if (now.paths.size() != old.paths.size()) continue;
      now.paths = std::move(old.paths);
      old = std::move(now);
    }
  }

  void conflict(std::string detail) {
    view_.state = ObjectState::conflict;
    view_.detail = std::move(detail);
  }

  const TextLines& lines_;
  const std::vector<Change>& changes_;
  FileView& view_;
  std::map<size_t, Group> groups_;  // by anchor
  std::vector<const Reference*> live_;
  PathFinder finder_;  // of what was discovered
  size_t missing_ = 0;
};

}  // namespace

nlohmann::json to_json(const FileLocator& locator) {
  nlohmann::json anchors = nlohmann::json::array();
  for (const auto& anchor : locator.anchors) anchors.push_back(to_json(anchor));
  return {{"file", locator.file}, {"scheme", to_string(locator.scheme)}, {"anchors", anchors}};
}

std::optional<FileLocator> parse_locator(const nlohmann::json& json) {
  try {
    FileLocator locator;
    json.at("file").get_to(locator.file);
    const auto scheme = parse_scheme(json.at("scheme").get<std::string>());
    if (!scheme) return std::nullopt;
    locator.scheme = *scheme;
    for (const auto& anchor : json.at("anchors")) locator.anchors.push_back(parse_anchor(anchor));
    return locator;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

FileView compare(const TextLines& lines, const FileLocator& locator, const std::vector<Change>& changes) {
  FileView view;
  view.locator = locator;
  Comparison(lines, locator.anchors, changes, view).run();
  return view;
}

std::string rest_of(std::string_view text, const FileView& view, std::string_view salt) {
  std::vector<Edit> blanks = view.edits;
  for (auto& blank : blanks) {
    blank.span = {blank.span.begin - view.object.begin, blank.span.end - view.object.begin};
    blank.text = std::string(1, '\0');
  }
  Sha256 hasher;
  hasher.update(salt);
  hasher.update(std::string_view("\0", 1));
  hasher.update(apply_edits(text.substr(view.object.begin, view.object.size()), std::move(blanks)));
  return hasher.finish().str();
}

}  // namespace mlship
