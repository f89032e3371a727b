// Crontab files of this host, an anacrontab, and the scripts of cron.daily and its like. An object is an
// entry, an environment line or a script.
#include <array>

#include "deployers/cron_files.h"
#include "deployers/cron_schedule.h"
#include "deployers/file_object.h"

namespace mlship {
namespace {

// crontab(5), cron(8): the user column is there in /etc/crontab and in the files of /etc/cron.d.
bool has_user_column(const Path& path) {
  return path.filename() == "crontab" || path.parent_path().filename() == "cron.d";
}

ParsedDocument parse_script(std::string_view text, std::string schedule) {
  auto objects = parse_text(text);
  objects.front().kind = "cron-script";
  objects.front().schedule = std::move(schedule);
  return {std::move(objects), "", false};
}

ParsedDocument parse(const Path& path, std::string_view text) {
  if (const auto period = script_period(path); !period.empty()) {
    return parse_script(text, std::string(period));
  }
  if (path.filename() == "anacrontab") return parse_anacrontab(text);
  return parse_crontab(text, has_user_column(path));
}

bool by_line(const Path& path) {
  return script_period(path).empty();
}

bool debian() {
  return fs::exists("/etc/debian_version");
}

void sift(std::vector<HostFile>& files) {
  for (auto& file : files) {
    if (!file.by_name) file.idle = name_left_out(file.path, debian());
    if (file.idle.empty()) file.idle = mode_left_out(file.path);
  }
}

std::optional<IdleText> idle_text(const Path& path, std::string_view text) {
  const bool crontab = script_period(path).empty() && path.filename() != "anacrontab";
  const auto from = crontab ? unread_from(text, debian()) : std::nullopt;
  if (!from) return std::nullopt;
  return IdleText{*from, *from == 0
                             ? "cron does not read this file: its last entry does not end with a newline"
                             : "cron does not read this entry: it does not end with a newline"};
}

using Type = KeySpec::Type;
constexpr auto settings = std::to_array<KeySpec>({
    {"files", Type::string_list,
     "globs of crontab files; files in cron.d and files called crontab have the user column, those in "
     "cron.daily are "
     "scripts",
     "", true},
    {"install-root", Type::string, "folder of runnable trees: <install-root>/<package>/<version>", ""},
    {"library-path", Type::string, "folder into which a rollout may put the wheels that entries name", ""},
    in_place_key,
});

std::unique_ptr<Target> make(const TargetSection& section, const Project& project, Host&) {
  HostFileKind kind{parse, by_line, ObjectClass::job, sift, nullptr, {}, {}, {}};
  kind.idle_text = idle_text;
  kind.next_run = [](const ObjectInfo& object, std::int64_t now) {
    return next_cron_run(object.schedule, now);
  };
  return make_file_target(section, project, std::move(kind));
}

}  // namespace

extern const TargetFactory cron_factory{"cron", "crontab files of this host", settings,
                                        "[targets.edge]\n"
                                        "kind = \"cron\"\n"
                                        "files = [\"/etc/cron.d/*\"]\n"
                                        "install-root = \"/opt/mlship\"\n",
                                        make};

}  // namespace mlship
