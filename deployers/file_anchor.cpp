#include "deployers/file_anchor.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "core/digest.h"
#include "core/json_library.h"

namespace mlship {
namespace {

constexpr size_t word_digits = 4;
constexpr size_t frame_digits = 8;
constexpr size_t most_words = 64;  // of a line; more say no more about it

std::string blanked(const TextLines& lines, const TextLine& line) {
  std::string out;
  size_t done = line.extent.begin;
  for (const auto& r : line.references) {
    out += lines.text.substr(done, r.span.begin - done);
    out += '\0' + r.package + '\0';
    done = r.span.end;
  }
  return out += lines.text.substr(done, line.extent.end - done);
}

std::string keyed_hash(const TextLines& lines, std::string_view text, size_t digits) {
  Sha256 hasher;
  hasher.update(lines.key);
  hasher.update(std::string_view("\0", 1));
  hasher.update(text);
  return hasher.finish().hex().substr(0, digits);
}

const std::string& key_of(const TextLines& lines, const TextLine& line) {
  return lines.objects[line.object].key;
}

std::string word_hashes(const TextLines& lines, const TextLine& line) {
  const std::string text = blanked(lines, line);
  std::string out;
  for (size_t at = 0; out.size() < most_words * word_digits;) {
    const size_t begin = text.find_first_not_of(" \t", at);
    if (begin == std::string::npos) break;
    at = std::min(text.find_first_of(" \t", begin), text.size());
    out += keyed_hash(lines, std::string_view(text).substr(begin, at - begin), word_digits);
  }
  return out;
}

size_t words_in_common(std::string_view a, std::string_view b) {
  std::map<std::string_view, int> count;
  for (size_t i = 0; i < a.size(); i += word_digits) ++count[a.substr(i, word_digits)];
  size_t common = 0;
  for (size_t i = 0; i < b.size(); i += word_digits) {
    if (count[b.substr(i, word_digits)]-- > 0) ++common;
  }
  return common;
}

// The lines with that hash: indexes, in their order.
std::span<const size_t> with_hash(const TextLines& lines, const std::string& hash) {
  const auto& all = lines.by_hash;
  const auto before = [&](size_t i, const std::string& value) { return lines.lines[i].hash < value; };
  const auto after = [&](const std::string& value, size_t i) { return value < lines.lines[i].hash; };
  const auto begin = std::lower_bound(all.begin(), all.end(), hash, before);
  return {begin, std::upper_bound(begin, all.end(), hash, after)};
}

std::optional<size_t> among_twins(const TextLines& lines, std::span<const size_t> equal,
                                  const Anchor& anchor) {
  if (equal.size() == anchor.of && anchor.nth < equal.size()) return equal[anchor.nth];
  if (equal.size() == 1) return equal.front();
  // Twins came or went: only the one that still stands where it stood is surely itself.
  const auto above = [&](size_t i, size_t number) { return lines.lines[i].number < number; };
  const auto found = std::lower_bound(equal.begin(), equal.end(), anchor.line, above);
  if (found != equal.end() && lines.lines[*found].number == anchor.line) return *found;
  return std::nullopt;
}

struct Score {
  int place = 0;      // neighbours and number that are as they were
  size_t common = 0;  // words
  auto operator<=>(const Score&) const = default;
};

// How likely it is that the line at `i` is the anchor's line, edited; nullopt: it is not. At least half of
// the words and a neighbour must be left: what only looks alike is somebody else's job.
std::optional<Score> likeness(const TextLines& lines, size_t i, const Anchor& anchor) {
  const TextLine& line = lines.lines[i];
  if (key_of(lines, line) != anchor.key) return std::nullopt;
  // The lines that stood beside it are not it.
  if (line.extent.size() == 0 || line.hash == anchor.above || line.hash == anchor.below) return std::nullopt;
  const std::string above = i > 0 ? lines.lines[i - 1].hash : "";
  const std::string below = i + 1 < lines.lines.size() ? lines.lines[i + 1].hash : "";
  const bool same_above = above == anchor.above, same_below = below == anchor.below;
  const bool kept_neighbour = (same_above && !above.empty()) || (same_below && !below.empty());
  if (!kept_neighbour && !(same_above && same_below)) return std::nullopt;
  const std::string words = word_hashes(lines, line);
  const size_t common = words_in_common(anchor.words, words);
  if (common * word_digits * 2 < std::max(anchor.words.size(), words.size())) return std::nullopt;
  return Score{int{same_above} + int{same_below} + int{line.number == anchor.line}, common};
}

// Lines that a neighbour of the anchor's stands beside; there is no other way to be alike.
std::vector<size_t> beside(const TextLines& lines, const Anchor& anchor) {
  std::vector<size_t> found;
  for (const size_t i : with_hash(lines, anchor.above)) {
    if (i + 1 < lines.lines.size()) found.push_back(i + 1);
  }
  for (const size_t i : with_hash(lines, anchor.below)) {
    if (i > 0) found.push_back(i - 1);
  }
  if (lines.lines.size() == 1) found.push_back(0);
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::optional<size_t> by_likeness(const TextLines& lines, const Anchor& anchor) {
  std::optional<size_t> best;
  Score best_score;
  bool tie = false;
  for (const size_t i : beside(lines, anchor)) {
    const auto score = likeness(lines, i, anchor);
    if (!score) continue;
    tie = best && *score == best_score;
    if (!best || *score > best_score) {
      best = i;
      best_score = *score;
    }
  }
  return tie ? std::nullopt : best;
}

void count_twins(TextLines& lines) {
  auto& order = lines.by_hash;
  order.resize(lines.lines.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const int compared = lines.lines[a].hash.compare(lines.lines[b].hash);
    return compared != 0 ? compared < 0 : a < b;
  });
  for (size_t begin = 0; begin < order.size();) {
    const auto twins = with_hash(lines, lines.lines[order[begin]].hash);
    for (size_t nth = 0; nth < twins.size(); ++nth) {
      lines.lines[twins[nth]].nth = nth;
      lines.lines[twins[nth]].of = twins.size();
    }
    begin += twins.size();
  }
}

void order_paths(TextLines& lines) {
  for (size_t i = 0; i < lines.lines.size(); ++i) {
    if (lines.lines[i].frames.size() != lines.lines[i].references.size()) continue;
    for (size_t r = 0; r < lines.lines[i].frames.size(); ++r) lines.by_path.push_back({i, r});
  }
  const auto path = [&](const ReferencePlace& at) -> const std::string& {
    return lines.lines[at.line].paths[at.reference];
  };
  std::sort(lines.by_path.begin(), lines.by_path.end(),
            [&](const ReferencePlace& a, const ReferencePlace& b) { return path(a) < path(b); });
}

void add_line(TextLines& lines, TextLine line) {
  std::string text = blanked(lines, line);
  const std::string& key = key_of(lines, line);
  if (!key.empty()) text = key + '\0' + text;  // equal lines of two services are no twins
  line.hash = keyed_hash(lines, text, 16);
  lines.lines.push_back(std::move(line));
}

std::vector<SiteReference> references_of(std::string_view text, const DocumentObject& object,
                                         const Grammar& grammar, const TextLines& lines) {
  std::vector<SiteReference> out;
  for (const auto& site : object.sites) {
    std::string frame;
    for (auto& found : references_at(text, site, grammar)) {
      if (!found.frame.empty()) frame = keyed_hash(lines, found.frame, frame_digits);
      found.frame = frame;
      out.push_back(std::move(found));
    }
  }
  return out;
}

void take(TextLine& line, SiteReference& found, size_t line_begin) {
  if (found.path.empty()) {
    found.path =
        std::to_string(line.number) + ":" + std::to_string(found.reference.span.begin - line_begin + 1);
  }
  if (!found.reference.opaque.empty()) return line.opaque.push_back(std::move(found));
  line.references.push_back(std::move(found.reference));
  line.paths.push_back(std::move(found.path));
  if (!found.frame.empty()) line.frames.push_back(std::move(found.frame));
}

// Goes through a text from line to line, looking at each byte once.
class LineCounter {
 public:
  explicit LineCounter(std::string_view text) : text_(text), end_(text.find('\n')) {}
  void go_to(size_t at) {
    for (; end_ < at; end_ = text_.find('\n', begin_)) {
      begin_ = end_ + 1;
      ++number_;
    }
  }
  [[nodiscard]] size_t number() const { return number_; }  // from 1
  [[nodiscard]] size_t begin() const { return begin_; }

 private:
  std::string_view text_;
  size_t begin_ = 0, end_, number_ = 1;
};

}  // namespace

TextLines read_lines(std::string_view text, const std::vector<DocumentObject>& objects,
                     const Grammar& grammar, const std::string& key) {
  TextLines out{text, key, {}, objects, {}, {}};
  LineCounter counter(text);
  for (size_t index = 0; index < objects.size(); ++index) {
    const DocumentObject& object = objects[index];
    auto references = references_of(text, object, grammar, out);
    auto next = references.begin();
    // A line of its own, or every line of the whole.
    for (size_t begin = object.extent.begin; begin <= object.extent.end;) {
      // No further than the object: many may stand on one line.
      const size_t end = std::min(text.substr(0, object.extent.end).find('\n', begin), object.extent.end);
      const bool last = end == object.extent.end;
      counter.go_to(begin);
      TextLine line;
      line.number = counter.number();
      line.extent = {begin, end};
      if (line.extent.size() > 0 && text[line.extent.end - 1] == '\r') --line.extent.end;
      line.object = index;
      while (next != references.end() && (last || next->reference.span.begin < end))
        take(line, *next++, counter.begin());
      add_line(out, std::move(line));
      begin = end + 1;
    }
  }
  count_twins(out);
  order_paths(out);
  return out;
}

Anchor anchor_of(const TextLines& lines, size_t index) {
  const TextLine& line = lines.lines.at(index);
  Anchor anchor;
  anchor.line = line.number;
  anchor.key = key_of(lines, line);
  anchor.hash = line.hash;
  anchor.nth = line.nth;
  anchor.of = line.of;
  anchor.words = word_hashes(lines, line);
  if (index > 0) anchor.above = lines.lines[index - 1].hash;
  if (index + 1 < lines.lines.size()) anchor.below = lines.lines[index + 1].hash;
  anchor.paths = line.paths;
  anchor.frames = line.frames;
  return anchor;
}

std::vector<Anchor> anchors_of(const TextLines& lines, size_t object) {
  std::vector<Anchor> out;
  const auto first = std::partition_point(lines.lines.begin(), lines.lines.end(),
                                          [&](const TextLine& line) { return line.object < object; });
  for (auto line = first; line != lines.lines.end() && line->object == object; ++line) {
    if (!line->references.empty())
      out.push_back(anchor_of(lines, static_cast<size_t>(line - lines.lines.begin())));
  }
  return out;
}

nlohmann::json to_json(const Anchor& anchor) {
  nlohmann::json json = {{"line", anchor.line},   {"hash", anchor.hash},   {"nth", anchor.nth},
                         {"of", anchor.of},       {"words", anchor.words}, {"above", anchor.above},
                         {"below", anchor.below}, {"paths", anchor.paths}};
  if (!anchor.key.empty()) json["key"] = anchor.key;
  if (!anchor.frames.empty()) json["frames"] = anchor.frames;
  return json;
}

Anchor parse_anchor(const nlohmann::json& json) {
  Anchor anchor;
  json.at("line").get_to(anchor.line);
  if (json.contains("key")) json.at("key").get_to(anchor.key);
  json.at("hash").get_to(anchor.hash);
  json.at("nth").get_to(anchor.nth);
  json.at("of").get_to(anchor.of);
  json.at("words").get_to(anchor.words);
  json.at("above").get_to(anchor.above);
  json.at("below").get_to(anchor.below);
  json.at("paths").get_to(anchor.paths);
  if (json.contains("frames")) json.at("frames").get_to(anchor.frames);
  return anchor;
}

std::optional<size_t> find_line(const TextLines& lines, const Anchor& anchor) {
  const auto twins = with_hash(lines, anchor.hash);
  return twins.empty() ? by_likeness(lines, anchor) : among_twins(lines, twins, anchor);
}

}  // namespace mlship
