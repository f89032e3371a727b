// Unit files, drop-ins and Quadlet files of this host. An object is a file.
#include <array>
#include <memory>

#include "deployers/document/unit.h"
#include "deployers/file_object.h"
#include "deployers/unit_files.h"

namespace mlship {
namespace {

ParsedDocument parse(const Path& path, std::string_view text) {
  const auto file = unit_file(path);
  if (!file) return {};
  return {{parse_unit(text, unit_kind(*file))}, ""};
}

// What systemd does not read either, and units that are masked (a link to /dev/null).
bool ignored(const HostFile& file) {
  return !unit_file(file.path) || file.resolved == "/dev/null";
}

// A timer and what it starts are jobs; what no timer starts is a service.
void complete(std::vector<LiveObject>& objects) {
  Timers timers;
  for (auto& object : objects) {
    const auto file = unit_file(object.info.id);
    const auto schedule = file ? timers.schedule(*file) : std::nullopt;
    if (!schedule) continue;
    object.info.cls = ObjectClass::job;
    object.info.schedule = *schedule;
  }
}

using Type = KeySpec::Type;
constexpr auto settings = std::to_array<KeySpec>({
    {"files", Type::string_list,
     "globs of unit files, drop-ins (*.service.d/*.conf) and Quadlet files (*.container)", "", true},
    {"install-root", Type::string, "folder of runnable trees: <install-root>/<package>/<version>", ""},
    {"library-path", Type::string, "folder into which a rollout may put the wheels that units name", ""},
});

std::unique_ptr<Target> make(const TargetSection& section, const Project& project, Host& host) {
  HostFileKind kind{parse, false, ObjectClass::service, ignored, "daemon-reload", complete, {}, {}};
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

extern const TargetFactory systemd_factory{"systemd", "systemd units, drop-ins and Quadlet files of this host",
                                           settings,
                                           "[targets.units]\n"
                                           "kind = \"systemd\"\n"
                                           "files = [\"/etc/systemd/system/*\", "
                                           "\"/etc/systemd/system/*.d/*.conf\"]\n"
                                           "install-root = \"/opt/mlship\"\n",
                                           make};

}  // namespace mlship
