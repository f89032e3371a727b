#include "cli/found_project.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/names.h"
#include "packager/build_inputs.h"
#include "packager/entry_points.h"
#include "packager/pickle.h"
#include "packager/raw_tree.h"

namespace mlship {
namespace {

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

bool in_git(const Path& folder) {
  for (Path at = std::filesystem::absolute(folder).lexically_normal();; at = at.parent_path()) {
    if (fs::exists(at / ".git")) return true;
    if (at == at.root_path()) return false;
  }
}

std::string with_hint(const Error& error) {
  return error.message() + (error.hint_text().empty() ? "" : "; " + error.hint_text());
}

// The glob of the tags that are this project's versions, of those that are there.
std::string likely_glob(const std::vector<std::string>& tags, const std::string& name) {
  std::map<std::string, int> prefixes;  // what stands before the version
  for (const auto& tag : tags) {
    const size_t digit = tag.find_first_of("0123456789");
    if (digit != std::string::npos && Version::parse(tag.substr(digit))) ++prefixes[tag.substr(0, digit)];
  }
  const auto rank = [&](const std::pair<const std::string, int>& item) {
    const bool own = normalize_name(item.first).find(normalize_name(name)) != std::string::npos;
    return std::tuple(own ? 3 : item.first == "v" ? 2 : item.first.empty() ? 1 : 0, item.second);
  };
  const auto best = std::max_element(prefixes.begin(), prefixes.end(),
                                     [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  if (best == prefixes.end()) return "v*";
  return best->first.empty() ? "[0-9]*" : best->first + "*";
}

void version_from_tags(const Path& folder, const DeclaredVersion& declared, FoundProject& found) {
  found.version_tag = declared.tag_glob;
  if (!found.version_tag.empty()) return;
  try {
    found.version_tag = likely_glob(git_tags(folder), found.name);
  } catch (const Error& e) {
    found.version_tag = "v*";
    found.notes.push_back(with_hint(e));
  }
}

bool has_version(const Path& folder, const std::string& file) {
  const auto text = fs::read_if_exists(folder / file);
  return text && assigned_version(*text);
}

// Where no file says where the version is: `__version__` of a package, or of the module beside it.
std::string version_beside(const Path& folder, const FoundProject& found) {
  for (const auto& package : found.packages) {
    for (const std::string_view file :
         {"/__init__.py", "/__about__.py", "/_version.py", "/version.py", "/__version__.py", ""}) {
      const std::string path = (Path(found.root) / (package + std::string(file))).lexically_normal().string();
      if (path.ends_with(".py") && has_version(folder, path)) return path;
    }
  }
  return fs::exists(folder / "VERSION") ? "VERSION" : "";
}

void find_version(const Path& folder, const PythonFiles& files, FoundProject& found) {
  const DeclaredVersion& declared = files.version;
  if (declared.from_tags && found.git) return version_from_tags(folder, declared, found);
  if (!declared.file.empty() && fs::exists(folder / declared.file)) found.version_file = declared.file;
  if (!declared.attribute.empty()) found.version_file = attribute_file(folder, declared.attribute);
  if (found.version_file.empty()) found.version_file = version_beside(folder, found);
  if (!found.version_file.empty()) return;
  found.version = "0.1.0";
  if (declared.nothing()) return;
  const std::string place = declared.from_tags ? "git tags, and there is no repository"
                            : !declared.file.empty()
                                ? declared.file + ", which is not there"
                                : declared.attribute + ", which no file assigns a text to";
  found.notes.push_back(declared.by + " has the version from " + place + ": mlship.toml says 0.1.0");
}

std::unique_ptr<SourceTree> code_of(const Path& folder, const Project& project, const FoundProject& found) {
  const auto ignored = found.git ? git_ignored(folder) : std::vector<std::string>();
  return folder_tree(folder, code_selection(project, found.git), ignored);
}

// Those that the build would refuse are left out.
void check_scripts(const PythonFiles& files, const SourceTree& code, Project& project, FoundProject& found) {
  for (const auto& [name, target] : files.scripts) {
    FoundProject alone = found;
    alone.entry_points = {{name, target}};
    try {
      project = parse_project(project_text(alone), "mlship.toml", project.folder, {});
      check_entry_points(project, code);
      found.entry_points[name] = target;
    } catch (const Error& e) {
      const std::string& why = e.message();
      const size_t colon = why.find(": ");
      found.left_out.push_back("the command " + name + ": " +
                               (colon == std::string::npos ? why : why.substr(colon + 2)));
    }
  }
}

void find_code_pickles(const Path& folder, const SourceTree& code, FoundProject& found) {
  for (const auto& file : code.files()) {
    if (file.path.ends_with(".py") || file.size == 0) continue;
    const std::string path(file.path);
    const std::string shown = (Path(found.root) / path).lexically_normal().string();
    if (file.size < 1024 && lfs_pointer(fs::read_file(folder / file.real))) {
      found.notes.push_back(
          shown +
          ": Git LFS keeps it, and the code is read from commits; name it under [[models]] or in "
          "code.exclude");
      continue;
    }
    if (pickle_kind(ByteFile(folder / file.real), path.substr(path.rfind('/') + 1)).empty()) continue;
    found.code_pickles.push_back(path);
    found.left_out.push_back(
        shown +
        ": a pickle in the code, and mlship build refuses it; to ship it, remove the # before "
        "allow-pickle below [code]");
  }
}

// What the build would say of the code as it lies there.
void try_out(const Path& folder, const PythonFiles& files, FoundProject& found) {
  try {
    Project project = parse_project(project_text(found), "mlship.toml", folder, {});
    if (found.packages.empty()) return;
    const auto code = code_of(folder, project, found);
    if (code->files().empty()) {
      found.left_out.push_back("the code: git ignores all of it");
      found.packages.clear();
      return;
    }
    // What a commit holds and a build refuses: a submodule, a link out of the project.
    if (found.git && !git_state(folder, {}).commit.empty()) {
      (void)git_tree(folder, code_selection(project, true))->files();
    }
    check_scripts(files, *code, project, found);
    find_code_pickles(folder, *code, found);
  } catch (const Error& e) {
    found.notes.push_back(with_hint(e));
  }
}

void try_version(const Path& folder, FoundProject& found) {
  try {
    (void)project_version(parse_project(project_text(found), "mlship.toml", folder, {}));
  } catch (const Error& e) {
    found.notes.push_back(with_hint(e));
  }
}

}  // namespace

FoundProject look_around(const Path& folder) {
  FoundProject found;
  const PythonFiles files = read_python_files(folder);
  found.name = files.name;
  found.description = files.description;
  found.left_out = files.left_out;
  found.git = in_git(folder);
  find_code(folder, files, found);
  if (found.name.empty() && found.packages.size() == 1) found.name = found.packages.front();
  // A normal path of a folder may end in a slash, and then has no file name.
  if (found.name.empty())
    found.name = (std::filesystem::absolute(folder) / "x").lexically_normal().parent_path().filename();
  if (!valid_name(found.name)) found.name = "my-package";
  find_version(folder, files, found);
  find_locks(folder, files, found);
  try_out(folder, files, found);
  try_version(folder, found);
  find_models(folder, found);
  find_targets(folder, found);
  return found;
}

}  // namespace mlship
