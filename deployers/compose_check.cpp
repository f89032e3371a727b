#include "deployers/compose_check.h"

#include <algorithm>
#include <ctime>
#include <iomanip>
#include <sstream>

#include "core/error.h"
#include "core/host/ask.h"
#include "deployers/document/yaml.h"

namespace mlship {
namespace {

bool same_structure(const YamlNode& a, const YamlNode& b) {
  if (a.kind != b.kind || a.anchored != b.anchored || a.children.size() != b.children.size()) return false;
  for (size_t i = 0; i < a.children.size(); ++i) {
    const YamlNode& one = a.children[i];
    const YamlNode& other = b.children[i];
    const bool key = a.kind == YamlNode::Kind::mapping && i % 2 == 0;
    if (!same_structure(one, other) || (key && one.value != other.value)) return false;
  }
  return true;
}

// docker's "2026-11-25 20:26:00 +0100 CET"; nullopt when it is something else.
std::optional<std::int64_t> docker_time(const std::string& text) {
  std::tm local{};
  int offset = 0;  // hours and minutes, "+0130" is 130
  std::istringstream in(text);
  in >> std::get_time(&local, "%Y-%m-%d %H:%M:%S") >> offset;
  if (!in) return std::nullopt;
  const std::int64_t minutes = offset / 100 * 60 + offset % 100;
  return timegm(&local) - minutes * 60;
}

bool made_from(const std::string& files, const std::string& file) {
  std::istringstream in(files);
  for (std::string one; std::getline(in, one, ',');) {
    if (one == file) return true;
  }
  return false;
}

// When the file's containers were made.
std::optional<std::vector<std::int64_t>> containers(Process& process, const std::string& file,
                                                    const std::string& service) {
  ProcessRequest request;
  request.argv = {"docker",
                  "ps",
                  "--all",
                  "--format",
                  R"({{.Label "com.docker.compose.project.config_files"}}|{{.CreatedAt}})",
                  "--filter",
                  "label=com.docker.compose.service" + (service.empty() ? "" : "=" + service)};
  request.timeout = std::chrono::seconds(10);
  const auto said = ask(process, request);
  if (!said) return std::nullopt;
  std::vector<std::int64_t> out;
  std::istringstream in(*said);
  for (std::string line; std::getline(in, line);) {
    const size_t bar = line.rfind('|');
    if (bar == std::string::npos || !made_from(line.substr(0, bar), file)) continue;
    const auto at = docker_time(line.substr(bar + 1));
    if (!at) return std::nullopt;
    out.push_back(*at);
  }
  return out;
}

}  // namespace

std::string compose_structure(std::string_view before, std::string_view after) {
  const YamlStream was = read_yaml(before), now = read_yaml(after);
  if (!now.problem.empty()) return "the edited file would not be YAML: " + now.problem;
  const bool same = std::equal(was.documents.begin(), was.documents.end(), now.documents.begin(),
                               now.documents.end(), same_structure);
  return same ? "" : "the edit would change more of the file than the value";
}

std::optional<bool> needs_up(Process& process, const Path& file, const ObjectInfo& object,
                             std::int64_t since) {
  const bool service = object.kind == "compose-service";
  const std::string prefix = file.filename().string() + ":";
  const std::string name =
      service && object.name.starts_with(prefix) ? object.name.substr(prefix.size()) : "";
  const auto made = containers(process, file.string(), name);
  if (!made || made->empty()) return std::nullopt;
  const auto old = [&](std::int64_t at) { return at < since; };
  // What several services share is in use once one of them was made anew.
  return service ? std::any_of(made->begin(), made->end(), old)
                 : std::all_of(made->begin(), made->end(), old);
}

}  // namespace mlship
