// Unit files, drop-ins, Quadlet files and environment files of this host. An object is a file.
#include <algorithm>
#include <array>
#include <map>
#include <memory>

#include "core/names.h"
#include "deployers/document/unit.h"
#include "deployers/file_object.h"
#include "deployers/unit_files.h"

namespace mlship {
namespace {

// Folders whose files units name as EnvironmentFile= by custom, whatever they are called.
constexpr auto environment_folders = std::to_array<std::string_view>({"default", "sysconfig"});

bool is_environment(const Path& path) {
  if (unit_file(path)) return false;
  const std::string folder = path.parent_path().filename().string();
  return environment_file(path) || std::find(environment_folders.begin(), environment_folders.end(),
                                             folder) != environment_folders.end();
}

// Comments and continued lines of environment files are those of unit files (systemd.exec(5)). What else a
// file holds that a shell reads too is taken as it stands.
ParsedDocument parse(const Path& path, std::string_view text) {
  if (const auto file = unit_file(path)) return {{parse_unit(text, unit_kind(*file))}, "", false};
  if (only_variables(text)) return {{parse_unit(text, "systemd-environment")}, "", false};
  return {parse_text(text), "", false};
}

// Units that are masked (a link to /dev/null) are nothing; what systemd does not read either is idle. What a
// unit of the target names as its environment counts, whatever it is called.
void sift(std::vector<HostFile>& files) {
  std::vector<std::string> read;
  for (const auto& file : files) {
    if (!unit_file(file.path)) continue;
    for (auto& glob : environment_globs(file.path)) read.push_back(std::move(glob));
  }
  std::erase_if(files, [](const HostFile& file) { return file.resolved == "/dev/null"; });
  for (auto& file : files) {
    if (file.by_name || unit_file(file.path) || is_environment(file.path)) continue;
    const bool named = std::any_of(read.begin(), read.end(), [&](const std::string& glob) {
      return glob_match(glob, file.path.native());
    });
    if (!named) file.idle = "systemd does not read a file of this name there";
  }
}

// An environment file is read anew whenever its unit starts.
std::string_view pending(const Path& path) {
  return unit_file(path) ? "daemon-reload" : "";
}

// The schedule of the unit by any of the file's names; nullopt: no timer starts it.
std::optional<UnitSchedule> schedule_of(const HostFile& file, Timers& timers) {
  for (const auto& name : file.names) {
    const auto unit = unit_file(name);
    auto when = unit ? timers.schedule(*unit) : std::nullopt;
    if (when) return when;
  }
  return std::nullopt;
}

// A unit's EnvironmentFile=, and the schedule of what reads it; nullopt: a service.
struct EnvironmentReader {
  std::string glob;
  std::optional<UnitSchedule> schedule;
};

std::vector<EnvironmentReader> environment_readers(const std::vector<HostFile>& files, Timers& timers) {
  std::vector<EnvironmentReader> out;
  for (const auto& each : files) {
    if (!unit_file(each.path)) continue;
    for (auto& glob : environment_globs(each.path))
      out.push_back({std::move(glob), schedule_of(each, timers)});
  }
  return out;
}

// It is of the class of the units that read it; of both classes when both do, or none of the target's.
void complete_environment(ObjectInfo& info, const std::vector<EnvironmentReader>& readers) {
  bool jobs = false, services = false;
  for (const auto& reader : readers) {
    if (!glob_match(reader.glob, info.id)) continue;
    jobs = jobs || reader.schedule.has_value();
    services = services || !reader.schedule || reader.schedule->service_too;
    if (reader.schedule && info.schedule.empty()) info.schedule = reader.schedule->when;
  }
  info.cls = jobs == services ? ObjectClass::both : jobs ? ObjectClass::job : ObjectClass::service;
}

// A timer and what it starts are jobs; what no timer starts is a service. What starts along with a job, and
// with a service or the boot too, is both.
void complete(std::vector<LiveObject>& objects, const std::vector<HostFile>& files) {
  Timers timers;
  const auto readers = environment_readers(files, timers);
  std::map<std::string, const HostFile*> by_id;
  for (const auto& file : files) by_id.emplace(file.path.string(), &file);
  for (auto& object : objects) {
    const auto file = by_id.find(object.info.id);
    if (!unit_file(object.info.id)) {
      complete_environment(object.info, readers);
    } else if (const auto schedule =
                   file == by_id.end() ? std::nullopt : schedule_of(*file->second, timers)) {
      object.info.cls = schedule->service_too ? ObjectClass::both : ObjectClass::job;
      object.info.schedule = schedule->when;
    }
  }
}

using Type = KeySpec::Type;
constexpr auto settings = std::to_array<KeySpec>({
    {"files", Type::string_list,
     "globs of unit files, drop-ins (*.service.d/*.conf), Quadlet files (*.container) and environment files "
     "(*.env, default/*, what EnvironmentFile= names); others by full name",
     "", true},
    {"install-root", Type::string, "folder of runnable trees: <install-root>/<package>/<version>", ""},
    {"library-path", Type::string, "folder into which a rollout may put the wheels that units name", ""},
    in_place_key,
});

std::unique_ptr<Target> make(const TargetSection& section, const Project& project, Host& host) {
  HostFileKind kind{parse, nullptr, ObjectClass::service, sift, pending, complete, {}, {}};
  Process& process = host.process;
  kind.refusal = [&process](const Path& file, std::string_view before, std::string_view after) {
    return verify_unit(process, file, before, after);
  };
  kind.waits = [&process](const Path& file, const ObjectInfo&, std::int64_t) {
    return needs_reload(process, file);
  };
  return make_file_target(section, project, std::move(kind));
}

}  // namespace

extern const TargetFactory systemd_factory{"systemd", "systemd units, drop-ins and Quadlet files", settings,
                                           "[targets.units]\n"
                                           "kind = \"systemd\"\n"
                                           "files = [\"/etc/systemd/system/*\", "
                                           "\"/etc/systemd/system/*.d/*.conf\"]\n"
                                           "install-root = \"/opt/mlship\"\n",
                                           make};

}  // namespace mlship
