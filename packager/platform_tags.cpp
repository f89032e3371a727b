// From a platform tag to everything it implies: the order of packaging.tags (release 26, in which the native
// linux_ARCH tag precedes manylinux) and PEP 508's environment.
#include <algorithm>
#include <array>
#include <charconv>

#include "packager/platform_table.h"

namespace mlship {
namespace {

// PEP 513, 571, 599: names from before PEP 600, by glibc 2.<minor>.
struct Legacy {
  int minor;
  std::string_view name;
};
constexpr auto legacy_manylinux =
    std::to_array<Legacy>({{17, "manylinux2014"}, {12, "manylinux2010"}, {5, "manylinux1"}});
constexpr int newest_glibc_minor = 99;

struct System {
  std::string_view os_name, sys_platform, platform_system;
};
constexpr System on_linux{"posix", "linux", "Linux"};
constexpr System on_windows{"nt", "win32", "Windows"};
constexpr System on_mac{"posix", "darwin", "Darwin"};

enum class Family { glibc, musl, windows, mac };
struct Tag {
  Family family;
  int major = 0, minor = 0;  // of glibc, musl or macOS
  std::string_view arch;     // as in the tag
};

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return take(text, "_") ? std::optional(value) : std::nullopt;
}

// "manylinux_2_28_x86_64" after its prefix: MAJOR_MINOR_ARCH.
std::optional<Tag> versioned(Family family, std::string_view rest) {
  const auto major = take_number(rest);
  const auto minor = major ? take_number(rest) : std::nullopt;
  if (!minor) return std::nullopt;
  return Tag{family, *major, *minor, rest};
}

// The oldest glibc that packaging lists: CentOS 5 on x86_64, CentOS 7 elsewhere.
int oldest_glibc(std::string_view arch) {
  return arch == "x86_64" ? 5 : 17;
}

bool known(const Tag& tag) {
  switch (tag.family) {
    case Family::glibc:
      return one_of(tag.arch, {"x86_64", "aarch64"}) && tag.major == 2 &&
             tag.minor >= oldest_glibc(tag.arch) && tag.minor <= newest_glibc_minor;
    case Family::musl: return one_of(tag.arch, {"x86_64", "aarch64"}) && tag.major == 1 && tag.minor < 100;
    case Family::mac:
      if (tag.major == 10) return tag.arch == "x86_64" && tag.minor >= 4 && tag.minor <= 16;
      return one_of(tag.arch, {"x86_64", "arm64"}) && tag.major >= 11 && tag.major < 100;
    case Family::windows: return true;
  }
  return false;
}

std::optional<Tag> parse_unchecked(std::string_view text) {
  std::string_view rest = text;
  if (take(rest, "manylinux_")) return versioned(Family::glibc, rest);
  if (take(rest, "musllinux_")) return versioned(Family::musl, rest);
  if (take(rest, "macosx_")) return versioned(Family::mac, rest);
  for (const auto& row : legacy_manylinux) {
    if (take(rest, std::string(row.name) + "_")) return Tag{Family::glibc, 2, row.minor, rest};
  }
  // A bare linux_ARCH does not say which libc: the oldest that wheels are still made for (manylinux2014).
  if (take(rest, "linux_")) return Tag{Family::glibc, 2, 17, rest};
  if (one_of(text, {"win_amd64", "win_arm64"})) return Tag{Family::windows, 0, 0, text};
  return std::nullopt;
}

std::optional<Tag> parse(std::string_view text) {
  const auto tag = parse_unchecked(text);
  return tag && known(*tag) ? tag : std::nullopt;
}

std::vector<std::string> linux_platforms(const Tag& tag) {
  const std::string arch(tag.arch);
  std::vector<std::string> out{"linux_" + arch};
  if (tag.family == Family::musl) {
    for (int minor = tag.minor; minor >= 0; --minor) {
      out.push_back("musllinux_1_" + std::to_string(minor) + "_" + arch);
    }
    return out;
  }
  for (int minor = tag.minor; minor >= oldest_glibc(tag.arch); --minor) {
    out.push_back("manylinux_2_" + std::to_string(minor) + "_" + arch);
    for (const auto& row : legacy_manylinux) {
      if (row.minor == minor) out.push_back(std::string(row.name) + "_" + arch);
    }
  }
  return out;
}

void add_mac(std::vector<std::string>& out, int major, int minor, std::string_view arch) {
  constexpr std::array<std::string_view, 6> intel{"x86_64", "intel",      "fat64",
                                                  "fat3",   "universal2", "universal"};
  constexpr std::array<std::string_view, 2> arm{"arm64", "universal2"};
  const std::span<const std::string_view> formats =
      arch == "x86_64" ? std::span<const std::string_view>(intel) : std::span<const std::string_view>(arm);
  for (const auto format : formats) {
    out.push_back("macosx_" + std::to_string(major) + "_" + std::to_string(minor) + "_" +
                  std::string(format));
  }
}

// Before macOS 11 the minor number counted yearly releases, since then the major one does. On arm64 only
// universal2 files can be older than 11.
std::vector<std::string> mac_platforms(const Tag& tag) {
  std::vector<std::string> out;
  if (tag.major == 10) {
    for (int minor = tag.minor; minor >= 4; --minor) add_mac(out, 10, minor, tag.arch);
    // packaging lists 10.3 to 10.0 too, without any format.
    return out;
  }
  for (int major = tag.major; major > 10; --major) add_mac(out, major, 0, tag.arch);
  for (int minor = 16; minor > 3; --minor) {
    if (tag.arch == "x86_64") {
      add_mac(out, 10, minor, tag.arch);
    } else {
      out.push_back("macosx_10_" + std::to_string(minor) + "_universal2");
    }
  }
  return out;
}

const System& system_of(Family family) {
  if (family == Family::windows) return on_windows;
  return family == Family::mac ? on_mac : on_linux;
}

// platform.machine() as each system spells it.
std::string machine_of(const Tag& tag) {
  if (tag.family != Family::windows) return std::string(tag.arch);
  return tag.arch == "win_arm64" ? "ARM64" : "AMD64";
}

}  // namespace

std::vector<std::string> compatible_platforms(std::string_view platform_tag) {
  const auto tag = parse(platform_tag);
  if (!tag) return {};
  if (tag->family == Family::windows) return {std::string(platform_tag)};
  return tag->family == Family::mac ? mac_platforms(*tag) : linux_platforms(*tag);
}

std::vector<std::string> compatible_tags(const PythonVersion& python,
                                         const std::vector<std::string>& platforms) {
  std::vector<std::string> tags;
  const auto add = [&](const std::string& interpreter, const std::string& abi) {
    for (const auto& platform : platforms) {
      tags.push_back(interpreter);
      tags.back() += '-' + abi;
      tags.back() += '-' + platform;
    }
  };
  const std::string major = std::to_string(python.major);
  const auto numbered = [&](const char* prefix, int minor) { return prefix + major + std::to_string(minor); };
  const std::string own = numbered("cp", python.minor);
  for (const auto& abi : {own, std::string("abi3"), std::string("none")}) add(own, abi);
  for (int minor = python.minor - 1; minor >= 2; --minor) add(numbered("cp", minor), "abi3");

  std::vector<std::string> generic{numbered("py", python.minor), "py" + major};
  for (int minor = python.minor - 1; minor >= 0; --minor) generic.push_back(numbered("py", minor));
  for (const auto& interpreter : generic) add(interpreter, "none");
  tags.push_back(own + "-none-any");
  for (const auto& interpreter : generic) tags.push_back(interpreter + "-none-any");
  return tags;
}

std::optional<Platform> make_platform(std::string name, const PythonVersion& python,
                                      std::string_view platform_tag) {
  const auto tag = parse(platform_tag);
  if (!tag) return std::nullopt;
  const System& system = system_of(tag->family);
  const std::string version = std::to_string(python.major) + "." + std::to_string(python.minor);
  const std::string machine = machine_of(*tag);
  // What no tag tells (the kernel's release and version) is empty, as PEP 508 has it for unknown values.
  MarkerEnvironment environment{{"implementation_name", "cpython"},
                                {"implementation_version", python.full},
                                {"os_name", std::string(system.os_name)},
                                {"platform_machine", machine},
                                {"platform_python_implementation", "CPython"},
                                {"platform_release", ""},
                                {"platform_system", std::string(system.platform_system)},
                                {"platform_version", ""},
                                {"python_full_version", python.full},
                                {"python_version", version},
                                {"sys_platform", std::string(system.sys_platform)}};
  return Platform{std::move(name), std::move(environment),
                  compatible_tags(python, compatible_platforms(platform_tag)), version, machine};
}

}  // namespace mlship
