#include "packager/machine.h"

#include <algorithm>
#include <cstdio>

#include <dlfcn.h>
#include <sys/utsname.h>

namespace mlship {
namespace {

// PEP 600 §Legacy manylinux tags.
struct LegacyTag {
  std::string_view name;
  int minor;
};
constexpr LegacyTag legacy_tags[] = {{"manylinux1_", 5}, {"manylinux2010_", 12}, {"manylinux2014_", 17}};

// "manylinux_2_28_x86_64", "manylinux2014_x86_64", "linux_x86_64", "any".
bool platform_tag_runs(const std::string& tag, const Machine& machine) {
  if (tag == "any" || tag == "linux_" + machine.name) return true;
  if (tag.starts_with("musllinux_")) return machine.glibc_major == 0 && tag.ends_with("_" + machine.name);
  if (machine.glibc_major != 2 || !tag.ends_with("_" + machine.name)) return false;
  for (const auto& legacy : legacy_tags) {
    if (tag.starts_with(legacy.name)) return legacy.minor <= machine.glibc_minor;
  }
  int major = 0;
  int minor = 0;
  if (std::sscanf(tag.c_str(), "manylinux_%d_%d_", &major, &minor) != 2)
    return false;  // NOLINT(cert-err34-c)
  return major == 2 && minor <= machine.glibc_minor;
}

bool wheel_runs(const std::string& file, const Machine& machine) {
  const auto name = parse_wheel_name(file);
  if (!name) return false;
  return std::any_of(name->tags.begin(), name->tags.end(), [&](const std::string& tag) {
    return platform_tag_runs(tag.substr(tag.rfind('-') + 1), machine);
  });
}

}  // namespace

Machine this_machine() {
  Machine machine;
  struct utsname names{};
  if (uname(&names) == 0) machine.name = static_cast<const char*>(names.machine);
  // musl has no such symbol.
  using VersionFunction = const char* (*)();
  const auto version = reinterpret_cast<VersionFunction>(dlsym(RTLD_DEFAULT, "gnu_get_libc_version"));
  if (version != nullptr) {
    std::sscanf(version(), "%d.%d", &machine.glibc_major, &machine.glibc_minor);  // NOLINT(cert-err34-c)
  }
  return machine;
}

bool fits(const BundleInfo& info, const Platform& platform, const Machine& machine) {
  if (platform.machine != machine.name) return false;
  if (!platform.system.empty() && platform.system != "linux") return false;
  const std::string_view libc = machine.glibc_major != 0 ? "glibc" : "musl";
  if (!platform.libc.empty() && platform.libc != libc) return false;
  return std::all_of(info.dependencies.begin(), info.dependencies.end(), [&](const BundleDependency& d) {
    const bool taken = std::find(d.platforms.begin(), d.platforms.end(), platform.name) != d.platforms.end();
    return !taken || wheel_runs(d.file, machine);
  });
}

const Platform* fitting_platform(const BundleInfo& info, const Machine& machine) {
  const auto found = std::find_if(info.platforms.begin(), info.platforms.end(),
                                  [&](const Platform& p) { return fits(info, p, machine); });
  return found == info.platforms.end() ? nullptr : &*found;
}

}  // namespace mlship
