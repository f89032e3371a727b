#include "deployers/selection.h"

#include <algorithm>

#include "core/error.h"
#include "core/names.h"
#include "deployers/selectors.h"

namespace mlship {
bool means(std::string_view glob, const ObjectInfo& object) {
  return fit(glob, object) != Fit::none;
}

bool means(std::span<const std::string> globs, const ObjectInfo& object) {
  return std::any_of(globs.begin(), globs.end(),
                     [&](const std::string& glob) { return means(glob, object); });
}

bool selects(const Selection& selection, const std::string& target) {
  const auto& names = selection.targets;
  return names.empty() || std::find(names.begin(), names.end(), target) != names.end();
}

Unmet::Unmet(const Selection& selection) {
  for (const auto& glob : {selection.jobs, selection.services}) {
    if (glob && !glob->empty()) unmet_.insert(*glob);
  }
}

void Unmet::saw(const ObjectInfo& object) {
  if (unmet_.empty()) return;
  std::erase_if(unmet_, [&](const std::string& glob) { return means(glob, object); });
  names_.push_back(object.name);
}

void Unmet::check(Diagnostics& diagnostics) const {
  for (const auto& glob : unmet_) {
    // Brackets alone are more often part of a name ("[dev ada] churn") than a pattern.
    if (glob.find_first_of("*?") != std::string::npos) {
      diagnostics.warning("no job or service with a reference matches '" + glob + "'");
      continue;
    }
    throw Error(ErrorCode::not_found,
                "cannot find a job or service called '" + glob + "'" + did_you_mean(glob, names_))
        .hint("mlship status");
  }
}

}  // namespace mlship
