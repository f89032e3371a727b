// Crontab files of this host. An object is an entry or an environment line.
#include <algorithm>
#include <array>

#include "deployers/cron_schedule.h"
#include "deployers/file_object.h"

namespace mlship {
namespace {

// crontab(5), cron(8): the user column is there in /etc/crontab and in the files of /etc/cron.d.
bool has_user_column(const Path& path) {
  return path.filename() == "crontab" || path.parent_path().filename() == "cron.d";
}

ParsedDocument parse(const Path& path, std::string_view text) {
  return {parse_crontab(text, has_user_column(path)), ""};
}

// Copies that editors and package managers leave; cron does not run them either.
constexpr auto copies = std::to_array<std::string_view>({"~", ".bak", ".orig", ".dpkg-old", ".dpkg-new",
                                                         ".dpkg-dist", ".dpkg-tmp", ".ucf-old", ".ucf-dist",
                                                         ".ucf-new", ".rpmsave", ".rpmnew", ".rpmorig"});
bool ignored(const HostFile& file) {
  const std::string& name = file.path.native();
  return std::any_of(copies.begin(), copies.end(), [&](auto suffix) { return name.ends_with(suffix); });
}

using Type = KeySpec::Type;
constexpr auto settings = std::to_array<KeySpec>({
    {"files", Type::string_list,
     "globs of crontab files; files in cron.d and files called crontab have the user column", "", true},
    {"install-root", Type::string, "folder of runnable trees: <install-root>/<package>/<version>", ""},
    {"library-path", Type::string, "folder into which a rollout may put the wheels that entries name", ""},
    in_place_key,
});

std::unique_ptr<Target> make(const TargetSection& section, const Project& project, Host&) {
  HostFileKind kind{parse, true, ObjectClass::job, ignored, nullptr, {}, {}, {}};
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
