#include "deployers/unit_files.h"

#include <algorithm>
#include <array>
#include <set>

#include "core/error.h"
#include "deployers/document/unit.h"
#include "deployers/file_set.h"

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
                                                    {".build", "quadlet-unit", "-build.service"}});

// Folders that one manager reads, the strongest first (systemd.unit(5) §Unit File Load Path).
constexpr auto system_folders = std::to_array<std::string_view>(
    {"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
     "/lib/systemd/system", "/etc/containers/systemd", "/usr/share/containers/systemd"});
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

// "score@nightly.service" -> "score@.service"; "" when it is no instance.
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

struct Timer {
  std::string starts;
  std::vector<std::string> when;

  void read(const Path& file) {
    for (const auto& setting : settings_of(file)) {
      if (setting.section != "Timer") continue;
      if (setting.key == "Unit") {
        starts = setting.value;
      } else if (setting.key.starts_with("On")) {
        // systemd.timer(5): the empty string resets all of them.
        if (setting.value.empty()) {
          when.clear();
        } else {
          when.push_back(setting.key == "OnCalendar" ? setting.value : setting.key + "=" + setting.value);
        }
      }
    }
  }
  [[nodiscard]] std::string schedule() const {
    std::string out;
    for (const auto& one : when) out += (out.empty() ? "" : "; ") + one;
    return out;
  }
};

// The timer `name` of these folders with its drop-ins.
Timer read_timer(const std::string& name, const std::vector<Path>& folders) {
  Timer timer;
  timer.starts = name.substr(0, name.rfind('.')) + ".service";
  for (const auto& folder : folders) {
    if (!fs::exists(folder / name)) continue;
    timer.read(folder / name);
    break;
  }
  std::map<std::string, Path> drop_ins;  // by name; the strongest folder's
  for (const auto& folder : folders) {
    for (const auto& file : names_in(folder / (name + ".d"))) {
      if (file.ends_with(".conf") && !file.starts_with('.')) {
        drop_ins.emplace(file, folder / (name + ".d") / file);
      }
    }
  }
  for (const auto& [file, path] : drop_ins) timer.read(path);
  return timer;
}

void add_schedule(std::map<std::string, std::string>& schedules, const std::string& unit,
                  const std::string& schedule) {
  if (unit.empty()) return;
  std::string& known = schedules[unit];
  if (!schedule.empty()) known += (known.empty() ? "" : "; ") + schedule;
}

}  // namespace

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
    // A specifier (%i, %H…) may be anything within a name.
    for (size_t at = glob.find('%'); at != std::string::npos; at = glob.find('%', at))
      glob.replace(at, 2, "*");
    out.push_back(std::move(glob));
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
  }
  const SuffixRow* row = row_of(out.source);
  if (row == nullptr) return std::nullopt;
  out.quadlet = !row->service.empty();
  out.unit = out.source;
  if (out.quadlet) {
    out.unit.resize(out.unit.size() - row->suffix.size());
    out.unit += row->service;
  }
  return out;
}

std::string unit_kind(const UnitFile& file) {
  return file.drop_in ? "systemd-drop-in" : std::string(row_of(file.source)->kind);
}

std::vector<Path> unit_folders(const Path& folder) {
  const std::string& path = folder.native();
  for (const auto& folders : managers) {
    for (const auto& end : folders) {
      if (!path.ends_with(end)) continue;
      const std::string root = path.substr(0, path.size() - end.size());
      std::vector<Path> out;
      out.reserve(folders.size());
      for (const auto& each : folders) out.emplace_back(root + std::string(each));
      return out;
    }
  }
  return {folder};
}

const Timers::Schedules& Timers::of(const Path& folder) {
  auto folders = unit_folders(folder);
  const auto found = known_.find(folders);
  if (found != known_.end()) return found->second;
  std::set<std::string> names;
  for (const auto& each : folders) {
    for (const auto& name : names_in(each)) {
      // A drop-in alone can make the timer of another folder's unit.
      const std::string timer = name.ends_with(".timer.d") ? name.substr(0, name.size() - 2) : name;
      if (timer.ends_with(".timer") && !timer.starts_with('.')) names.insert(timer);
    }
  }
  Schedules schedules;
  for (const auto& name : names) {
    const Timer timer = read_timer(name, folders);
    const std::string when = timer.schedule();
    for (const auto& unit : {name, timer.starts, template_of(timer.starts)}) {
      add_schedule(schedules, unit, when);
    }
  }
  return known_.emplace(std::move(folders), std::move(schedules)).first->second;
}

std::optional<std::string> Timers::schedule(const UnitFile& file) {
  const Schedules& schedules = of(file.folder);
  for (const auto& unit : {file.unit, template_of(file.unit)}) {
    const auto found = schedules.find(unit);
    if (found != schedules.end()) return found->second;
  }
  return std::nullopt;
}

}  // namespace mlship
