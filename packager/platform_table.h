// The platforms that have a name of their own, as data, and how a platform tag becomes tags and markers.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "packager/platform.h"

namespace mlship {

struct PlatformRow {
  std::string_view name;
  std::string_view python;    // full version, as the system's own documentation gives it
  std::string_view platform;  // platform tag: "manylinux_2_35_x86_64"
  std::string_view summary;
};
std::span<const PlatformRow> platform_rows();

struct PythonVersion {
  int major = 3;
  int minor = 0;
  std::string full;  // "3.11.0"
};

// Tags and marker environment of CPython `python` on `platform_tag`; nullopt when the tag is none of the
// families known.
std::optional<Platform> make_platform(std::string name, const PythonVersion& python,
                                      std::string_view platform_tag);

// Platform tags a machine with `platform_tag` takes, best first (packaging.tags.platform_tags); empty when
// the tag is not understood.
std::vector<std::string> compatible_platforms(std::string_view platform_tag);
// All tags, best first: packaging.tags.cpython_tags, then compatible_tags.
std::vector<std::string> compatible_tags(const PythonVersion& python,
                                         const std::vector<std::string>& platforms);

}  // namespace mlship
