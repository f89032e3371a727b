// PEP 425 (tags), 600 (manylinux), 656 (musllinux) and packaging.tags for what accepts what.
#include "deployers/wheel_fit.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace mlship {
namespace {

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<int> take_number(std::string_view& text) {
  constexpr int most = 99'999;  // distances are computed with it
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value < 0 || value > most) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

// ---- the interpreter and its ABI

struct Interpreter {
  std::string_view implementation;  // "py": any; "cp", "pp", …
  int major = 0;
  int minor = 0;  // the oldest one, of "py" and the stable ABI
  std::string_view abi;

  [[nodiscard]] bool any() const { return implementation == "py"; }
  [[nodiscard]] bool stable() const { return implementation == "cp" && abi == "abi3"; }
  // CPython without the global interpreter lock has another ABI (PEP 703), which is never stable.
  [[nodiscard]] bool threaded() const { return implementation == "cp" && abi.ends_with('t'); }
};

constexpr size_t letters_of(std::string_view text) {
  size_t n = 0;
  while (n < text.size() && (text[n] < '0' || text[n] > '9')) ++n;
  return n;
}

// nullopt: not of that form, so only the very same one is like it.
std::optional<Interpreter> interpreter_of(const WheelTag& tag) {
  const std::string_view python = tag.python;
  const size_t letters = letters_of(python);
  if (letters == 0 || letters == python.size()) return std::nullopt;
  std::string_view minor = python.substr(letters + 1);
  Interpreter out{python.substr(0, letters), python[letters] - '0', 0, tag.abi};
  if (!minor.empty()) {
    const auto number = take_number(minor);
    if (!number || !minor.empty()) return std::nullopt;
    out.minor = *number;
  }
  if (out.any() && tag.abi != "none") return std::nullopt;
  return out;
}

// cp39-cp310 comes of compressed tag sets; no interpreter takes it.
bool nobodys(const WheelTag& tag) {
  std::string_view abi = tag.abi;
  if (!take(abi, "cp") || abi.empty()) return false;
  const std::string_view own = std::string_view(tag.python).substr(std::min<size_t>(2, tag.python.size()));
  if (!tag.python.starts_with("cp")) return true;
  return abi.substr(0, own.size()) != own ||
         (abi.size() > own.size() && abi[own.size()] >= '0' && abi[own.size()] <= '9');
}

// The distance; nullopt when `offered` does not serve all that `wanted` runs on.
std::optional<int> python_fit(const WheelTag& wanted_tag, const WheelTag& offered_tag) {
  constexpr int step = 1000;  // more than there are minor versions
  if (wanted_tag.python == offered_tag.python && wanted_tag.abi == offered_tag.abi) return 0;
  const auto wanted = interpreter_of(wanted_tag), offered = interpreter_of(offered_tag);
  if (!wanted || !offered || wanted->major != offered->major) return std::nullopt;
  const bool old_enough = offered->minor <= wanted->minor;
  if (offered->any())
    return old_enough ? std::optional(3 * step + wanted->minor - offered->minor) : std::nullopt;
  if (offered->implementation != wanted->implementation) return std::nullopt;
  if (offered->stable()) {
    const bool takes_it = old_enough && !wanted->threaded();
    return takes_it ? std::optional(2 * step + wanted->minor - offered->minor) : std::nullopt;
  }
  // Of one version: what asks for no ABI serves every ABI, and the plain one serves what asks for none.
  if (wanted_tag.python != offered_tag.python || wanted->stable()) return std::nullopt;
  const bool serves = offered->abi == "none" || (wanted->abi == "none" && offered->abi == offered_tag.python);
  return serves ? std::optional(step) : std::nullopt;
}

// ---- the platform

struct System {
  std::string_view family;  // "glibc", "musl", "macosx", …; the whole tag for what has no version
  std::string_view machine;
  int major = 0, minor = 0;
};

struct Versioned {
  std::string_view prefix, family;
  int numbers;
};
constexpr auto versioned = std::to_array<Versioned>({{"manylinux_", "glibc", 2},
                                                     {"musllinux_", "musl", 2},
                                                     {"macosx_", "macosx", 2},
                                                     {"ios_", "ios", 2},
                                                     {"android_", "android", 1}});
struct Named {
  std::string_view prefix;
  int minor;
};
// PEP 513, 571, 599: glibc 2.<minor>. A bare linux_ARCH does not say which libc: the oldest that wheels are
// still made for, as build targets have it.
constexpr auto named_glibc = std::to_array<Named>(
    {{"manylinux1_", 5}, {"manylinux2010_", 12}, {"manylinux2014_", 17}, {"linux_", 17}});

struct Fat {
  std::string_view name;
  std::array<std::string_view, 4> machines;
};
constexpr auto fat = std::to_array<Fat>({{"universal2", {"x86_64", "arm64", "", ""}},
                                         {"universal", {"x86_64", "i386", "ppc64", "ppc"}},
                                         {"intel", {"x86_64", "i386", "", ""}},
                                         {"fat64", {"x86_64", "ppc64", "", ""}},
                                         {"fat3", {"x86_64", "i386", "ppc", ""}},
                                         {"fat", {"i386", "ppc", "", ""}}});

// Apple's own machines begin with macOS 11, which some call 10.16.
System mac(System system) {
  if (system.major == 10 && (system.minor >= 16 || system.machine == "arm64")) {
    system.major = 11;
    system.minor = 0;
  }
  return system;
}

System system_of(std::string_view platform) {
  for (const auto& row : named_glibc) {
    if (platform.starts_with(row.prefix)) return {"glibc", platform.substr(row.prefix.size()), 2, row.minor};
  }
  for (const auto& row : versioned) {
    std::string_view rest = platform;
    if (!take(rest, row.prefix)) continue;
    System system{row.family, "", 0, 0};
    std::optional<int> number = take_number(rest);
    system.major = number.value_or(0);
    if (number && row.numbers == 2) {
      number = take(rest, "_") ? take_number(rest) : std::nullopt;
      system.minor = number.value_or(0);
    }
    if (!number || !take(rest, "_")) break;
    system.machine = rest;
    return system;
  }
  return {platform, "", 0, 0};
}

std::vector<System> systems_of(std::string_view platform) {
  const System system = system_of(platform);
  if (system.family != "macosx") return {system};
  std::vector<System> out;
  for (const auto& row : fat) {
    if (row.name != system.machine) continue;
    for (const auto machine : row.machines) {
      if (!machine.empty()) out.push_back(mac({system.family, machine, system.major, system.minor}));
    }
  }
  if (out.empty()) out.push_back(mac(system));
  return out;
}

std::optional<int> system_fit(const System& wanted, const System& offered) {
  constexpr int step = 1000;
  if (offered.family == "any") return 0;
  if (wanted.family != offered.family || wanted.machine != offered.machine) return std::nullopt;
  // There is no glibc 3: the major number of a libc names another libc.
  const bool libc = wanted.family == "glibc" || wanted.family == "musl";
  if (libc && wanted.major != offered.major) return std::nullopt;
  const int distance = (wanted.major - offered.major) * step + wanted.minor - offered.minor;
  return distance < 0 ? std::nullopt : std::optional(distance);
}

std::optional<int> platform_fit(const System& wanted, std::string_view offered) {
  std::optional<int> best;
  for (const auto& system : systems_of(offered)) {
    const auto fit = system_fit(wanted, system);
    if (fit && (!best || *fit < *best)) best = fit;
  }
  return best;
}

// ---- both

// The best of the offered tags for one place where the wanted wheel runs.
std::optional<WheelDistance> place_fit(const WheelTag& wanted, const System& system,
                                       const std::vector<WheelTag>& offered) {
  std::optional<WheelDistance> best;
  for (const auto& tag : offered) {
    if (nobodys(tag)) continue;
    const auto python = python_fit(wanted, tag);
    const auto platform = platform_fit(system, tag.platform);
    if (!python || !platform) continue;
    const WheelDistance distance{true, tag.platform == "any", *python, *platform};
    if (!best || distance < *best) best = distance;
  }
  return best;
}

std::vector<WheelTag> sorted(std::vector<WheelTag> tags) {
  std::sort(tags.begin(), tags.end());
  return tags;
}

bool python_two(const WheelTag& tag) {
  const auto interpreter = interpreter_of(tag);
  return interpreter && interpreter->major == 2;
}

}  // namespace

std::optional<WheelDistance> wheel_fit(const std::vector<WheelTag>& wanted,
                                       const std::vector<WheelTag>& offered) {
  if (sorted(wanted) == sorted(offered)) return WheelDistance{false, false, 0, 0};
  std::vector<WheelTag> places = wanted;
  std::erase_if(places, nobodys);
  const bool three = std::any_of(places.begin(), places.end(), [](const auto& t) { return !python_two(t); });
  if (three) std::erase_if(places, python_two);
  std::optional<WheelDistance> worst;
  for (const auto& tag : places) {
    for (const auto& system : systems_of(tag.platform)) {
      const auto fit = place_fit(tag, system, offered);
      if (!fit) return std::nullopt;
      if (!worst || *worst < *fit) worst = fit;
    }
  }
  return worst;
}

}  // namespace mlship
