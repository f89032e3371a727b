// The unit files around one of them: which unit a file is about, the folders that systemd reads together with
// its own, what starts it and when.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/host/fs.h"
#include "deployers/target.h"

namespace mlship {

// A unit file, a Quadlet file, or a drop-in: of one unit, of all whose names begin alike (`score-.service.d`)
// or of a type (`service.d`).
struct UnitFile {
  std::string unit;    // the unit it makes or changes: "score.service", "score@.service", "score-*.service"
  std::string source;  // the file of that unit: "score.service", "score.container", "score-*.container"
  Path folder;         // that the source belongs into
  bool drop_in = false;
  bool quadlet = false;
  [[nodiscard]] bool user() const;  // of a user's manager
};
// nullopt: systemd does not read a file of this name.
std::optional<UnitFile> unit_file(const Path& path);
std::string unit_kind(const UnitFile& file);  // "systemd-service", "systemd-drop-in", "quadlet-container"

// The folders systemd reads together with `folder`, itself among them, the strongest first; only itself when
// it is none of systemd's. Folders of another root (of an image, of a test) belong to that root.
std::vector<Path> unit_folders(const Path& folder);

// The unit that the file makes or changes, by ServiceName= of a Quadlet file too.
std::string service_of(const UnitFile& file);

struct UnitSchedule {
  std::string when;  // as it is written
  // A timer starts it by way of another unit, and something that no timer starts wants it too.
  bool service_too = false;
};

// Schedules of the units that timers start, and of those that start with them. Reads each folder once.
class Timers {
 public:
  // Of the file's unit; nullopt when no timer starts it and it is none.
  std::optional<UnitSchedule> schedule(const UnitFile& file);

 private:
  using Schedules = std::map<std::string, UnitSchedule>;  // by unit
  const Schedules& of(const Path& folder);
  std::optional<UnitSchedule> schedule_of(const std::string& unit, const Path& folder);
  std::map<std::vector<Path>, Schedules> known_;
};

// What reads its variables from which file: globs of `EnvironmentFile=`, of systemd.exec(5).
std::vector<std::string> environment_globs(const Path& unit_file);

// Why `systemd-analyze verify` refuses the unit with the edited file though it takes it with the old one; ""
// when it takes it, takes neither, or is not installed. Works on copies in a temporary folder.
std::string verify_unit(Process& process, const Path& path, std::string_view before, std::string_view after);

// Whether the running manager waits for a daemon-reload because of this file; nullopt when it cannot be
// asked, or reads other files. Starts nothing.
std::optional<bool> needs_reload(Process& process, const Path& path);

}  // namespace mlship
