#include "core/names.h"

#include <algorithm>
#include <vector>

#include "core/letters.h"

namespace mlship {
namespace {

bool alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool separator(char c) {
  return c == '-' || c == '_' || c == '.';
}
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

// Position after the `]` of the class that starts at `p[0] == '['`, 0 if it never closes.
size_t class_length(std::string_view p) {
  size_t i = 1;
  if (i < p.size() && (p[i] == '!' || p[i] == '^')) ++i;
  if (i < p.size() && p[i] == ']') ++i;
  while (i < p.size() && p[i] != ']') ++i;
  return i < p.size() ? i + 1 : 0;
}

bool class_has(std::string_view cls, char c) {
  size_t i = 1;
  const bool negated = cls[i] == '!' || cls[i] == '^';
  if (negated) ++i;
  bool found = false;
  for (bool first = true; i + 1 < cls.size(); first = false) {
    if (cls[i] == ']' && !first) break;
    if (i + 3 < cls.size() && cls[i + 1] == '-') {
      found = found || (c >= cls[i] && c <= cls[i + 2]);
      i += 3;
    } else {
      found = found || c == cls[i];
      ++i;
    }
  }
  return found != negated;
}

// What a backslash makes an ordinary character; before anything else it is one itself.
constexpr std::string_view special = "*?[]\\";

// Whether a slash parts the text, so that only `**` goes across.
enum class Slash { parts, ordinary };

bool match(std::string_view p, std::string_view t, Slash slash);

bool match_star(std::string_view p, std::string_view t, Slash slash) {
  const bool two = p.starts_with("**");
  const bool deep = two || slash == Slash::ordinary;
  p.remove_prefix(two ? 2 : 1);
  if (p.empty()) return deep || t.find('/') == std::string_view::npos;
  // `**/x` also matches `x`: the slash belongs to the stars.
  if (two && p.starts_with('/') && match(p.substr(1), t, slash)) return true;
  for (size_t i = 0; i <= t.size(); ++i) {
    if (match(p, t.substr(i), slash)) return true;
    if (i < t.size() && t[i] == '/' && !deep) return false;
  }
  return false;
}

bool match(std::string_view p, std::string_view t, Slash slash) {
  while (!p.empty()) {
    if (p.front() == '*') return match_star(p, t, slash);
    if (t.empty()) return false;
    const bool parted = t.front() == '/' && slash == Slash::parts;
    size_t used = 1;
    if (p.size() > 1 && p.front() == '\\' && special.find(p[1]) != std::string_view::npos) {
      if (p[1] != t.front()) return false;
      used = 2;
    } else if (p.front() == '[' && class_length(p) != 0) {
      used = class_length(p);
      if (parted || !class_has(p.substr(0, used), t.front())) return false;
    } else if (p.front() == '?') {
      if (parted) return false;
    } else if (p.front() != t.front()) {
      return false;
    }
    p.remove_prefix(used);
    t.remove_prefix(1);
  }
  return t.empty();
}

}  // namespace

std::string normalize_name(std::string_view name) {
  std::string out;
  bool pending = false;
  for (const char c : name) {
    if (separator(c)) {
      pending = true;
      continue;
    }
    if (pending) out += '-';
    pending = false;
    out += letters::lower(c);
  }
  if (pending) out += '-';
  return out;
}

bool valid_name(std::string_view name) {
  if (name.empty() || name.size() > 128 || !alnum(name.front()) || !alnum(name.back())) return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return alnum(c) || separator(c); });
}

std::optional<std::string> closest(std::string_view word, std::span<const std::string> candidates) {
  std::optional<std::string> best;
  size_t best_distance = 3;
  for (const auto& candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    if (distance < best_distance && distance < word.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
  const auto near = closest(word, candidates);
  return near ? " (did you mean '" + *near + "'?)" : "";
}

bool glob_match(std::string_view pattern, std::string_view text) {
  return match(pattern, text, Slash::parts);
}

bool name_match(std::string_view pattern, std::string_view name) {
  return pattern == name || match(pattern, name, Slash::ordinary);
}

}  // namespace mlship
