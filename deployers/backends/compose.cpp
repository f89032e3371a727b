// Compose files of this host, and the environment files beside them. An object is a service or a variable.
#include <array>
#include <set>

#include "deployers/compose_check.h"
#include "deployers/file_object.h"

namespace mlship {
namespace {

bool is_yaml(const Path& path) {
  const std::string extension = path.extension().string();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

// A file of another name is here because `files` names it in full, and is what its text is.
ParsedDocument parse(const Path& path, std::string_view text) {
  if (is_yaml(path)) return parse_compose(text);
  if (environment_file(path)) return parse_environment_file(text);
  if (is_compose(text)) return parse_compose(text);
  auto variables = parse_environment_file(text);
  return variables.problem.empty() ? variables : ParsedDocument{parse_text(text), "", false};
}

void sift(std::vector<HostFile>& files) {
  std::set<Path> read;  // by the services of the target
  for (const auto& file : files) {
    if (!is_yaml(file.path)) continue;
    const auto content = read_host_file(file);
    const auto* text = content ? std::get_if<std::string>(&*content) : nullptr;
    if (text == nullptr || text->find("env_file") == std::string::npos) continue;
    for (const auto& name : environment_files_of(*text)) {
      read.insert((file.path.parent_path() / name).lexically_normal());
    }
  }
  std::erase_if(files, [&](const HostFile& file) {
    return !file.by_name && !is_yaml(file.path) && !environment_file(file.path) && !read.contains(file.path);
  });
}

bool environment(const Path& file, std::string_view text) {
  return !is_yaml(file) && (environment_file(file) || !is_compose(text));
}

using Type = KeySpec::Type;
constexpr auto settings = std::to_array<KeySpec>({
    {"files", Type::string_list,
     "globs of compose files (*.yaml, *.yml, *.json) and environment files (*.env); others by full name", "",
     true},
    {"install-root", Type::string, "folder of runnable trees: <install-root>/<package>/<version>", ""},
    {"library-path", Type::string, "folder into which a rollout may put the wheels that services name", ""},
    in_place_key,
});

std::string_view pending(const Path&) {
  return "up -d";
}

std::string refusal(const Path& path, std::string_view before, std::string_view after) {
  return environment(path, before) ? "" : compose_structure(before, after);
}

std::unique_ptr<Target> make(const TargetSection& section, const Project& project, Host& host) {
  HostFileKind kind{parse, nullptr, ObjectClass::service, sift, pending, {}, refusal, {}};
  kind.foreign_paths = true;
  Process& process = host.process;
  kind.waits = [&process](const Path& file, const ObjectInfo& object, std::int64_t since) {
    // Docker does not say which environment files its containers were made with.
    const bool services = object.kind != "compose-environment" && object.kind != "file";
    return services ? needs_up(process, file, object, since) : std::nullopt;
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
