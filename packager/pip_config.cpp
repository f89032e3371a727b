#include "packager/pip_config.h"

#include <algorithm>
#include <array>

#include "core/host/fs.h"
#include "packager/resolve.h"
#include "packager/url.h"

namespace mlship {
namespace {

constexpr std::string_view space = " \t\r";
constexpr auto keys =
    std::to_array<std::string_view>({"index-url", "extra-index-url", "find-links", "no-index"});

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

std::string lower_dashed(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    if (c == '_') return '-';
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  constexpr std::string_view separators = " \t\r\n";
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(separators), text.size()));
    if (text.empty()) return out;
    const size_t end = std::min(text.find_first_of(separators), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

bool truth(const std::string& text) {
  const std::string word = lower_dashed(text);
  return word == "1" || word == "true" || word == "yes" || word == "on" || word == "y" || word == "t";
}

// pip/_internal/configuration: in the order in which they are read.
std::vector<Path> config_files(const Env& env) {
  const auto named = env.get("PIP_CONFIG_FILE");
  if (named && *named == "/dev/null") return {};  // pip: reads no file at all
  const auto xdg = env.get("XDG_CONFIG_HOME");
  std::vector<Path> files{"/etc/xdg/pip/pip.conf", "/etc/pip.conf", env.home() / ".pip/pip.conf",
                          (xdg ? Path(*xdg) : env.home() / ".config") / "pip/pip.conf"};
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

std::map<std::string, std::string> parse_pip_conf(std::string_view text) {
  std::map<std::string, std::map<std::string, std::string>> sections;
  std::string section;
  std::string* value = nullptr;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const std::string_view content = trim(line);
    if (content.empty() || content.front() == '#' || content.front() == ';') continue;
    const bool indented = space.find(line.front()) != std::string_view::npos;
    const size_t separator = content.find_first_of("=:");
    if (indented && value != nullptr) {
      value->append("\n").append(content);
    } else if (content.front() == '[' && content.back() == ']') {
      section = std::string(content.substr(1, content.size() - 2));
      value = nullptr;
    } else if (separator != std::string_view::npos) {
      value = &sections[section][lower_dashed(trim(content.substr(0, separator)))];
      *value = std::string(trim(content.substr(separator + 1)));
    }
  }
  std::map<std::string, std::string> result;
  for (const auto* name : {"global", "install"}) {
    for (const auto& [key, text_value] : sections[name]) result[key] = text_value;
  }
  return result;
}

PipConfig pip_config(const Env& env) {
  PipConfig config;
  for (const auto& file : config_files(env)) {
    const auto text = fs::read_if_exists(file);
    if (!text) continue;
    for (const auto& [key, value] : parse_pip_conf(*text)) {
      if (std::find(keys.begin(), keys.end(), key) != keys.end()) config.values[key] = value;
    }
  }
  for (const auto key : keys) {
    std::string name = "PIP_" + std::string(key);
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
      if (c == '-') return '_';
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    if (const auto value = env.get(name)) config.values[std::string(key)] = *value;
  }
  return config;
}

IndexSettings index_settings(const Env& env, const std::string& project_url) {
  PipConfig config = pip_config(env);
  IndexSettings settings;
  for (const auto& link : words(config.values["find-links"])) {
    const std::string place = file_or_url(env, link);
    // A machine's configuration may name a folder that is mounted sometimes: pip passes over it too.
    if (place.find("://") != std::string::npos || fs::exists(place)) settings.find_links.push_back(place);
  }
  std::string first = project_url.starts_with("pypi+") ? project_url.substr(5) : project_url;
  if (first.empty()) {
    if (truth(config.values["no-index"])) return settings;
    // The environment is nearer than files: UV_INDEX_URL comes between PIP_INDEX_URL and pip.conf.
    const auto pip = env.get("PIP_INDEX_URL");
    const auto uv = env.get("UV_INDEX_URL");
    first = pip ? *pip : uv ? *uv : config.values["index-url"];
  }
  if (first.empty()) first = default_index();
  if (!first.empty()) settings.urls.push_back(first);
  for (const auto& url : words(config.values["extra-index-url"])) settings.urls.push_back(url);
  return settings;
}

std::string default_index() {
  return MLSHIP_DEFAULT_INDEX;
}

}  // namespace mlship
