#include "packager/pip_config.h"

#include <algorithm>
#include <array>

#include "core/host/fs.h"
#include "core/letters.h"
#include "core/text.h"
#include "packager/resolve.h"
#include "packager/url.h"

namespace mlship {
namespace {

constexpr std::string_view space = " \t\r";
constexpr const char* environment = ":env:";  // pip's own name for what the variables say
constexpr auto keys =
    std::to_array<std::string_view>({"index-url", "extra-index-url", "find-links", "no-index"});

std::string lower_dashed(std::string_view text) {
  std::string out = letters::lowered(text);
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

bool truth(const std::string& text) {
  const std::string word = lower_dashed(text);
  return word == "1" || word == "true" || word == "yes" || word == "on" || word == "y" || word == "t";
}

std::vector<std::string> parts(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// pip/_internal/configuration: in the order in which they are read.
std::vector<Path> config_files(const Env& env) {
  const auto named = env.get("PIP_CONFIG_FILE");
  if (named && *named == "/dev/null") return {};  // pip: reads no file at all
  std::vector<Path> files;
  for (const auto& folder : parts(env.get("XDG_CONFIG_DIRS").value_or("/etc/xdg"), ':')) {
    files.push_back(Path(folder) / "pip/pip.conf");
  }
  files.emplace_back("/etc/pip.conf");
  // A file of PIP_CONFIG_FILE takes the place of the user's own.
  if (!named || !fs::exists(*named)) {
    const auto xdg = env.get("XDG_CONFIG_HOME");
    files.push_back(env.home() / ".pip/pip.conf");
    files.push_back((xdg ? Path(*xdg) : env.home() / ".config") / "pip/pip.conf");
  }
  if (const auto venv = env.get("VIRTUAL_ENV")) files.push_back(Path(*venv) / "pip.conf");
  if (named) files.emplace_back(*named);
  return files;
}

std::string file_or_url(const Env& env, const std::string& text) {
  if (text.starts_with("file://")) return percent_decode(std::string_view(text).substr(7));
  if (text.starts_with("~/")) return (env.home() / text.substr(2)).string();
  return text;
}

}  // namespace

PipSections parse_pip_conf(std::string_view text) {
  PipSections sections;
  std::string section;
  std::string* value = nullptr;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const std::string_view content = stripped(line, space);
    if (content.empty() || content.front() == '#' || content.front() == ';') continue;
    const bool indented = space.find(line.front()) != std::string_view::npos;
    const size_t separator = content.find_first_of("=:");
    if (indented && value != nullptr) {
      value->append("\n").append(content);
    } else if (content.front() == '[' && content.back() == ']') {
      section = std::string(content.substr(1, content.size() - 2));
      sections[section];
      value = nullptr;
    } else if (separator != std::string_view::npos) {
      std::string key = lower_dashed(stripped(content.substr(0, separator), space));
      if (key.starts_with("--")) key = key.substr(2);
      value = &sections[section][key];
      *value = std::string(stripped(content.substr(separator + 1), space));
    }
  }
  const auto everywhere = sections["DEFAULT"];
  sections.erase("DEFAULT");
  for (auto& [name, values] : sections) values.insert(everywhere.begin(), everywhere.end());
  return sections;
}

PipConfig pip_config(const Env& env) {
  PipSections merged;
  for (const auto& file : config_files(env)) {
    const auto text = fs::read_if_exists(file);
    if (!text) continue;
    for (const auto& [section, values] : parse_pip_conf(*text)) {
      for (const auto& [key, value] : values) merged[section][key] = value;
    }
  }
  for (const auto key : keys) {
    std::string name = "PIP_" + std::string(key);
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
      if (c == '-') return '_';
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    if (const auto value = env.get(name)) merged[environment][std::string(key)] = *value;
  }
  PipConfig config;
  for (const auto* section : {"global", "install", environment}) {
    for (const auto& [key, value] : merged[section]) {
      const bool known = std::find(keys.begin(), keys.end(), key) != keys.end();
      if (known && !stripped(value, space).empty()) config.values[key] = value;
    }
  }
  return config;
}

IndexSettings index_settings(const Env& env, const std::string& project_url) {
  IndexSettings settings;
  if (!project_url.empty()) {  // nobody else hears the names of what a project locks
    settings.urls.push_back(project_url.starts_with("pypi+") ? project_url.substr(5) : project_url);
    return settings;
  }
  PipConfig config = pip_config(env);
  for (const auto& link : pieces(config.values["find-links"])) {
    const std::string place = file_or_url(env, link);
    // A machine's configuration may name a folder that is mounted sometimes: pip passes over it too.
    if (place.find("://") != std::string::npos || fs::exists(place)) settings.find_links.push_back(place);
  }
  if (truth(config.values["no-index"])) return settings;
  // The environment is nearer than files: UV_INDEX_URL comes between PIP_INDEX_URL and pip.conf.
  const std::string uv =
      env.get("PIP_INDEX_URL").value_or("").empty() ? env.get("UV_INDEX_URL").value_or("") : "";
  std::string first = uv.empty() ? config.values["index-url"] : uv;
  if (first.empty()) first = default_index();
  if (!first.empty()) settings.urls.push_back(first);
  for (const auto& url : pieces(config.values["extra-index-url"])) settings.urls.push_back(url);
  return settings;
}

std::string default_index() {
  return MLSHIP_DEFAULT_INDEX;
}

}  // namespace mlship
