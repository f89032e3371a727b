#include "core/wheel_tags.h"

#include <algorithm>
#include <array>

#include "core/letters.h"

namespace mlship {
namespace {

// The parts of a compressed component, in lower case; empty when one is missing.
std::vector<std::string> parts_of(std::string_view text) {
  std::vector<std::string> parts;
  for (;;) {
    const size_t end = text.find('.');
    if (end == 0 || text.empty()) return {};
    parts.push_back(letters::lowered(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool too_many(const std::array<std::vector<std::string>, 3>& parts) {
  constexpr size_t most = 4096;
  const bool one = std::any_of(parts.begin(), parts.end(), [](const auto& p) { return p.size() > most; });
  return one || parts[0].size() * parts[1].size() > most ||
         parts[0].size() * parts[1].size() * parts[2].size() > most;
}

}  // namespace

std::vector<WheelTag> expand_wheel_tags(std::string_view pythons, std::string_view abis,
                                        std::string_view platforms) {
  const std::array<std::vector<std::string>, 3> parts{parts_of(pythons), parts_of(abis), parts_of(platforms)};
  if (too_many(parts)) return {};
  // PEP 425: an interpreter's name begins with letters.
  const auto digit = [](const std::string& s) { return s[0] >= '0' && s[0] <= '9'; };
  if (std::any_of(parts[0].begin(), parts[0].end(), digit)) return {};
  std::vector<WheelTag> tags;
  for (const auto& python : parts[0]) {
    for (const auto& abi : parts[1]) {
      for (const auto& platform : parts[2]) tags.push_back({python, abi, platform});
    }
  }
  return tags;
}

std::vector<WheelTag> wheel_tags_of(std::string_view file_name) {
  constexpr std::string_view suffix = ".whl";
  if (!file_name.ends_with(suffix)) return {};
  file_name.remove_suffix(suffix.size());
  std::array<std::string_view, 3> last;
  for (size_t i = last.size(); i-- > 0;) {
    const size_t dash = file_name.rfind('-');
    if (dash == std::string_view::npos) return {};
    last.at(i) = file_name.substr(dash + 1);
    file_name = file_name.substr(0, dash);
  }
  return expand_wheel_tags(last[0], last[1], last[2]);
}

}  // namespace mlship
