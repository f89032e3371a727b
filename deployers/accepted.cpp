#include "deployers/accepted.h"

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/names.h"
#include "deployers/selection.h"

namespace mlship {
namespace {

std::vector<std::string> words() {
  std::vector<std::string> out;
  for (auto i = static_cast<int>(Reason::range); i <= static_cast<int>(Reason::conflict); ++i)
    out.emplace_back(to_string(static_cast<Reason>(i)));
  return out;
}

std::optional<Reason> reason_of(const std::string& word) {
  const auto all = words();
  const auto found = std::find(all.begin(), all.end(), word);
  if (found == all.end()) return std::nullopt;
  return static_cast<Reason>(found - all.begin());
}

}  // namespace

Accepted::Accepted(const TargetSection& section) {
  for (const auto& entry : section.list("accept")) {
    const size_t colon = entry.find(':');
    const std::string word = entry.substr(0, colon);
    const size_t glob = colon == std::string::npos ? colon : entry.find_first_not_of(' ', colon + 1);
    const auto reason = reason_of(word);
    if (reason && glob != std::string::npos) {
      rows_.emplace_back(*reason, entry.substr(glob));
      continue;
    }
    const std::string why =
        reason ? "names no object" : "no reason '" + word + "'" + did_you_mean(word, words());
    throw Error(ErrorCode::project_file, "cannot use target '" + section.name + "' of " + section.at.str() +
                                             ": accept = \"" + entry + "\": " + why)
        .hint("write it as \"REASON: GLOB\", for example \"other-major: legacy*\"");
  }
}

bool Accepted::has(Reason reason, const ObjectInfo& object) const {
  return std::any_of(rows_.begin(), rows_.end(),
                     [&](const auto& row) { return row.first == reason && means(row.second, object); });
}

}  // namespace mlship
