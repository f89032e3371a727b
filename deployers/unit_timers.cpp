// What timers start, and when.
#include <algorithm>
#include <array>
#include <set>

#include "core/names.h"
#include "core/text.h"
#include "deployers/file_set.h"
#include "deployers/unit_files.h"
#include "deployers/unit_reading.h"

namespace mlship {
namespace {

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
  for (const auto& file : files_of(name, folders)) timer.read(file);
  timer.starts =
      timer.starts.empty() ? name.substr(0, name.rfind('.')) + ".service" : expanded(timer.starts, name);
  return timer;
}

constexpr size_t longest_name = 255;  // bytes of a unit's name (systemd.unit(5)), and of a file's

// The names of what starts with `unit`: itself, its template, and what a link of that name leads to (Alias=,
// `systemctl link`).
std::set<std::string> names_of(const std::string& unit, const std::vector<Path>& folders) {
  std::set<std::string> out{unit, template_of(unit)};
  for (const auto& name : std::set<std::string>(out)) {
    for (const auto& folder : folders) {
      const bool sound = !name.empty() && name.size() <= longest_name;
      const auto there = sound ? fs::lstat(folder / name) : std::nullopt;
      if (!there || there->kind != fs::Kind::link) continue;
      const auto real = resolve_links(folder / name);
      if (real) out.insert({real->filename().string(), template_of(real->filename().string())});
    }
  }
  return out;
}

void add_schedule(std::map<std::string, UnitSchedule>& schedules, const std::string& unit,
                  const std::string& schedule) {
  if (unit.empty()) return;
  std::string& known = schedules[unit].when;
  if (!schedule.empty()) known += (known.empty() ? "" : "; ") + schedule;
}

// systemd.unit(5): what is started with a unit, or by what becomes of it.
constexpr auto pulling_keys =
    std::to_array<std::string_view>({"Wants", "Requires", "BindsTo", "Upholds", "OnSuccess", "OnFailure"});
constexpr auto pulling_folders = std::to_array<std::string_view>({".wants", ".requires", ".upholds"});
// podman-systemd.unit(5): settings whose values name other Quadlet files, which are started before.
constexpr auto quadlet_keys =
    std::to_array<std::string_view>({"Image", "Rootfs", "Volume", "Network", "Pod", "Mount"});

template <typename List>
bool holds(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool is_template(const std::string& unit) {
  return unit.find("@.") != std::string::npos;
}

// `score@.service` in a folder of `x@fri.service` is `score@fri.service`.
std::string instance_for(const std::string& name, const std::string& unit) {
  const size_t mark = unit.find('@'), dot = unit.rfind('.'), at = name.find("@.");
  if (at == std::string::npos || mark == std::string::npos || dot < mark) return name;
  return std::string(name).insert(at + 1, unit.substr(mark + 1, dot - mark - 1));
}

bool is_unit(const std::string& name) {
  return name.size() <= longest_name && name.find('/') == std::string::npos && unit_file(name).has_value();
}

// Which units start which, of the folders of one manager. Looks at each unit once.
class UnitGraph {
 public:
  explicit UnitGraph(std::vector<Path> folders) : folders_(std::move(folders)) {
    for (const auto& folder : folders_) {
      for (const auto& name : names_in(folder)) {
        const auto file = unit_file(folder / name);
        if (!file || !file->quadlet || file->drop_in) continue;
        sources_.emplace(service_of(*file), name);
        services_.emplace(name, service_of(*file));
      }
    }
  }

  // These units and all that start with them, under all their names; what `jobs` start is theirs.
  std::set<std::string> started_with(const std::set<std::string>& units,
                                     const std::set<std::string>& jobs = {}) {
    std::set<std::string> out, open = units;
    while (!open.empty()) {
      const std::string unit = open.extract(open.begin()).value();
      if (!is_unit(unit) || jobs.contains(unit) || !out.insert(unit).second || is_template(unit)) continue;
      for (const auto& name : names_of(unit, folders_)) open.insert(name);
      for (const auto& pulled : pulled_by(unit)) open.insert(pulled);
    }
    return out;
  }

  // What units that no timer starts want by their folders: what was enabled for the boot, for instance.
  [[nodiscard]] std::set<std::string> wanted_by_others(
      const std::map<std::string, UnitSchedule>& started) const {
    std::set<std::string> out;
    for (const auto& folder : folders_) {
      for (const auto& name : names_in(folder)) {
        const std::string unit = Path(name).stem().string();
        if (!holds(pulling_folders, Path(name).extension().native()) || started.contains(unit)) continue;
        add_entries(folder / name, unit, out);
      }
    }
    return out;
  }

 private:
  const std::set<std::string>& pulled_by(const std::string& unit) {
    const auto [known, fresh] = pulled_.emplace(unit, std::set<std::string>{});
    std::set<std::string>& out = known->second;
    if (!fresh) return out;
    for (const auto& file : files_of(unit, folders_)) add_settings(file, unit, out);
    const auto source = sources_.find(unit);
    if (source != sources_.end()) {
      for (const auto& file : files_of(source->second, folders_)) add_settings(file, unit, out);
    }
    for (const auto& end : pulling_folders) {
      for (const auto& beside : folders_beside(unit, std::string(end))) {
        for (const auto& folder : folders_) add_entries(folder / beside, unit, out);
      }
    }
    return out;
  }

  void add_settings(const Path& file, const std::string& unit, std::set<std::string>& out) const {
    for (const auto& setting : settings_of(file)) {
      if (setting.section == "Unit" && holds(pulling_keys, setting.key)) {
        for (const auto& word : pieces(setting.value, " \t\"'")) {
          const std::string name = expanded(word, unit);
          if (is_unit(name)) out.insert(service_named(name));
        }
      } else if (holds(quadlet_keys, setting.key)) {
        for (const auto& word : pieces(setting.value, " \t,:=")) {
          if (services_.contains(word)) out.insert(service_named(word));
        }
      }
    }
  }

  void add_entries(const Path& folder, const std::string& unit, std::set<std::string>& out) const {
    for (const auto& name : names_in(folder)) {
      const auto real = resolve_links(folder / name);
      const bool masked = real && *real == "/dev/null";
      if (is_unit(name) && !name.starts_with('.') && !masked) out.insert(instance_for(name, unit));
    }
  }

  [[nodiscard]] std::string service_named(const std::string& unit) const {
    const auto quadlet = services_.find(unit);
    return quadlet == services_.end() ? unit : quadlet->second;
  }

  std::vector<Path> folders_;
  std::map<std::string, std::string> sources_, services_;  // service -> Quadlet file, and back
  std::map<std::string, std::set<std::string>> pulled_;
};

}  // namespace

const Timers::Schedules& Timers::of(const Path& folder) {
  auto folders = unit_folders(folder);
  const auto found = known_.find(folders);
  if (found != known_.end()) return found->second;
  std::set<std::string> names;
  for (const auto& each : folders) {
    for (const auto& name : names_in(each)) {
      // A drop-in alone can make the timer of another folder's unit.
      const std::string timer = name.ends_with(".timer.d") ? name.substr(0, name.size() - 2) : name;
      const bool of_several = timer.ends_with("-.timer");
      if (timer.ends_with(".timer") && !timer.starts_with('.') && !of_several) names.insert(timer);
    }
  }
  UnitGraph graph(folders);
  Schedules schedules;
  std::set<std::string> named;  // by a timer
  for (const auto& name : names) {
    const Timer timer = read_timer(name, folders);
    const std::string when = timer.schedule();
    add_schedule(schedules, name, when);
    named.merge(names_of(timer.starts, folders));
    for (const auto& unit : graph.started_with({timer.starts})) add_schedule(schedules, unit, when);
  }
  for (const auto& unit : graph.started_with(graph.wanted_by_others(schedules), named)) {
    const auto known = schedules.find(unit);
    if (known != schedules.end()) known->second.service_too = true;
  }
  return known_.emplace(std::move(folders), std::move(schedules)).first->second;
}

std::optional<UnitSchedule> Timers::schedule_of(const std::string& unit, const Path& folder) {
  const Schedules& schedules = of(folder);
  for (const auto& name : {unit, template_of(unit)}) {
    const auto found = schedules.find(name);
    if (found != schedules.end()) return found->second;
  }
  return std::nullopt;
}

std::optional<UnitSchedule> Timers::schedule(const UnitFile& file) {
  if (file.source.find('*') == std::string::npos) return schedule_of(service_of(file), file.folder);
  // A drop-in of several: the first of them that a timer starts says when.
  if (!file.quadlet) {
    for (const auto& [unit, when] : of(file.folder)) {
      if (glob_match(file.unit, unit)) return when;
    }
    return std::nullopt;
  }
  for (const auto& folder : unit_folders(file.folder)) {
    for (const auto& name : names_in(folder)) {
      const auto source = glob_match(file.source, name) ? unit_file(folder / name) : std::nullopt;
      auto when = source ? schedule_of(service_of(*source), file.folder) : std::nullopt;
      if (when) return when;
    }
  }
  return std::nullopt;
}

}  // namespace mlship
