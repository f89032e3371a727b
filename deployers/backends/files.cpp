// Any text files of this host. An object is a file, and every reference in it counts.
#include <array>

#include "deployers/file_object.h"

namespace mlship {
namespace {

ParsedDocument parse(const Path&, std::string_view text) {
  return {parse_text(text), "", false};
}

using Type = KeySpec::Type;
constexpr auto settings = std::to_array<KeySpec>({
    {"files", Type::string_list, "globs of text files; relative ones start at the project's folder", "",
     true},
    {"install-root", Type::string, "folder of runnable trees: <install-root>/<package>/<version>", ""},
    {"library-path", Type::string, "folder into which a rollout may put the wheels that the files name", ""},
    in_place_key,
});

std::unique_ptr<Target> make(const TargetSection& section, const Project& project, Host&) {
  HostFileKind kind{parse, nullptr, ObjectClass::both, {}, nullptr, {}, {}, {}};
  kind.foreign_paths = true;
  return make_file_target(section, project, std::move(kind));
}

}  // namespace

extern const TargetFactory files_factory{"files", "text files of this host, by glob", settings,
                                         "[targets.settings]\n"
                                         "kind = \"files\"\n"
                                         "files = [\"/srv/jobs/**/*.conf\"]\n"
                                         "install-root = \"/opt/mlship\"\n",
                                         make};

}  // namespace mlship
