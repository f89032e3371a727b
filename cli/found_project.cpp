#include "cli/found_project.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/names.h"
#include "core/toml.h"
#include "packager/bundler.h"

namespace mlship {

std::string toml_string(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    // TOML 1.0 §String: control characters have to be escaped; they have no place in these values.
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      out += ' ';
    else if (c == '"' || c == '\\')
      out += std::string("\\") + c;
    else
      out += c;
  }
  return out + "\"";
}

namespace {

constexpr auto lock_names = std::to_array<std::string_view>({"requirements.lock", "requirements.txt"});
constexpr auto exportable = std::to_array<std::string_view>(
    {"uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "conda-lock.yml", "pixi.lock"});
constexpr auto no_code =
    std::to_array<std::string_view>({"tests", "test", "docs", "examples", "scripts", "dist"});
constexpr size_t most_models = 50;

// Files that say which kind of target could hold them. `end`: any file that ends so, written as a glob.
struct TargetRow {
  std::string_view kind, name, end;
};
constexpr auto target_rows = std::to_array<TargetRow>({{"compose", "compose.yaml", ""},
                                                       {"compose", "compose.yml", ""},
                                                       {"compose", "docker-compose.yaml", ""},
                                                       {"compose", "docker-compose.yml", ""},
                                                       {"systemd", "", ".service"},
                                                       {"systemd", "", ".timer"},
                                                       {"systemd", "", ".container"}});

const std::string* text_at(const toml::Node* table, std::string_view key) {
  const auto* member = table == nullptr ? nullptr : table->find(key);
  return member == nullptr ? nullptr : member->value->string();
}

const toml::Node* table_at(const toml::Node& table, std::string_view key) {
  const auto* member = table.find(key);
  return member == nullptr ? nullptr : member->value.get();
}

void read_pyproject(const Path& folder, FoundProject& found) {
  const auto text = fs::read_if_exists(folder / "pyproject.toml");
  if (!text) return;
  const auto root = toml::parse(*text, "pyproject.toml", ErrorCode::project_file);
  const toml::Node* project = table_at(root, "project");
  if (project == nullptr) return;
  if (const auto* name = text_at(project, "name")) found.name = *name;
  if (const auto* version = text_at(project, "version")) found.version = *version;
  if (const auto* description = text_at(project, "description")) found.description = *description;
  const toml::Node* scripts = table_at(*project, "scripts");
  if (scripts == nullptr || scripts->table() == nullptr) return;
  for (const auto& member : *scripts->table()) {
    if (const auto* target = member.value->string()) found.entry_points[member.key] = *target;
  }
}

std::vector<std::string> packages_below(const Path& folder) {
  std::vector<std::string> names;
  if (!fs::exists(folder)) return names;
  for (const auto& name : fs::list(folder)) {
    const bool other = std::find(no_code.begin(), no_code.end(), name) != no_code.end();
    if (!other && fs::exists(folder / name / "__init__.py")) names.push_back(name);
  }
  return names;
}

void find_code(const Path& folder, FoundProject& found) {
  found.packages = packages_below(folder / "src");
  if (!found.packages.empty())
    found.root = "src";
  else
    found.packages = packages_below(folder);
}

void find_version(const Path& folder, FoundProject& found) {
  if (!found.version.empty()) return;
  for (const auto& package : found.packages) {
    const Path file = Path(found.root) / package / "__init__.py";
    const auto text = fs::read_if_exists(folder / file);
    if (!text || !assigned_version(*text)) continue;
    found.version_file = file.lexically_normal().string();
    return;
  }
  found.version = "0.1.0";
}

void find_locks(const Path& folder, FoundProject& found) {
  std::vector<std::string> pinned;
  for (const auto& name : fs::list(folder)) {
    if (std::find(exportable.begin(), exportable.end(), name) != exportable.end())
      found.other_locks.push_back(name);
    const bool candidate =
        name.starts_with("requirements") && (name.ends_with(".txt") || name.ends_with(".lock"));
    if (!candidate) continue;
    const auto text = fs::read_if_exists(folder / name);
    if (text && text->find("--hash=sha256:") != std::string::npos) pinned.push_back(name);
  }
  for (const auto& name : lock_names) {
    if (std::find(pinned.begin(), pinned.end(), name) == pinned.end()) continue;
    found.lock = name;
    return;
  }
  if (!pinned.empty()) found.lock = pinned.front();
}

void find_models(const Path& folder, FoundProject& found) {
  if (!fs::exists(folder / "models")) return;
  for (const auto& path : fs::walk(folder / "models")) {
    if (path.extension() != ".safetensors" || found.models.size() == most_models) continue;
    const auto taken = std::count_if(found.models.begin(), found.models.end(),
                                     [&](const FoundModel& m) { return m.name == path.stem().string(); });
    const std::string name = taken == 0 ? path.stem().string()
                                        : path.parent_path().filename().string() + "-" + path.stem().string();
    found.models.push_back({name, (Path("models") / path).string()});
  }
}

void add_target(std::string_view kind, const std::string& glob, FoundProject& found) {
  const auto same = [&](const FoundTarget& t) { return t.kind == kind; };
  auto target = std::find_if(found.targets.begin(), found.targets.end(), same);
  if (target == found.targets.end()) {
    found.targets.push_back({std::string(kind), {}});
    target = found.targets.end() - 1;
  }
  if (std::find(target->files.begin(), target->files.end(), glob) == target->files.end()) {
    target->files.push_back(glob);
  }
}

void find_targets_in(const Path& folder, const Path& below, FoundProject& found) {
  for (const auto& name : fs::list(folder / below)) {
    for (const auto& row : target_rows) {
      const bool one = row.end.empty() && name == row.name;
      const bool many = !row.end.empty() && name.size() > row.end.size() && name.ends_with(row.end);
      if (one) add_target(row.kind, (below / name).lexically_normal().string(), found);
      if (many)
        add_target(row.kind, (below / ("*" + std::string(row.end))).lexically_normal().string(), found);
    }
  }
}

void find_targets(const Path& folder, FoundProject& found) {
  find_targets_in(folder, ".", found);
  for (const auto& name : fs::list(folder)) {
    const auto stat = fs::stat(folder / name);
    if (!stat || stat->kind != fs::Kind::folder || name.starts_with('.')) continue;
    try {
      find_targets_in(folder, name, found);
    } catch (const Error&) {
      continue;  // a folder that cannot be listed holds nothing to propose
    }
  }
}

void find_python(const Path& folder, FoundProject& found) {
  const auto text = fs::read_if_exists(folder / ".python-version");
  if (!text || !text->starts_with("3.")) return;
  const std::string minor = text->substr(2, text->find_first_not_of("0123456789", 2) - 2);
  if (!minor.empty()) found.python = "3" + minor;
}

bool in_git(const Path& folder) {
  for (Path at = std::filesystem::absolute(folder).lexically_normal();; at = at.parent_path()) {
    if (fs::exists(at / ".git")) return true;
    if (at == at.root_path()) return false;
  }
}

// TOML 1.0 §Keys: letters, digits, `_` and `-` need no quotes.
std::string key_text(const std::string& name) {
  const bool bare = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
  return bare ? name : toml_string(name);
}

std::string code_text(const FoundProject& found) {
  std::string out = "[code]\nroot = " + toml_string(found.root) + "\n";
  if (found.packages.empty()) return out + "include = [\"**/*.py\"]\n";
  out += "include = [";
  for (const auto& name : found.packages)
    out += (name == found.packages.front() ? "" : ", ") + toml_string(name + "/**");
  out += "]\n";
  if (found.entry_points.empty()) {
    return out + "# programs in bin/ of the runnable tree\n# entry-points = { score = " +
           toml_string(found.packages.front() + ".score:main") + " }\n";
  }
  out += "# programs in bin/ of the runnable tree\nentry-points = {";
  bool first = true;
  for (const auto& [name, target] : found.entry_points) {
    out += (first ? " " : ", ") + key_text(name) + " = " + toml_string(target);
    first = false;
  }
  return out + " }\n";
}

std::string dependencies_text(const FoundProject& found) {
  const std::string targets = "targets = [\"cp" + found.python + "-manylinux_2_28_x86_64\"]";
  if (!found.lock.empty()) {
    return "[dependencies]\n# every wheel is taken by its sha256 from here\nlock = " +
           toml_string(found.lock) +
           "\n# where the bundle is to run; `mlship platforms` lists names. Never guessed from this "
           "machine.\n" +
           targets + "\n";
  }
  std::string how = "pip-compile --generate-hashes --output-file requirements.lock";
  if (!found.other_locks.empty() && found.other_locks.front() == "uv.lock") {
    how = "uv export --format requirements-txt --no-emit-project --output-file requirements.lock";
  }
  return "# Dependencies come from a lock with hashes; make one with\n#   " + how +
         "\n# [dependencies]\n# lock = \"requirements.lock\"\n# " + targets + "\n";
}

std::string models_text(const FoundProject& found) {
  std::string out;
  for (const auto& model : found.models) {
    out += "\n[[models]]\nname = " + toml_string(model.name) + "\npath = " + toml_string(model.path) + "\n";
  }
  if (!out.empty()) return out;
  return "\n# [[models]]\n# name = \"classifier\"\n# path = \"models/classifier.safetensors\"\n";
}

constexpr std::string_view trailer = R"(
# Where bundles are kept (default: a folder below your data folder):
# [registries.team]
# url = "layout:/srv/mlship/registry"

# What holds your jobs; `mlship targets` lists kinds and keys:
# [targets.edge]
# kind = "cron"
# files = ["/etc/cron.d/*"]
# install-root = "/opt/mlship"
)";

std::string targets_text(const FoundProject& found) {
  std::string out;
  for (const auto& target : found.targets) {
    out += "#\n# Found here:\n# [targets." + target.kind + "]\n# kind = " + toml_string(target.kind) +
           "\n# files = [";
    for (const auto& glob : target.files)
      out += (glob == target.files.front() ? "" : ", ") + toml_string(glob);
    out += "]\n# install-root = \"/opt/mlship\"\n";
  }
  return out;
}

}  // namespace

FoundProject look_around(const Path& folder) {
  FoundProject found;
  read_pyproject(folder, found);
  find_code(folder, found);
  if (found.name.empty() && found.packages.size() == 1) found.name = found.packages.front();
  // A normal path of a folder may end in a slash, and then has no file name.
  if (found.name.empty())
    found.name = (std::filesystem::absolute(folder) / "x").lexically_normal().parent_path().filename();
  if (!valid_name(found.name)) found.name = "my-package";
  find_version(folder, found);
  find_locks(folder, found);
  find_models(folder, found);
  find_targets(folder, found);
  find_python(folder, found);
  found.git = in_git(folder);
  return found;
}

std::string project_text(const FoundProject& found) {
  std::string out =
      "# What mlship ships of this project. `mlship build` makes one bundle of it.\n\n[package]\n";
  out += "name = " + toml_string(found.name) + "\n";
  out += found.version_file.empty() ? "version = " + toml_string(found.version) + "\n"
                                    : "version = { file = " + toml_string(found.version_file) + " }\n";
  if (!found.description.empty()) out += "description = " + toml_string(found.description) + "\n";
  out += "# owner = \"team-growth\"\n\n";
  out += code_text(found) + "\n" + dependencies_text(found) + models_text(found);
  return out + std::string(trailer) + targets_text(found);
}

}  // namespace mlship
