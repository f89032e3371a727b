#include "packager/needs.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "core/error.h"
#include "core/version.h"

namespace mlship {
namespace {

bool holds(const LockedRequirement& requirement, const Platform& platform) {
  try {
    return marker_holds(requirement.marker, platform.environment);
  } catch (const std::invalid_argument& e) {
    throw Error(ErrorCode::lock, "cannot read " + requirement.origin + ": " + e.what())
        .fact("platform", platform.name);
  }
}

bool same_version(const LockedRequirement& a, const LockedRequirement& b) {
  const auto left = Version::parse(a.version);
  const auto right = Version::parse(b.version);
  return left && right ? *left == *right : a.version == b.version;
}

// A URL is one file of one hash, and another one than what an index has.
bool same_files(const LockedRequirement& a, const LockedRequirement& b) {
  return same_version(a, b) && a.url == b.url && (a.url.empty() || a.hashes == b.hashes);
}

void merge(LockedRequirement& into, const LockedRequirement& from) {
  for (const auto& hash : from.hashes) {
    if (std::find(into.hashes.begin(), into.hashes.end(), hash) == into.hashes.end())
      into.hashes.push_back(hash);
  }
  into.extras.insert(from.extras.begin(), from.extras.end());
}

// The lock's files by how much of their name fits: the interpreter counts least, the system most.
std::vector<std::string> nearest(const Candidates& candidates, const Platform& platform) {
  const std::string python = "cp" + platform.python.substr(0, 1) + platform.python.substr(2);
  static constexpr auto systems =
      std::to_array<std::string_view>({"manylinux", "musllinux", "linux", "win", "macosx"});
  const std::string& own = platform.tags.front();
  const auto score = [&](const Candidate& candidate) {
    int best = 0;
    for (const auto& tag : candidate.wheel.tags) {
      int points = tag.starts_with(python + "-") || tag.starts_with("py3-") ? 1 : 0;
      if (tag.ends_with("-any") || tag.ends_with(platform.machine)) points += 2;
      for (const auto system : systems) {
        const std::string part = "-" + std::string(system);
        if (tag.find(part) != std::string::npos && own.find(part) != std::string::npos) points += 4;
      }
      best = std::max(best, points);
    }
    return best;
  };
  std::vector<const Candidate*> sorted;
  for (const auto& candidate : candidates.allowed) sorted.push_back(&candidate);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Candidate* a, const Candidate* b) { return score(*a) > score(*b); });
  constexpr size_t most = 3;
  std::vector<std::string> tags;
  for (size_t i = 0; i < std::min(most, sorted.size()); ++i) {
    const std::string stem = sorted[i]->file.substr(0, sorted[i]->file.size() - 4);
    const size_t platform_at = stem.rfind('-');
    const size_t abi_at = stem.rfind('-', platform_at - 1);
    tags.push_back(stem.substr(stem.rfind('-', abi_at - 1) + 1));
  }
  return tags;
}

const std::string& first_fit(const std::vector<std::string>& files, const Platform& platform) {
  static const std::string none;
  for (const auto& file : files) {
    const auto wheel = parse_wheel_name(file);
    if (wheel && choose_wheel({*wheel}, platform)) return file;
  }
  return none;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

std::vector<Need> find_needs(const Lock& lock, const std::vector<Platform>& platforms) {
  std::vector<Need> needs;
  for (const auto& platform : platforms) {
    for (const auto& requirement : lock.requirements) {
      if (!holds(requirement, platform)) continue;
      const auto taken = std::find_if(needs.begin(), needs.end(), [&](const Need& need) {
        return need.requirement.normal == requirement.normal && need.platforms.back() == &platform;
      });
      if (taken != needs.end() && !same_files(taken->requirement, requirement)) {
        const bool version = !same_version(taken->requirement, requirement);
        throw Error(ErrorCode::lock, "cannot use " + requirement.origin + ": it is a second " +
                                         (version ? "version" : "file") + " of " + requirement.name +
                                         " for " + platform.name)
            .fact("first", taken->requirement.version + "  " + taken->requirement.origin)
            .fact("second", requirement.version + "  " + requirement.origin);
      }
      const auto known = std::find_if(needs.begin(), needs.end(), [&](const Need& need) {
        return need.requirement.normal == requirement.normal && same_files(need.requirement, requirement);
      });
      if (known == needs.end()) {
        needs.push_back({requirement, {&platform}, {}});
        continue;
      }
      merge(known->requirement, requirement);
      if (known->platforms.back() != &platform) known->platforms.push_back(&platform);
    }
  }
  return needs;
}

const Candidate* choose(const Need& need, const Platform& platform) {
  // By name, so that of two equally good files one is taken wherever they were found first.
  std::vector<const Candidate*> sorted;
  for (const auto& candidate : need.candidates.allowed) sorted.push_back(&candidate);
  std::sort(sorted.begin(), sorted.end(),
            [](const Candidate* a, const Candidate* b) { return a->file < b->file; });
  std::vector<WheelName> names;
  for (const auto* candidate : sorted) names.push_back(candidate->wheel);
  const auto best = choose_wheel(names, platform);
  return best ? sorted[*best] : nullptr;
}

void refuse_unlocked(const Need& need, const Platform& platform) {
  const auto& [requirement, platforms, candidates] = need;
  const std::string& file = first_fit(candidates.unlocked, platform);
  if (file.empty()) return;
  throw Error(ErrorCode::hash_mismatch, "cannot use " + file + ": its hash is not in " + requirement.origin)
      .fact("expected", requirement.hashes.front().str())
      .fact("actual", candidates.unlocked_hash.value_or(Digest()).str())
      .hint("ask whoever runs the index; lock again only when the new file is known to be good");
}

void fail_choice(const Need& need, const Platform& platform, bool offline) {
  refuse_unlocked(need, platform);
  const auto& [requirement, platforms, candidates] = need;
  const std::string what = requirement.name + " " + requirement.version;
  const std::string wheel_for = "cannot find a wheel of " + what + " for " + platform.name + ": ";
  if (!candidates.allowed.empty()) {
    throw Error(ErrorCode::wheel, wheel_for + "none of its " + std::to_string(candidates.allowed.size()) +
                                      " locked wheels fits")
        .fact("locked", requirement.origin)
        .fact("nearest", joined(nearest(candidates, platform)))
        .hint("lock a version that has such a wheel, or change targets in mlship.toml: mlship platforms");
  }
  if (!candidates.sources.empty()) {
    throw Error(ErrorCode::wheel, wheel_for + "there is only the source " + candidates.sources.front())
        .fact("locked", requirement.origin)
        .hint("pip wheel --no-deps " + requirement.name + "==" + requirement.version +
              ", lock the wheel's hash and pass its folder with --find-links");
  }
  if (offline) {
    throw Error(ErrorCode::not_found, "cannot find " + what +
                                          " while offline: it is neither in the cache nor in a "
                                          "--find-links folder")
        .fact("locked", requirement.origin)
        .hint("mlship build once with a network, or pass its folder with --find-links");
  }
  throw Error(ErrorCode::not_found, "cannot find " + what + ": no index has a file of it")
      .fact("locked", requirement.origin)
      .hint("check the name and the index: mlship config");
}

}  // namespace mlship
