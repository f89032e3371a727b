#include "packager/lock_complete.h"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "core/error.h"
#include "core/names.h"
#include "core/text.h"
#include "packager/requirement_line.h"
#include "packager/wheel.h"

namespace mlship {
namespace {

// pip-compile leaves them out of a lock ("considered to be unsafe"); a virtual environment brings them.
const std::set<std::string> tools{"distribute", "pip", "setuptools", "wheel"};

struct Wheel {
  const Dependency* dependency = nullptr;
  std::vector<RequirementParts> requires_dist;
  std::set<std::string> extras;  // asked for
};
using Wheels = std::map<std::string, Wheel>;  // by PEP 503 name

bool applies(const RequirementParts& requirement, const Wheel& wheel, const Platform& platform) {
  try {
    return marker_holds(requirement.marker, platform.environment, wheel.extras);
  } catch (const std::invalid_argument&) {
    return false;  // nobody can tell when it would be needed
  }
}

// True when it asks for an extra that was not asked for yet.
bool ask(Wheel& wheel, const std::set<std::string>& extras) {
  const size_t before = wheel.extras.size();
  wheel.extras.insert(extras.begin(), extras.end());
  return wheel.extras.size() != before;
}

[[noreturn]] void refuse(const Wheel& wheel, const RequirementParts& requirement, const Platform& platform,
                         const std::string& origin) {
  const Dependency& by = *wheel.dependency;
  throw Error(ErrorCode::lock, "cannot use the lock: " + by.name + " " + by.version + " requires " +
                                   printable(requirement.text) + ", and " + requirement.normal +
                                   " is not in the lock for " + platform.name)
      .fact("required by", by.file)
      .fact("locked", origin)
      .hint("make the lock again with its tool, or name what the machine brings in dependencies.provided");
}

// Reads the wheels' requirements once; a wheel whose metadata cannot be read is refused elsewhere.
std::map<std::string, std::vector<RequirementParts>> requirements_of(
    const std::vector<Dependency>& dependencies) {
  std::map<std::string, std::vector<RequirementParts>> out;
  for (const auto& d : dependencies) {
    auto& all = out[d.file];
    for (const auto& line : wheel_identity(d.cached, d.file).requires_dist) {
      if (auto parts = parse_requirement(line)) all.push_back(std::move(*parts));
    }
  }
  return out;
}

class Completeness {
 public:
  Completeness(const Lock& lock, const Platform& platform, const std::vector<std::string>& provided)
      : lock_(lock), platform_(platform), not_missed_(tools) {
    for (const auto& name : provided) not_missed_.insert(normalize_name(name));
  }

  void add(const Dependency& dependency, const std::vector<RequirementParts>& requires_dist) {
    Wheel& wheel = wheels_[dependency.name];
    wheel.dependency = &dependency;
    wheel.requires_dist = requires_dist;
  }

  // An extra that one wheel asks of another makes more of its requirements apply: again until nothing
  // changes.
  void check() {
    for (const auto& requirement : lock_.requirements) {
      const auto wheel = wheels_.find(requirement.normal);
      if (wheel != wheels_.end()) ask(wheel->second, requirement.extras);
    }
    for (bool more = true; more;) {
      more = false;
      for (auto& [name, wheel] : wheels_) more = check(wheel) || more;
    }
  }

 private:
  bool check(Wheel& wheel) {
    bool more = false;
    for (const auto& requirement : wheel.requires_dist) {
      if (!applies(requirement, wheel, platform_)) continue;
      const auto needed = wheels_.find(requirement.normal);
      if (needed != wheels_.end()) {
        more = ask(needed->second, requirement.extras) || more;
      } else if (!not_missed_.contains(requirement.normal)) {
        refuse(wheel, requirement, platform_, origin_of(wheel.dependency->name));
      }
    }
    return more;
  }

  [[nodiscard]] std::string origin_of(const std::string& name) const {
    for (const auto& requirement : lock_.requirements) {
      if (requirement.normal == name) return requirement.origin;
    }
    return "";
  }

  const Lock& lock_;
  const Platform& platform_;
  std::set<std::string> not_missed_;
  Wheels wheels_;
};

}  // namespace

void check_complete(const Lock& lock, const std::vector<Dependency>& dependencies,
                    const std::vector<Platform>& platforms, const std::vector<std::string>& provided) {
  const auto requirements = requirements_of(dependencies);
  for (const auto& platform : platforms) {
    Completeness completeness(lock, platform, provided);
    for (const auto& d : dependencies) {
      if (std::find(d.platforms.begin(), d.platforms.end(), platform.name) != d.platforms.end())
        completeness.add(d, requirements.at(d.file));
    }
    completeness.check();
  }
}

}  // namespace mlship
