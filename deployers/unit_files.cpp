#include "deployers/unit_files.h"

#include <algorithm>
#include <array>
#include <set>

#include "core/error.h"
#include "core/names.h"
#include "deployers/file_set.h"
#include "deployers/unit_reading.h"

namespace mlship {
namespace {

// systemd.unit(5), podman-systemd.unit(5): what a file of this name is, and the service a Quadlet file makes.
struct SuffixRow {
  std::string_view suffix;
  std::string_view kind;
  std::string_view service;  // end of the service's name; "" for systemd's own units
};
constexpr auto suffixes = std::to_array<SuffixRow>({{".service", "systemd-service", ""},
                                                    {".timer", "systemd-timer", ""},
                                                    {".socket", "systemd-unit", ""},
                                                    {".path", "systemd-unit", ""},
                                                    {".mount", "systemd-unit", ""},
                                                    {".automount", "systemd-unit", ""},
                                                    {".swap", "systemd-unit", ""},
                                                    {".slice", "systemd-unit", ""},
                                                    {".target", "systemd-unit", ""},
                                                    {".container", "quadlet-container", ".service"},
                                                    {".kube", "quadlet-unit", ".service"},
                                                    {".pod", "quadlet-unit", "-pod.service"},
                                                    {".volume", "quadlet-unit", "-volume.service"},
                                                    {".network", "quadlet-unit", "-network.service"},
                                                    {".image", "quadlet-unit", "-image.service"},
                                                    {".artifact", "quadlet-unit", "-artifact.service"},
                                                    {".build", "quadlet-unit", "-build.service"}});

// Folders that one manager reads, the strongest first (systemd.unit(5) §Unit File Load Path).
constexpr auto system_folders = std::to_array<std::string_view>(
    {"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
     "/lib/systemd/system", "/run/containers/systemd", "/etc/containers/systemd",
     "/usr/share/containers/systemd"});
constexpr auto user_folders = std::to_array<std::string_view>(
    {"/etc/systemd/user", "/run/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user",
     "/etc/containers/systemd/users", "/usr/share/containers/systemd/users"});
constexpr auto home_folders = std::to_array<std::string_view>(
    {"/.config/systemd/user", "/.local/share/systemd/user", "/.config/containers/systemd"});
constexpr auto managers =
    std::to_array<std::span<const std::string_view>>({system_folders, user_folders, home_folders});

const SuffixRow* row_of(std::string_view name) {
  for (const auto& row : suffixes) {
    if (name.size() > row.suffix.size() && name.ends_with(row.suffix)) return &row;
  }
  return nullptr;
}

// Where `end`, one of systemd's folders, stands in a path: at its end, or before folders below it when it is
// one of Quadlet's (podman-systemd.unit(5)). The folder of users' Quadlet files is another manager's.
size_t position_of(const std::string& path, std::string_view end) {
  if (path.ends_with(end)) return path.size() - end.size();
  const size_t at = end.find("/containers/") == std::string_view::npos ? std::string::npos
                                                                       : path.rfind(std::string(end) + "/");
  const bool users = at != std::string::npos && path.substr(at + end.size()).starts_with("/users");
  return users ? std::string::npos : at;
}

}  // namespace

std::string template_of(const std::string& unit) {
  const size_t mark = unit.find('@'), dot = unit.rfind('.');
  if (mark == std::string::npos || dot == std::string::npos || dot <= mark + 1) return "";
  return unit.substr(0, mark + 1) + unit.substr(dot);
}

std::vector<UnitSetting> settings_of(const Path& file) {
  const auto resolved = resolve_links(file);
  if (!resolved) return {};
  const auto content = read_host_file({file, *resolved});
  const auto* text = content ? std::get_if<std::string>(&*content) : nullptr;
  return text == nullptr ? std::vector<UnitSetting>{} : read_unit(*text);
}

std::vector<std::string> names_in(const Path& folder) {
  try {
    return fs::exists(folder) ? fs::list(folder) : std::vector<std::string>{};
  } catch (const Error&) {
    return {};  // what cannot be listed was said when the target's files were looked for
  }
}

std::vector<std::string> folders_beside(const std::string& unit, const std::string& end) {
  std::vector<std::string> out{unit + end};
  if (const auto name = template_of(unit); !name.empty()) out.push_back(name + end);
  const size_t dot = unit.rfind('.');
  const std::string suffix = unit.substr(dot);
  for (size_t dash = unit.rfind('-', dot); dash != std::string::npos && dash > 0;
       dash = unit.rfind('-', dash - 1)) {
    if (dash + 1 < dot) out.push_back(unit.substr(0, dash + 1) + suffix + end);
  }
  out.push_back(suffix.substr(1) + end);
  return out;
}

std::vector<Path> files_of(const std::string& unit, const std::vector<Path>& folders) {
  std::vector<Path> out;
  for (const auto& name : {unit, template_of(unit)}) {
    for (const auto& folder : folders) {
      if (out.empty() && !name.empty() && fs::exists(folder / name)) out.push_back(folder / name);
    }
  }
  std::map<std::string, Path> drop_ins;  // by name; the strongest folder's
  for (const auto& drop_in : folders_beside(unit, ".d")) {
    for (const auto& folder : folders) {
      for (const auto& file : names_in(folder / drop_in)) {
        if (file.ends_with(".conf") && !file.starts_with('.'))
          drop_ins.emplace(file, folder / drop_in / file);
      }
    }
  }
  for (const auto& [file, path] : drop_ins) out.push_back(path);
  return out;
}

std::string expanded(const std::string& text, const std::string& unit) {
  const size_t dot = unit.rfind('.');
  const std::string name = unit.substr(0, dot);
  const size_t mark = name.find('@');
  const std::string prefix = name.substr(0, mark);
  const std::string instance = mark == std::string::npos ? "" : name.substr(mark + 1);
  const std::map<char, std::string> specifiers = {{'n', unit},
                                                  {'N', name},
                                                  {'p', prefix},
                                                  {'P', prefix},
                                                  {'i', instance},
                                                  {'I', instance},
                                                  {'j', prefix.substr(prefix.rfind('-') + 1)},
                                                  {'J', prefix.substr(prefix.rfind('-') + 1)},
                                                  {'%', "%"}};
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto known =
        text[i] == '%' && i + 1 < text.size() ? specifiers.find(text[i + 1]) : specifiers.end();
    if (known == specifiers.end()) {
      out += text[i];
    } else {
      out += known->second;
      ++i;
    }
  }
  return out;
}

bool UnitFile::user() const {
  const std::string& path = folder.native();
  return std::any_of(managers.begin() + 1, managers.end(), [&](const auto& folders) {
    return std::any_of(folders.begin(), folders.end(), [&](auto end) { return path.ends_with(end); });
  });
}

std::vector<std::string> environment_globs(const Path& unit_file) {
  std::vector<std::string> out;
  for (const auto& setting : settings_of(unit_file)) {
    if (setting.key != "EnvironmentFile") continue;
    if (setting.value.empty()) {
      out.clear();  // the empty string resets the list
      continue;
    }
    std::string glob = setting.value.substr(setting.value.starts_with('-') ? 1 : 0);
    // A specifier (%i, %h…) may be anything.
    for (size_t at = glob.find('%'); at != std::string::npos; at = glob.find('%', at))
      glob.replace(at, 2, "**");
    // podman-systemd.unit(5): a relative one starts at the file's own folder.
    const bool relative = !glob.starts_with('/') && !glob.starts_with('*');
    out.push_back(relative ? (unit_file.parent_path() / glob).lexically_normal().string() : std::move(glob));
  }
  return out;
}

std::optional<UnitFile> unit_file(const Path& path) {
  UnitFile out;
  out.source = path.filename().string();
  out.folder = path.parent_path();
  if (out.source.ends_with(".conf") && out.folder.extension() == ".d") {
    out.source = out.folder.stem().string();
    out.folder = out.folder.parent_path();
    out.drop_in = true;
    if (out.source.find('.') == std::string::npos) out.source.insert(0, "*.");
  }
  const SuffixRow* row = row_of(out.source);
  if (row == nullptr) return std::nullopt;
  const size_t stem = out.source.size() - row->suffix.size();
  if (out.drop_in && out.source[stem - 1] == '-') out.source.insert(stem, "*");
  out.quadlet = !row->service.empty();
  out.unit = out.source;
  if (out.quadlet) {
    out.unit.resize(out.unit.size() - row->suffix.size());
    out.unit += row->service;
  }
  return out;
}

std::string service_of(const UnitFile& file) {
  if (!file.quadlet || file.source.find('*') != std::string::npos) return file.unit;
  std::string name;
  for (const auto& path : files_of(file.source, unit_folders(file.folder))) {
    for (const auto& setting : settings_of(path)) {
      if (setting.key == "ServiceName") name = expanded(setting.value, file.source);
    }
  }
  if (name.empty()) return file.unit;
  return name.ends_with(".service") ? name : name + ".service";
}

std::string unit_kind(const UnitFile& file) {
  return file.drop_in ? "systemd-drop-in" : std::string(row_of(file.source)->kind);
}

std::vector<Path> unit_folders(const Path& folder) {
  const std::string& path = folder.native();
  for (const auto& folders : managers) {
    for (const auto& end : folders) {
      const size_t at = position_of(path, end);
      if (at == std::string::npos) continue;
      const std::string root = path.substr(0, at);
      std::vector<Path> out;
      out.reserve(folders.size() + 1);
      for (const auto& each : folders) out.emplace_back(root + std::string(each));
      if (std::find(out.begin(), out.end(), folder) == out.end()) out.push_back(folder);
      return out;
    }
  }
  return {folder};
}

}  // namespace mlship
