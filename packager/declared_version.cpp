#include "packager/declared_version.h"

#include <algorithm>
#include <array>

#include "core/names.h"
#include "core/text.h"

namespace mlship {
namespace {

constexpr std::string_view blanks = " \t\r\n";

// Tools that make the version of tags, by the table that turns them on and by what a build requires then.
struct TagTool {
  std::string_view table;        // "" when it has none
  std::string_view requirement;  // PEP 503
};
constexpr auto tag_tools = std::to_array<TagTool>({
    {"tool.setuptools_scm", "setuptools-scm"},
    {"tool.vcs-versioning", "vcs-versioning"},
    {"tool.setuptools-git-versioning", "setuptools-git-versioning"},
    {"tool.versioningit", "versioningit"},
    {"tool.versioneer", "versioneer"},
    {"tool.poetry-dynamic-versioning", "poetry-dynamic-versioning"},
    {"tool.uv-dynamic-versioning", "uv-dynamic-versioning"},
    {"", "hatch-vcs"},
    {"", "flit-scm"},
});

// Where tools are told which tags count.
constexpr auto globs =
    std::to_array<std::string_view>({"tool.pdm.version.tag_filter", "tool.versioningit.vcs.match"});
constexpr auto describe_commands = std::to_array<std::string_view>({
    "tool.setuptools_scm.git_describe_command",
    "tool.setuptools_scm.scm.git.describe_command",
    "tool.hatch.version.raw-options.git_describe_command",
    "tool.hatch.version.raw-options.scm.git.describe_command",
});

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out = pieces(text);
  for (auto& word : out) word = std::string(stripped(word, "'\""));
  return out;
}

// Of `git describe … --match GLOB`, one text or a list of words.
std::string match_of(std::vector<std::string> all) {
  if (all.size() == 1) all = words(all.front());
  constexpr std::string_view option = "--match";
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i] == option && i + 1 < all.size()) return all[i + 1];
    if (all[i].starts_with("--match=")) {
      return std::string(stripped(std::string_view(all[i]).substr(option.size() + 1), "'\""));
    }
  }
  return {};
}

std::string tag_glob(const toml::Node& root) {
  for (const auto path : globs) {
    const auto texts = texts_at(root, path);
    if (!texts.empty()) return texts.front();
  }
  for (const auto path : describe_commands) {
    if (auto match = match_of(texts_at(root, path)); !match.empty()) return match;
  }
  if (node_at(root, "tool.versioneer.tag_prefix") == nullptr) return {};
  const std::string prefix = text_at(root, "tool.versioneer.tag_prefix");
  return prefix.empty() ? "[0-9]*" : prefix + "*";
}

DeclaredVersion from_tags(const toml::Node& root, std::string by) {
  DeclaredVersion out;
  out.from_tags = true;
  out.tag_glob = tag_glob(root);
  out.by = std::move(by);
  return out;
}

std::string table_name(std::string_view path) {
  return "[" + std::string(path) + "]";
}

bool requires_tool(const toml::Node& root, std::string_view requirement) {
  for (const auto& line : texts_at(root, "build-system.requires")) {
    const size_t end = line.find_first_of("[ \t<>=!~;@(");
    if (normalize_name(std::string_view(line).substr(0, end)) == requirement) return true;
  }
  return false;
}

std::optional<DeclaredVersion> by_tags(const toml::Node& root) {
  for (const auto& tool : tag_tools) {
    if (!tool.table.empty() && node_at(root, tool.table) != nullptr) {
      return from_tags(root, table_name(tool.table));
    }
    if (requires_tool(root, tool.requirement)) return from_tags(root, std::string(tool.requirement));
  }
  return std::nullopt;
}

// Tables of tools that have a file in them, or a Python name.
struct Place {
  std::string_view table, key;
  bool attribute = false;
};
constexpr auto places = std::to_array<Place>({
    {"tool.hatch.version", "path"},
    {"tool.pdm.version", "path"},
    {"tool.pdm.version", "from"},
    {"tool.setuptools.dynamic.version", "file"},
    {"tool.setuptools.dynamic.version", "attr", true},
    {"tool.scikit-build.metadata.version", "input"},
});

std::optional<DeclaredVersion> by_place(const toml::Node& root) {
  for (const auto& place : places) {
    const auto texts = texts_at(root, std::string(place.table) + "." + std::string(place.key));
    if (texts.empty()) continue;
    DeclaredVersion out;
    (place.attribute ? out.attribute : out.file) = texts.front();
    out.by = table_name(place.table);
    return out;
  }
  return std::nullopt;
}

// flit takes `__version__` of the one module it ships.
DeclaredVersion by_flit(const toml::Node& root) {
  DeclaredVersion out;
  if (!text_at(root, "build-system.build-backend").starts_with("flit")) return out;
  std::string module = text_at(root, "tool.flit.module.name");
  if (module.empty()) module = text_at(root, "tool.flit.metadata.module");
  if (module.empty()) module = text_at(root, "project.name");
  std::replace(module.begin(), module.end(), '-', '_');
  if (module.empty()) return out;
  out.attribute = module + ".__version__";
  out.by = "flit";
  return out;
}

// `NAME = "1.4.0"` or `NAME: str = '1.4.0'` at the start of a line; nullopt for anything else.
std::optional<std::string> assigned(std::string_view line, std::string_view name) {
  if (!line.starts_with(name)) return std::nullopt;
  line = stripped(line.substr(name.size()), " \t\r");
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos || (equals != 0 && line.front() != ':')) return std::nullopt;
  line = stripped(line.substr(equals + 1), " \t\r");
  if (line.empty() || (line.front() != '"' && line.front() != '\'')) return std::nullopt;
  const size_t end = line.find(line.front(), 1);
  if (end == std::string_view::npos) return std::nullopt;
  return std::string(line.substr(1, end - 1));
}

}  // namespace

const toml::Node* node_at(const toml::Node& root, std::string_view path) {
  const toml::Node* node = &root;
  while (node != nullptr && !path.empty()) {
    const size_t end = std::min(path.find('.'), path.size());
    const auto* member = node->find(path.substr(0, end));
    node = member == nullptr ? nullptr : member->value.get();
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return node;
}

std::string text_at(const toml::Node& root, std::string_view path) {
  const auto* node = node_at(root, path);
  const auto* text = node == nullptr ? nullptr : node->string();
  return text == nullptr ? std::string() : *text;
}

std::vector<std::string> texts_at(const toml::Node& root, std::string_view path) {
  std::vector<std::string> out;
  const auto* node = node_at(root, path);
  if (node == nullptr) return out;
  if (const auto* text = node->string()) out.push_back(*text);
  if (node->array() == nullptr) return out;
  for (const auto& item : *node->array()) {
    if (const auto* text = item->string()) out.push_back(*text);
  }
  return out;
}

DeclaredVersion declared_version(const toml::Node& pyproject) {
  DeclaredVersion out;
  out.text = text_at(pyproject, "project.version");
  out.by = "[project]";
  if (!out.text.empty()) return out;
  // poetry wants a version even where its plugin puts another in its place.
  const bool replaced = node_at(pyproject, "tool.poetry-dynamic-versioning") != nullptr;
  out.text = replaced ? "" : text_at(pyproject, "tool.poetry.version");
  out.by = "[tool.poetry]";
  if (!out.text.empty()) return out;
  for (const std::string_view table : {"tool.hatch.version", "tool.pdm.version"}) {
    const std::string source = text_at(pyproject, std::string(table) + ".source");
    if (source == "vcs" || source == "scm" || source == "versioningit" || source == "uv-dynamic-versioning") {
      return from_tags(pyproject, table_name(table));
    }
  }
  if (auto found = by_place(pyproject)) return *found;
  if (auto found = by_tags(pyproject)) return *found;
  return by_flit(pyproject);
}

DeclaredVersion declared_version(const IniFile& setup_cfg) {
  DeclaredVersion out;
  const auto metadata = setup_cfg.find("metadata");
  if (metadata == setup_cfg.end() || !metadata->second.contains("version")) return out;
  // The value may begin on the next line.
  const std::string_view text = stripped(metadata->second.find("version")->second, blanks);
  out.by = "[metadata]";
  constexpr std::string_view attribute = "attr:", file = "file:";
  if (text.starts_with(attribute)) {
    out.attribute = stripped(text.substr(attribute.size()), blanks);
  } else if (text.starts_with(file)) {
    out.file = stripped(text.substr(file.size(), text.find(',') - file.size()), blanks);
  } else {
    out.text = text;
  }
  return out;
}

std::optional<std::string> assigned_version(std::string_view python) {
  for (const std::string_view name : {"__version__", "VERSION", "version"}) {
    for (std::string_view rest = python; !rest.empty();) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      if (auto found = assigned(rest.substr(0, end), name)) return found;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return std::nullopt;
}

std::string attribute_file(const Path& folder, const std::string& attribute) {
  std::string module = attribute.substr(0, std::min(attribute.rfind('.'), attribute.size()));
  std::replace(module.begin(), module.end(), '.', '/');
  for (const std::string_view root : {"src", ".", "lib"}) {
    for (const std::string_view end : {".py", "/__init__.py"}) {
      const Path file = (Path(root) / (module + std::string(end))).lexically_normal();
      const auto text = fs::read_if_exists(folder / file);
      if (text && assigned_version(*text)) return file.generic_string();
    }
  }
  return {};
}

}  // namespace mlship
