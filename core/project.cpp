#include "core/project.h"

#include <set>
#include <utility>

#include "core/names.h"
#include "core/project_parse.h"

namespace mlship {
namespace {

template <typename Map>
std::vector<std::string> keys(const Map& map) {
  std::vector<std::string> out;
  for (const auto& [name, value] : map) out.push_back(name);
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

// what: "registry", plural: "registries".
template <typename Map>
void check_reference(const Map& map, const std::string& name, const Where& where, const std::string& owner,
                     const std::string& what, const std::string& plural) {
  if (map.contains(name)) return;
  const auto known = keys(map);
  throw Error(ErrorCode::project_file, "cannot use " + owner + " of " + where.line_str() + ": no " + what +
                                           " is named '" + name + "'" + did_you_mean(name, known))
      .fact(plural, known.empty() ? "none" : joined(known))
      .hint("add [" + plural + "." + name + "] or name another");
}

void check_environment(const Project& project, const EnvironmentSection& environment) {
  const std::string owner = "environment '" + environment.name + "'";
  // A registry with a colon is a URL (layout:DIR, oci://…); names have none.
  if (!environment.registry.empty() && environment.registry.find(':') == std::string::npos) {
    check_reference(project.registries, environment.registry, environment.at, owner, "registry",
                    "registries");
  }
  std::set<std::string> seen;
  for (const auto& target : environment.targets) {
    check_reference(project.targets, target, environment.at, owner, "target", "targets");
    if (seen.insert(target).second) continue;
    throw Error(ErrorCode::project_file, "cannot use " + owner + " of " + environment.at.line_str() +
                                             ": target '" + target + "' stands twice");
  }
}

// The names that one table gives of another, over both files.
void check_references(const Project& project) {
  for (const auto& [name, environment] : project.environments) check_environment(project, environment);
  for (const auto& [name, target] : project.targets) {
    const std::string index = target.text("index");
    if (index.empty()) continue;
    check_reference(project.indexes, index, target.at, "target '" + name + "'", "index", "indexes");
  }
  if (project.dependencies && !project.dependencies->index.empty()) {
    check_reference(project.indexes, project.dependencies->index, project.dependencies->at, "[dependencies]",
                    "index", "indexes");
  }
}

// As short as a person would write it: relative to the current folder, or absolute.
std::string shown(const Path& path) {
  std::error_code ignored;
  const std::string relative = std::filesystem::relative(path, ignored).string();
  return relative.empty() || relative.size() > path.string().size() ? path.string() : relative;
}

struct Found {
  Path file;
  toml::Node root;         // of the whole file
  const toml::Node* body;  // within root: the table that holds [package]
  std::string prefix;
};

std::optional<Found> read_mlship_toml(const Path& folder) {
  const Path file = folder / "mlship.toml";
  const auto text = fs::read_if_exists(file);
  if (!text) return std::nullopt;
  return Found{file, toml::parse(*text, shown(file), ErrorCode::project_file), nullptr, ""};
}

std::optional<Found> read_pyproject(const Path& folder) {
  const Path file = folder / "pyproject.toml";
  const auto text = fs::read_if_exists(file);
  // A pyproject.toml that never says mlship may be as broken as it likes.
  if (!text || text->find("mlship") == std::string::npos) return std::nullopt;
  // Other tools' tables may hold dates.
  Found found{file, toml::parse(*text, shown(file), ErrorCode::project_file, toml::Dates::strings), nullptr,
              "tool.mlship."};
  const auto* tool = found.root.find("tool");
  const auto* section = tool == nullptr ? nullptr : tool->value->find("mlship");
  if (section == nullptr) return std::nullopt;
  if (section->value->table() == nullptr) {
    throw ProjectSource{shown(file), ""}.error(section->value->at, "'tool.mlship' must be a table");
  }
  found.body = section->value.get();
  return found;
}

std::optional<Found> find_project(const Path& start) {
  Path folder = std::filesystem::absolute(start).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  for (;; folder = folder.parent_path()) {
    if (auto found = read_mlship_toml(folder)) return found;
    if (auto found = read_pyproject(folder)) return found;
    if (folder == folder.parent_path()) return std::nullopt;
  }
}

bool read_user_file(const Path& file, std::span<const KindKeys> kinds, Project& project) {
  const auto text = file.empty() ? std::nullopt : fs::read_if_exists(file);
  if (!text) return false;
  const ProjectSource source{file.string(), ""};
  parse_sections(toml::parse(*text, source.file, ErrorCode::project_file), source, true, kinds, project);
  project.file = source.file;
  return true;
}

template <typename Value>
const Value* value_of(const TargetSection& section, std::string_view key) {
  const auto found = section.values.find(std::string(key));
  return found == section.values.end() ? nullptr : std::get_if<Value>(&found->second);
}

}  // namespace

std::string Where::line_str() const {
  return file + ":" + std::to_string(at.line);
}
std::string Where::str() const {
  return line_str() + ":" + std::to_string(at.column);
}

std::string TargetSection::text(std::string_view key, std::string fallback) const {
  const auto* value = value_of<std::string>(*this, key);
  return value == nullptr ? std::move(fallback) : *value;
}
bool TargetSection::flag(std::string_view key, bool fallback) const {
  const auto* value = value_of<bool>(*this, key);
  return value == nullptr ? fallback : *value;
}
std::vector<std::string> TargetSection::list(std::string_view key) const {
  const auto* value = value_of<std::vector<std::string>>(*this, key);
  return value == nullptr ? std::vector<std::string>{} : *value;
}

Project parse_project(std::string_view text, const std::string& file, const Path& folder,
                      std::span<const KindKeys> kinds) {
  Project project;
  project.folder = folder;
  project.file = file;
  const toml::Node root = toml::parse(text, file, ErrorCode::project_file);
  parse_sections(root, {file, ""}, false, kinds, project);
  check_references(project);
  return project;
}

std::optional<Project> load_project(const Path& start, const Path& user_file,
                                    std::span<const KindKeys> kinds) {
  Project project;
  const bool has_user_file = read_user_file(user_file, kinds, project);
  const auto found = find_project(start);
  if (!found && !has_user_file) return std::nullopt;
  if (found) {
    project.folder = found->file.parent_path();
    project.file = shown(found->file);
    // Read second: an entry of the project replaces the user file's entry of the same name.
    parse_sections(found->body == nullptr ? found->root : *found->body, {project.file, found->prefix}, false,
                   kinds, project);
  }
  check_references(project);
  return project;
}

EnvironmentSection choose_environment(const Project& project, const std::optional<std::string>& named) {
  const auto known = keys(project.environments);
  EnvironmentSection chosen;
  chosen.name = "default";
  if (named && project.environments.contains(*named)) {
    chosen = project.environments.at(*named);
  } else if (named && !(known.empty() && *named == chosen.name)) {
    throw Error(ErrorCode::usage, "cannot use environment '" + *named + "': " + project.file +
                                      " does not declare it" + did_you_mean(*named, known))
        .fact("environments", known.empty() ? "none" : joined(known))
        .hint(known.empty() ? "leave --env out, or add [environments." + *named + "]"
                            : "add --env " + known.front());
  } else if (known.size() == 1) {
    chosen = project.environments.begin()->second;
  } else if (known.size() > 1) {
    throw Error(ErrorCode::environment_ambiguous,
                "cannot choose an environment: " + project.file + " declares " + joined(known))
        .hint("add --env " + known.front());
  }
  if (chosen.registry.empty() && project.registries.size() == 1) {
    chosen.registry = project.registries.begin()->first;
  }
  return chosen;
}

}  // namespace mlship
