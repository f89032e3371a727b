// Where the code of a project lies: as its own files say, else as its build tool would find it.
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/found_project.h"
#include "core/error.h"
#include "core/names.h"

namespace mlship {
namespace {

// Folders whose Python is about the project and not of it.
constexpr auto beside =
    std::to_array<std::string_view>({"tests", "test", "testing", "docs", "doc", "examples", "example",
                                     "benchmarks", "ci", "scripts", "tools", "tasks", "notebooks"});
// Folders that are none of the project's: what tools make.
constexpr auto made = std::to_array<std::string_view>(
    {"dist", "build", "node_modules", "__pycache__", "site-packages", "venv", "env", "htmlcov"});
// Modules that other programs read.
constexpr auto settings = std::to_array<std::string_view>(
    {"setup.py", "conftest.py", "noxfile.py", "fabfile.py", "dodo.py", "gunicorn.conf.py", "build.py"});
// Folders of models, in which Python is a guest.
constexpr auto model_folders =
    std::to_array<std::string_view>({"models", "model", "weights", "artifacts", "checkpoints"});
constexpr int deepest = 4;

template <typename Names>
bool any_of(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_folder(const Path& path) {
  const auto stat = fs::stat(path);
  return stat && stat->kind == fs::Kind::folder;
}

std::vector<std::string> names_in(const Path& folder) {
  try {
    return is_folder(folder) ? fs::list(folder) : std::vector<std::string>();
  } catch (const Error&) {
    return {};  // a folder that cannot be listed holds nothing to propose
  }
}

bool has_python(const Path& folder, int depth) {
  if (depth == deepest) return false;
  const auto names = names_in(folder);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    if (name.ends_with(".py")) return true;
    return !not_the_project(folder, name) && is_folder(folder / name) && has_python(folder / name, depth + 1);
  });
}

// The importable things of one folder.
struct Importable {
  std::vector<std::string> packages;    // with __init__.py
  std::vector<std::string> namespaces;  // without, and Python somewhere below
  std::vector<std::string> modules;     // "train.py"
  std::vector<std::string> beside;      // tests, docs, …
};

Importable importable_in(const Path& folder) {
  Importable out;
  for (const auto& name : names_in(folder)) {
    if (not_the_project(folder, name)) continue;
    const Path path = folder / name;
    if (name.ends_with(".py")) {
      if (!any_of(settings, name) && !is_folder(path)) out.modules.push_back(name);
    } else if (is_folder(path)) {
      const bool other = any_of(beside, name);
      if (other ? has_python(path, 0) : fs::exists(path / "__init__.py")) {
        (other ? out.beside : out.packages).push_back(name);
      } else if (!other && has_python(path, 0)) {
        out.namespaces.push_back(name);
      }
    }
  }
  return out;
}

void take(const Path& folder, const std::string& name, FoundProject& found) {
  if (any_of(found.packages, name)) return;
  found.packages.push_back(name);
  const bool module = name.ends_with(".py");
  const bool guest = any_of(model_folders, name) && !fs::exists(folder / name / "__init__.py");
  found.include.push_back(module ? name : name + (guest ? "/**/*.py" : "/**"));
}

// "churn" below the root, as folder or module; "" when there is neither.
std::string real_name(const Path& root, const std::string& module) {
  if (is_folder(root / module)) return module;
  return fs::exists(root / (module + ".py")) ? module + ".py" : std::string();
}

std::vector<std::string> wanted_names(const PythonFiles& files) {
  if (!files.layout.modules.empty()) return files.layout.modules;
  if (!files.layout.alone || !files.layout.package || files.name.empty()) return {};
  std::string name = normalize_name(files.name);
  std::replace(name.begin(), name.end(), '-', '_');
  return {name};
}

// The modules that the project's own files name. False when none of them is there.
bool take_named(const Path& folder, const PythonFiles& files, FoundProject& found) {
  const auto names = wanted_names(files);
  const std::vector<std::string> roots =
      files.layout.root.empty() ? std::vector<std::string>{"src", "."} : std::vector{files.layout.root};
  for (const auto& root : roots) {
    std::vector<std::string> missing;
    for (const auto& name : names) {
      const std::string real = real_name(folder / root, name);
      if (real.empty()) {
        missing.push_back(name);
      } else {
        take(folder / root, real, found);
      }
    }
    if (found.packages.empty()) continue;
    found.root = Path(root).lexically_normal().generic_string();
    for (const auto& name : missing) {
      found.left_out.push_back(
          fmt::format("the package {}: the project names it, and {} has no such folder", name, found.root));
    }
    return true;
  }
  for (const auto& name : files.layout.modules) {
    found.left_out.push_back(
        fmt::format("the package {}: the project names it, and no such folder is here", name));
  }
  return false;
}

std::vector<std::string> names_of(const Importable& all) {
  std::vector<std::string> out = all.packages;
  out.insert(out.end(), all.namespaces.begin(), all.namespaces.end());
  out.insert(out.end(), all.modules.begin(), all.modules.end());
  return out;
}

void take_all(const Path& folder, const std::string& root, const Importable& all, FoundProject& found) {
  found.root = Path(root).lexically_normal().generic_string();
  for (const auto& name : names_of(all)) take(folder / root, name, found);
}

// A project that builds a wheel ships its packages; one that does not is run as it lies there.
void take_flat(const Path& folder, const PythonFiles& files, FoundProject& found) {
  Importable all = importable_in(folder);
  if (files.layout.package && !all.packages.empty()) {
    all.namespaces.clear();
    all.modules.clear();
  }
  take_all(folder, ".", all, found);
}

void say_what_is_left(const Path& folder, FoundProject& found) {
  std::vector<std::string> rest;
  const Importable here = importable_in(folder / found.root);
  for (const auto& name : names_of(here)) {
    if (!any_of(found.packages, name)) rest.push_back(name);
  }
  rest.insert(rest.end(), here.beside.begin(), here.beside.end());
  if (found.root != ".") {
    for (const auto& name : importable_in(folder).modules) rest.push_back(name);
  }
  if (rest.empty()) return;
  found.left_out.push_back(
      fmt::format("{}: Python beside the code; add to include what a job runs", fmt::join(rest, ", ")));
}

}  // namespace

bool not_the_project(const Path& folder, const std::string& name) {
  return name.starts_with('.') || any_of(made, name) || name.ends_with(".egg-info") ||
         fs::exists(folder / name / "pyvenv.cfg");
}

void find_code(const Path& folder, const PythonFiles& files, FoundProject& found) {
  if (!take_named(folder, files, found)) {
    const std::string root = files.layout.root.empty() || !is_folder(folder / files.layout.root)
                                 ? std::string("src")
                                 : files.layout.root;
    const Importable below = importable_in(folder / root);
    if (names_of(below).empty()) {
      take_flat(folder, files, found);
    } else {
      take_all(folder, root, below, found);
    }
  }
  if (!found.packages.empty()) say_what_is_left(folder, found);
}

}  // namespace mlship
