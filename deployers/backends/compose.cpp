// Compose files of this host, and the environment files beside them. An object is a service or a variable.
#include <array>

#include "deployers/compose_check.h"
#include "deployers/file_object.h"

namespace mlship {
namespace {

bool is_yaml(const Path& path) {
  const std::string extension = path.extension().string();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

ParsedDocument parse(const Path& path, std::string_view text) {
  if (environment_file(path)) return {parse_environment_file(text), ""};
  return parse_compose(text);
}

bool ignored(const HostFile& file) {
  return !is_yaml(file.path) && !environment_file(file.path);
}

using Type = KeySpec::Type;
constexpr auto settings = std::to_array<KeySpec>({
    {"files", Type::string_list,
     "globs of compose files (*.yaml, *.yml, *.json) and environment files (*.env)", "", true},
    {"install-root", Type::string, "folder of runnable trees: <install-root>/<package>/<version>", ""},
    {"library-path", Type::string, "folder into which a rollout may put the wheels that services name", ""},
    in_place_key,
});

std::string_view pending(const Path&) {
  return "up -d";
}

std::string refusal(const Path& path, std::string_view before, std::string_view after) {
  return environment_file(path) ? "" : compose_structure(before, after);
}

std::unique_ptr<Target> make(const TargetSection& section, const Project& project, Host& host) {
  HostFileKind kind{parse, false, ObjectClass::service, ignored, pending, {}, refusal, {}};
  Process& process = host.process;
  kind.waits = [&process](const Path& file, const ObjectInfo& object, std::int64_t since) {
    // Docker does not say which environment files its containers were made with.
    return environment_file(file) ? std::nullopt : needs_up(process, file, object, since);
  };
  return make_file_target(section, project, std::move(kind));
}

}  // namespace

extern const TargetFactory compose_factory{"compose", "Compose files of this host", settings,
                                           "[targets.stacks]\n"
                                           "kind = \"compose\"\n"
                                           "files = [\"/srv/*/compose.yaml\", \"/srv/*/.env\"]\n"
                                           "install-root = \"/opt/mlship\"\n",
                                           make};

}  // namespace mlship
