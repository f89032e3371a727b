// PEP 427 §File name convention, PEP 425 §Compressed tag sets, and the choice among wheels.
#include <algorithm>
#include <map>

#include "core/text.h"
#include "core/version.h"
#include "core/wheel_tags.h"
#include "packager/platform.h"

namespace mlship {
namespace {

bool digit(char c) {
  return c >= '0' && c <= '9';
}

// PEP 427: runs of anything but letters, digits and `.` are one `_`.
bool escaped_name(std::string_view name) {
  const auto allowed = [](char c) {
    return digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_';
  };
  return !name.empty() && name.find("__") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), allowed);
}

// A build tag sorts by its number, then by the rest; none is lowest. The number may be longer than 64 bits.
struct BuildTag {
  std::string number, rest;
  bool present = false;
};
BuildTag build_tag(const std::string& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), digit);
  std::string number(text.begin(), end);
  number.erase(0, std::min(number.find_first_not_of('0'), number.size()));
  return {number, std::string(end, text.end()), !text.empty()};
}
bool lower_build(const std::string& left, const std::string& right) {
  const BuildTag a = build_tag(left);
  const BuildTag b = build_tag(right);
  if (a.present != b.present) return b.present;
  if (a.number.size() != b.number.size()) return a.number.size() < b.number.size();
  if (a.number != b.number) return a.number < b.number;
  return a.rest < b.rest;
}

}  // namespace

std::optional<WheelName> parse_wheel_name(std::string_view file_name) {
  constexpr std::string_view suffix = ".whl";
  if (!file_name.ends_with(suffix)) return std::nullopt;
  file_name.remove_suffix(suffix.size());
  // Beyond the specification: a name from an index becomes a file's name here, so nothing but its alphabet.
  if (file_name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+!-") !=
      std::string_view::npos) {
    return std::nullopt;
  }
  const auto parts = split(file_name, "-");
  if (parts.size() != 5 && parts.size() != 6) return std::nullopt;
  const size_t n = parts.size();
  if (!escaped_name(parts[0]) || !Version::parse(parts[1])) return std::nullopt;
  WheelName wheel{std::string(parts[0]), std::string(parts[1]), std::string(n == 6 ? parts[2] : ""), {}};
  // PEP 427: "Must start with a digit."
  if (n == 6 && (wheel.build.empty() || !digit(wheel.build.front()))) return std::nullopt;
  for (const auto& tag : expand_wheel_tags(parts[n - 3], parts[n - 2], parts[n - 1])) {
    wheel.tags.push_back(tag.str());
  }
  if (wheel.tags.empty()) return std::nullopt;
  return wheel;
}

std::optional<size_t> choose_wheel(const std::vector<WheelName>& candidates, const Platform& platform) {
  std::map<std::string_view, size_t> ranks;
  for (size_t i = 0; i < platform.tags.size(); ++i) ranks.emplace(platform.tags[i], i);
  std::optional<size_t> best;
  size_t best_rank = platform.tags.size();
  for (size_t i = 0; i < candidates.size(); ++i) {
    size_t rank = platform.tags.size();
    for (const auto& tag : candidates[i].tags) {
      if (const auto found = ranks.find(tag); found != ranks.end()) rank = std::min(rank, found->second);
    }
    if (rank == platform.tags.size()) continue;
    if (!best || rank < best_rank ||
        (rank == best_rank && lower_build(candidates[*best].build, candidates[i].build))) {
      best = i;
      best_rank = rank;
    }
  }
  return best;
}

}  // namespace mlship
