// Targets for wheels: an explicit marker environment and an ordered list of compatible tags.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/fs.h"
#include "packager/markers.h"

namespace mlship {

struct Platform {
  std::string name;  // "cp311-manylinux_2_28_x86_64"
  MarkerEnvironment environment;
  std::vector<std::string> tags;  // "cp311-cp311-manylinux_2_28_x86_64", best first (packaging.tags order)
  std::string python;             // "3.11"
  std::string machine;            // "x86_64"
  std::string system{};           // "linux", "macos", "windows"; "" when a bundle of before does not tell
  std::string libc{};             // "glibc", "musl"; "" when either will do
};

// A name from the built-in table, `cpXY-PLATFORM` by rule, or a path to a JSON file in pex's
// --complete-platform form (marker_environment, compatible_tags), relative to `folder`. Throws
// Error(project_file) with a did-you-mean.
Platform load_platform(const std::string& name_or_file, const Path& folder);
// Whether a name alone tells what load_platform() makes of it.
bool named_platform(const std::string& name);
// The names with descriptions that `mlship platforms` lists.
struct NamedPlatform {
  std::string name;
  std::string summary;
};
std::vector<NamedPlatform> named_platforms();

struct WheelName {
  std::string name, version, build;  // distribution as written; build tag "" or "1abc"
  std::vector<std::string> tags;     // expanded: cp311-cp311-manylinux…
};
// PEP 427 §File name convention and PEP 425 §Compressed tag sets. nullopt when it is not a wheel's name.
std::optional<WheelName> parse_wheel_name(std::string_view file_name);
// The file that fits best: earliest tag, then the higher build tag; nullopt when none fits.
std::optional<size_t> choose_wheel(const std::vector<WheelName>& candidates, const Platform& platform);

}  // namespace mlship
