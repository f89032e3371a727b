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

void sift(std::vector<HostFile>& files) {
  const bool debian = fs::exists("/etc/debian_version");
  std::erase_if(files, [&](const HostFile& file) { return !file.by_name && !cron_reads(file.path, debian); });
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
