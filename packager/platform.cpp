#include "packager/platform.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "core/error.h"
#include "core/json.h"
#include "core/json_library.h"
#include "core/names.h"
#include "packager/platform_table.h"

namespace mlship {
namespace {

// "3.11.4" -> 3, 11; nullopt for anything that is not a CPython 3 release.
std::optional<PythonVersion> parse_python(std::string_view full) {
  PythonVersion python{3, 0, std::string(full)};
  if (!full.starts_with("3.")) return std::nullopt;
  full.remove_prefix(2);
  const auto [end, error] = std::from_chars(full.data(), full.data() + full.size(), python.minor);
  if (error != std::errc() || python.minor < 0 || python.minor > 99) return std::nullopt;
  if (end != full.data() + full.size() && *end != '.') return std::nullopt;
  return python;
}

// `cp311-manylinux_2_28_x86_64`. The tag does not tell the patch release: markers see the first, 3.11.0.
// Before 3.8 a wheel's ABI tag had flags that no such name tells.
std::optional<Platform> by_rule(const std::string& name) {
  const size_t dash = name.find('-');
  if (!name.starts_with("cp3") || dash == std::string::npos) return std::nullopt;
  const std::string minor = name.substr(3, dash - 3);
  if (minor.empty() || minor.size() > 2 || minor.find_first_not_of("0123456789") != std::string::npos ||
      (minor.size() > 1 && minor[0] == '0')) {
    return std::nullopt;
  }
  const auto python = parse_python("3." + minor + ".0");
  if (!python || python->minor < 8) return std::nullopt;
  return make_platform(name, *python, std::string_view(name).substr(dash + 1));
}

[[noreturn]] void bad_file(const std::string& name, const std::string& why) {
  throw Error(ErrorCode::project_file, "cannot read platform " + name + ": " + why)
      .hint(
          "write {\"marker_environment\": {…}, \"compatible_tags\": […]} as `pex3 interpreter inspect "
          "--markers --tags` prints it");
}

MarkerEnvironment read_environment(const Json& document, const std::string& name) {
  const auto found = document.find("marker_environment");
  if (found == document.end() || !found->is_object()) bad_file(name, "marker_environment is not an object");
  MarkerEnvironment environment;
  for (const auto& [key, value] : found->items()) {
    if (value.is_null()) continue;  // pex writes null for what an abbreviated platform does not tell
    if (!value.is_string()) bad_file(name, "marker_environment." + key + " is not a text");
    environment[key] = value.get<std::string>();
  }
  for (const auto* key : {"python_version", "python_full_version", "platform_machine", "sys_platform"}) {
    if (!environment.contains(key)) bad_file(name, std::string("marker_environment.") + key + " is missing");
  }
  return environment;
}

std::vector<std::string> read_tags(const Json& document, const std::string& name) {
  constexpr size_t most = 100'000;
  const auto found = document.find("compatible_tags");
  if (found == document.end() || !found->is_array() || found->empty() || found->size() > most) {
    bad_file(name, "compatible_tags is not a list of tags, best first");
  }
  std::vector<std::string> tags;
  for (const auto& value : *found) {
    const auto tag = value.is_string() ? value.get<std::string>() : "";
    // A tag is what a wheel of that tag alone would be called.
    const auto wheel = parse_wheel_name("x-1-" + tag + ".whl");
    if (!wheel || wheel->tags.size() != 1) bad_file(name, "'" + tag + "' is not a tag PYTHON-ABI-PLATFORM");
    tags.push_back(wheel->tags.front());
  }
  return tags;
}

Platform from_file(const std::string& name, const Path& folder) {
  const auto text = fs::read_if_exists(folder / name);
  if (!text) bad_file(name, "there is no such file");
  const Json document = parse_json(*text, ErrorCode::project_file, "platform " + name);
  if (!document.is_object()) bad_file(name, "it is not an object");
  Platform platform;
  platform.name = name;
  platform.environment = read_environment(document, name);
  platform.tags = read_tags(document, name);
  platform.python = platform.environment["python_version"];
  platform.machine = platform.environment["platform_machine"];
  if (!parse_python(platform.python)) bad_file(name, "python_version is not a Python 3 release");
  return platform;
}

// What the tags of a platform begin with. Native `linux_` tags stand before manylinux ones and tell no libc.
struct System {
  std::string_view tag, system, libc;
};
constexpr auto systems = std::to_array<System>({{"manylinux", "linux", "glibc"},
                                                {"musllinux", "linux", "musl"},
                                                {"macosx_", "macos", ""},
                                                {"win", "windows", ""},
                                                {"linux_", "linux", ""}});

Platform with_system(Platform platform) {
  for (const auto& row : systems) {
    const std::string part = "-" + std::string(row.tag);
    const bool has = std::any_of(platform.tags.begin(), platform.tags.end(), [&](const std::string& tag) {
      return tag.compare(tag.rfind('-'), part.size(), part) == 0;
    });
    if (!has) continue;
    platform.system = row.system;
    platform.libc = row.libc;
    break;
  }
  return platform;
}

std::optional<Platform> by_name(const std::string& name) {
  for (const auto& row : platform_rows()) {
    if (row.name != name) continue;
    if (auto platform = make_platform(name, *parse_python(row.python), row.platform)) return platform;
  }
  return by_rule(name);
}

[[noreturn]] void unknown(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& row : platform_rows()) names.emplace_back(row.name);
  const std::string said = name.substr(0, name.find('-'));
  const bool plausible = said.starts_with("cp3") && said.size() == 5;
  const std::string python = plausible || said == "cp39" || said == "cp38" ? said : "cp311";
  for (const auto* platform :
       {"manylinux_2_17_x86_64", "manylinux_2_28_x86_64", "manylinux_2_34_x86_64", "manylinux_2_28_aarch64",
        "manylinux2014_x86_64", "musllinux_1_2_x86_64", "linux_x86_64", "win_amd64", "macosx_11_0_arm64"}) {
    names.push_back(python + "-" + platform);
  }
  throw Error(ErrorCode::project_file,
              "cannot use platform '" + name + "': there is none of that name" + did_you_mean(name, names))
      .fact("by rule",
            "cpXY-PLATFORM: manylinux_X_Y, musllinux_X_Y, linux (x86_64, aarch64), "
            "macosx_X_Y (x86_64, arm64), win_amd64, win_arm64")
      .hint("mlship platforms");
}

}  // namespace

Platform load_platform(const std::string& name_or_file, const Path& folder) {
  if (auto platform = by_name(name_or_file)) return with_system(std::move(*platform));
  if (name_or_file.ends_with(".json")) return with_system(from_file(name_or_file, folder));
  unknown(name_or_file);
}

bool named_platform(const std::string& name) {
  return by_name(name).has_value();
}

std::vector<NamedPlatform> named_platforms() {
  std::vector<NamedPlatform> all;
  for (const auto& row : platform_rows()) {
    all.push_back({std::string(row.name), std::string(row.summary)});
  }
  return all;
}

}  // namespace mlship
