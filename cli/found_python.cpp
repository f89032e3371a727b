// What pyproject.toml, setup.cfg and setup.py say of a project, in the words of each build tool.
#include <algorithm>
#include <array>

#include "cli/found_project.h"
#include "core/error.h"
#include "core/text.h"

namespace mlship {
namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string top_of(const std::string& module) {
  return module.substr(0, module.find_first_of("./"));
}

void add_module(DeclaredLayout& layout, const std::string& module) {
  const std::string top = top_of(module);
  if (top.empty() || top.find('*') != std::string::npos) return;
  auto& all = layout.modules;
  if (std::find(all.begin(), all.end(), top) == all.end()) all.push_back(top);
}

// "src/churn" lies below "src". A second root cannot be said in mlship.toml.
void add_path(PythonFiles& files, const std::string& path, const std::string& from) {
  const Path whole = (Path(from.empty() ? "." : from) / path).lexically_normal();
  std::string root = from.empty() ? whole.parent_path().generic_string() : Path(from).generic_string();
  if (root.empty()) root = ".";
  const std::string module = from.empty() ? whole.filename().string() : path;
  if (!files.layout.root.empty() && files.layout.root != root) {
    files.left_out.push_back(whole.generic_string() + ": the code has one root, and " + files.layout.root +
                             " is taken; build a second package of it");
    return;
  }
  files.layout.root = root;
  add_module(files.layout, module.ends_with(".py") ? module.substr(0, module.size() - 3) : module);
}

void poetry_layout(const toml::Node& root, PythonFiles& files) {
  const auto* mode = node_at(root, "tool.poetry.package-mode");
  const bool* flag = mode == nullptr ? nullptr : std::get_if<bool>(&mode->value);
  if (flag != nullptr && !*flag) files.layout.package = false;
  const auto* packages = node_at(root, "tool.poetry.packages");
  if (packages == nullptr || packages->array() == nullptr) return;
  for (const auto& item : *packages->array()) {
    const std::string include = text_at(*item, "include"), from = text_at(*item, "from");
    const auto formats = texts_at(*item, "format");
    if (!formats.empty() && std::find(formats.begin(), formats.end(), "wheel") == formats.end()) continue;
    if (!include.empty()) add_path(files, top_of(include), from.empty() ? "." : from);
  }
}

void hatch_layout(const toml::Node& root, PythonFiles& files) {
  const std::string table = "tool.hatch.build.targets.wheel.";
  for (const std::string_view key : {"packages", "only-include"}) {
    for (const auto& path : texts_at(root, table + std::string(key))) add_path(files, path, "");
  }
  for (const std::string_view key : {"force-include", "shared-data", "shared-scripts"}) {
    if (node_at(root, table + std::string(key)) == nullptr) continue;
    files.left_out.push_back(std::string(key) +
                             " of pyproject.toml: mlship's wheel has files of the code only");
  }
}

void setuptools_layout(const toml::Node& root, PythonFiles& files) {
  if (const auto* folders = node_at(root, "tool.setuptools.package-dir")) {
    files.layout.root = text_at(*folders, "");
    if (const auto* all = folders->find("")) {
      if (const auto* text = all->value->string()) files.layout.root = *text;
    }
  }
  for (const auto& where : texts_at(root, "tool.setuptools.packages.find.where")) {
    if (files.layout.root.empty()) files.layout.root = where;
  }
  for (const std::string_view key : {"packages", "py-modules"}) {
    for (const auto& name : texts_at(root, "tool.setuptools." + std::string(key)))
      add_module(files.layout, name);
  }
}

void pdm_layout(const toml::Node& root, PythonFiles& files) {
  files.layout.root = text_at(root, "tool.pdm.build.package-dir");
  if (files.layout.root.empty()) files.layout.root = text_at(root, "tool.pdm.package-dir");
  const auto* distribution = node_at(root, "tool.pdm.distribution");
  const bool* flag = distribution == nullptr ? nullptr : std::get_if<bool>(&distribution->value);
  if (flag != nullptr && !*flag) files.layout.package = false;
}

void uv_layout(const toml::Node& root, PythonFiles& files) {
  const auto* there = node_at(root, "tool.uv.build-backend.module-root");
  const std::string* text = there == nullptr ? nullptr : there->string();
  files.layout.root = text == nullptr ? "src" : text->empty() ? "." : *text;
  for (const auto& name : texts_at(root, "tool.uv.build-backend.module-name")) add_module(files.layout, name);
}

void flit_layout(const toml::Node& root, PythonFiles& files) {
  for (const std::string_view path : {"tool.flit.module.name", "tool.flit.metadata.module"}) {
    if (const std::string name = text_at(root, path); !name.empty()) add_module(files.layout, name);
  }
}

void compiled_layout(const toml::Node& root, PythonFiles& files) {
  files.layout.root = text_at(root, "tool.maturin.python-source");
  files.left_out.push_back(
      "what " + files.tool +
      " compiles: mlship's wheel is pure Python; build it with that tool and publish it: "
      "mlship publish --artifact FILE.whl");
}

// `alone`: it ships the one module that has the project's name.
struct ToolRow {
  std::string_view backend, name;
  bool alone;
  void (*layout)(const toml::Node&, PythonFiles&);
};
constexpr auto tools = std::to_array<ToolRow>({
    {"poetry", "poetry", true, poetry_layout},
    {"hatchling", "hatch", true, hatch_layout},
    {"setuptools", "setuptools", false, setuptools_layout},
    {"pdm", "pdm", false, pdm_layout},
    {"uv", "uv", true, uv_layout},
    {"flit", "flit", true, flit_layout},
    {"maturin", "maturin", true, compiled_layout},
    {"scikit_build", "scikit-build", true, compiled_layout},
    {"mesonpy", "meson", true, compiled_layout},
});

void read_tool(const toml::Node& root, PythonFiles& files) {
  const std::string backend = text_at(root, "build-system.build-backend");
  const bool poetry = backend.empty() && node_at(root, "tool.poetry") != nullptr;
  // PEP 517 §source trees: a [build-system] without a backend is setuptools'.
  const bool old = backend.empty() && node_at(root, "build-system") != nullptr;
  const std::string name = poetry ? "poetry" : old ? "setuptools" : backend;
  const auto* row = std::find_if(tools.begin(), tools.end(),
                                 [&](const ToolRow& tool) { return name.starts_with(tool.backend); });
  files.layout.package = !name.empty();
  if (row == tools.end()) {
    if (node_at(root, "tool.setuptools") != nullptr) setuptools_layout(root, files);
    return;
  }
  files.tool = row->name;
  files.layout.alone = row->alone;
  row->layout(root, files);
}

// What a command means: "churn.score:main", without what mlship has no words for.
void add_script(const std::string& name, std::string_view value, PythonFiles& files) {
  const size_t bracket = value.find('[');
  if (bracket != std::string_view::npos) {
    files.left_out.push_back("the extra " + std::string(stripped(value.substr(bracket), blanks)) +
                             " of the command " + name + ": what it needs has to be in the lock");
  }
  files.scripts[name] = stripped(value.substr(0, bracket), blanks);
}

void read_script(const std::string& name, const toml::Node& value, PythonFiles& files) {
  if (const auto* text = value.string()) return add_script(name, *text, files);
  // poetry: { reference = "churn.score:main", type = "console", extras = […] }, and { callable = … } before.
  std::string reference = text_at(value, "reference");
  if (reference.empty()) reference = text_at(value, "callable");
  if (reference.empty() || text_at(value, "type") == "file") {
    files.left_out.push_back("the command " + name + ": a file, and mlship's commands are functions");
    return;
  }
  const auto extras = texts_at(value, "extras");
  std::string all;
  for (const auto& extra : extras) all += (all.empty() ? "" : ", ") + extra;
  add_script(name, reference + (all.empty() ? "" : " [" + all + "]"), files);
}

constexpr auto script_tables = std::to_array<std::string_view>({
    "project.scripts",
    "project.entry-points.console_scripts",
    "tool.poetry.scripts",
    "tool.flit.scripts",
});
constexpr auto group_tables =
    std::to_array<std::string_view>({"project.entry-points", "tool.poetry.plugins", "tool.flit.entrypoints"});

void leave_out_group(const std::string& group, PythonFiles& files) {
  if (group == "console_scripts") return;
  files.left_out.push_back("the entry points of " + group + ": mlship's wheel has commands only");
}

void read_scripts(const toml::Node& root, PythonFiles& files) {
  for (const auto path : script_tables) {
    const auto* table = node_at(root, path);
    if (table == nullptr || table->table() == nullptr) continue;
    for (const auto& member : *table->table()) read_script(member.key, *member.value, files);
  }
  if (node_at(root, "project.gui-scripts") != nullptr) leave_out_group("gui-scripts", files);
  for (const auto path : group_tables) {
    const auto* table = node_at(root, path);
    if (table == nullptr || table->table() == nullptr) continue;
    for (const auto& member : *table->table()) leave_out_group(member.key, files);
  }
}

void read_pyproject(const Path& folder, PythonFiles& files) {
  const auto text = fs::read_if_exists(folder / "pyproject.toml");
  if (!text) return;
  const auto root = toml::parse(*text, "pyproject.toml", ErrorCode::project_file, toml::Dates::strings);
  for (const std::string_view path : {"project", "tool.poetry", "tool.flit.metadata"}) {
    const auto* table = node_at(root, path);
    if (table == nullptr) continue;
    if (files.name.empty()) files.name = text_at(*table, path.starts_with("tool.flit") ? "module" : "name");
    if (files.description.empty()) files.description = text_at(*table, "description");
  }
  for (const std::string_view path : {"project.requires-python", "tool.poetry.dependencies.python"}) {
    if (files.python.empty()) files.python = text_at(root, path);
  }
  files.version = declared_version(root);
  if (!files.version.text.empty()) files.version.file = "pyproject.toml";
  const auto* poetry = node_at(root, "tool.poetry.dependencies");
  const bool more = poetry != nullptr && poetry->table() != nullptr && poetry->table()->size() > 1;
  if (more || !texts_at(root, "project.dependencies").empty()) files.dependencies = "pyproject.toml";
  read_tool(root, files);
  read_scripts(root, files);
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out = pieces(text, "\n");
  for (auto& line : out) line = std::string(stripped(line, blanks));
  std::erase(out, "");
  return out;
}

// Values of setup.cfg, "" when absent.
std::string cfg_value(const IniFile& file, std::string_view section, std::string_view key) {
  const auto found = file.find(section);
  if (found == file.end()) return {};
  const auto value = found->second.find(key);
  return value == found->second.end() ? std::string() : std::string(stripped(value->second, blanks));
}

void cfg_layout(const IniFile& cfg, PythonFiles& files) {
  for (const auto& line : lines_of(cfg_value(cfg, "options", "package_dir"))) {
    if (line.starts_with('=')) files.layout.root = stripped(std::string_view(line).substr(1), blanks);
  }
  const std::string where = cfg_value(cfg, "options.packages.find", "where");
  if (!where.empty() && files.layout.root.empty()) files.layout.root = where;
  for (const std::string_view key : {"packages", "py_modules"}) {
    std::string value = cfg_value(cfg, "options", key);
    if (value.starts_with("find")) continue;
    std::replace(value.begin(), value.end(), ',', '\n');
    for (const auto& name : lines_of(value)) add_module(files.layout, name);
  }
}

void cfg_scripts(const IniFile& cfg, PythonFiles& files) {
  const auto groups = cfg.find("options.entry_points");
  if (groups == cfg.end()) return;
  for (const auto& [group, value] : groups->second) {
    leave_out_group(group, files);
    if (group != "console_scripts") continue;
    for (const auto& line : lines_of(value)) {
      const size_t equals = line.find('=');
      if (equals == std::string::npos) continue;
      const std::string_view text = line;
      add_script(std::string(stripped(text.substr(0, equals), blanks)), text.substr(equals + 1), files);
    }
  }
}

void read_setup_cfg(const Path& folder, PythonFiles& files) {
  const auto text = fs::read_if_exists(folder / "setup.cfg");
  if (!text) return;
  const IniFile cfg = parse_ini(*text, Indented::continued);
  // Many projects keep only the settings of linters in it.
  if (!cfg.contains("metadata") && !cfg.contains("options")) return;
  files.layout.package = true;
  if (files.tool.empty()) files.tool = "setuptools";
  if (files.name.empty()) files.name = cfg_value(cfg, "metadata", "name");
  if (files.description.empty()) files.description = cfg_value(cfg, "metadata", "description");
  if (files.python.empty()) files.python = cfg_value(cfg, "options", "python_requires");
  if (files.dependencies.empty() && !cfg_value(cfg, "options", "install_requires").empty())
    files.dependencies = "setup.cfg";
  if (const auto version = declared_version(cfg); files.version.nothing() && !version.nothing()) {
    files.version = version;
    if (!version.text.empty()) files.version.file = "setup.cfg";
  }
  cfg_layout(cfg, files);
  cfg_scripts(cfg, files);
}

// A program: init runs none. What it alone knows has to be written by hand.
void read_setup_py(const Path& folder, PythonFiles& files) {
  const auto text = fs::read_if_exists(folder / "setup.py");
  if (!text) return;
  files.layout.package = true;
  if (files.tool.empty()) files.tool = "setuptools";
  const auto says = [&](std::string_view word) { return text->find(word) != std::string::npos; };
  if (files.version.nothing() && says("use_scm_version")) {
    files.version.from_tags = true;
    files.version.by = "setup.py";
  }
  std::string alone;
  const auto add = [&](bool missing, std::string_view word, std::string_view what) {
    if (missing && says(word)) alone += (alone.empty() ? "" : ", ") + std::string(what);
  };
  add(files.name.empty(), "name", "name");
  add(files.version.nothing(), "version", "version");
  add(files.scripts.empty(), "entry_points", "entry points");
  add(files.dependencies.empty(), "install_requires", "dependencies");
  add(true, "ext_modules", "compiled modules");
  if (alone.empty()) return;
  files.left_out.push_back("setup.py: a program, and init runs none; check what it alone knows: " + alone);
}

}  // namespace

PythonFiles read_python_files(const Path& folder) {
  PythonFiles files;
  read_pyproject(folder, files);
  read_setup_cfg(folder, files);
  read_setup_py(folder, files);
  return files;
}

}  // namespace mlship
