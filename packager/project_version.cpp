#include <array>

#include "core/error.h"
#include "core/text.h"
#include "packager/bundler.h"
#include "packager/source_tree.h"

namespace mlship {
namespace {

constexpr std::string_view variable = "__version__";

// `__version__ = "1.4.0"` or `__version__: str = '1.4.0'` at the start of a line; nullopt for anything else.
std::optional<std::string> assigned(std::string_view line) {
  if (!line.starts_with(variable)) return std::nullopt;
  line = stripped(line.substr(variable.size()), " \t\r");
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos || (equals != 0 && line.front() != ':')) return std::nullopt;
  line = stripped(line.substr(equals + 1), " \t\r");
  if (line.empty() || (line.front() != '"' && line.front() != '\'')) return std::nullopt;
  const size_t end = line.find(line.front(), 1);
  if (end == std::string_view::npos) return std::nullopt;
  return std::string(line.substr(1, end - 1));
}

}  // namespace

std::optional<std::string> assigned_version(std::string_view python) {
  while (!python.empty()) {
    const size_t end = std::min(python.find('\n'), python.size());
    if (auto found = assigned(python.substr(0, end))) return found;
    python.remove_prefix(std::min(end + 1, python.size()));
  }
  return std::nullopt;
}

namespace {

std::string from_file(const Project& project) {
  const auto& package = *project.package;
  const auto text = fs::read_if_exists(project.folder / package.version_file);
  if (!text) {
    throw Error(ErrorCode::version, "cannot find the version of " + package.name + ": " +
                                        package.version_file + " does not exist")
        .fact("at", package.version_at.line_str());
  }
  if (auto found = assigned_version(*text)) return std::move(*found);
  throw Error(ErrorCode::version, "cannot find the version of " + package.name + ": " + package.version_file +
                                      " has no line __version__ = \"…\"")
      .fact("at", package.version_at.line_str());
}

// "churn-v*" names 1.4.0 by churn-v1.4.0.
std::string version_in(std::string tag, const std::string& glob) {
  const std::string fixed = glob.substr(0, glob.find_first_of("*?["));
  const bool digits = fixed.find_first_of("0123456789") != std::string::npos;
  if (!digits && tag.starts_with(fixed)) tag = tag.substr(fixed.size());
  return tag.starts_with('v') ? tag.substr(1) : tag;
}

std::string likely_tag(const std::string& glob) {
  const size_t star = glob.find('*');
  const bool one = star != std::string::npos && glob.find_first_of("*?[", star + 1) == std::string::npos &&
                   glob.find_first_of("?[") == std::string::npos;
  return one ? glob.substr(0, star) + "1.4.0" + glob.substr(star + 1) : "v1.4.0";
}

// The highest version among the tags at HEAD; tags that are none (`vlatest`) do not count beside it.
std::string from_tag(const Project& project) {
  const auto& package = *project.package;
  const auto tags = git_tags_at_head(project.folder, package.version_git_tag);
  std::optional<Version> best;
  for (const auto& tag : tags) {
    const auto version = Version::parse(version_in(tag, package.version_git_tag), package.scheme);
    if (version && (!best || *best < *version)) best = version;
  }
  if (best) return best->str();
  if (!tags.empty()) return version_in(tags.front(), package.version_git_tag);
  throw Error(ErrorCode::version, "cannot find the version of " + package.name + ": no tag that matches '" +
                                      package.version_git_tag + "' points at HEAD")
      .fact("at", package.version_at.line_str())
      .hint("git tag " + likely_tag(package.version_git_tag));
}

}  // namespace

// distribution-spec 1.1 §Pulling manifests: [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}
void require_tag_for(const Project& project, const Version& version) {
  constexpr size_t longest = 128;
  const size_t length = version.oci_tag().size();
  if (length <= longest) return;
  const auto& package = *project.package;
  throw Error(ErrorCode::version,
              "cannot build " + package.name + ": its version is longer than the tag of a registry")
      .fact("version", version.str())
      .fact("characters", std::to_string(length) + ", and " + std::to_string(longest) + " is the limit")
      .fact("at", package.version_at.line_str())
      .hint("shorten the part behind the +");
}

Version project_version(const Project& project) {
  if (!project.package) {
    throw Error(ErrorCode::no_project, "cannot find the version: there is no [package] table")
        .hint("mlship init");
  }
  const auto& package = *project.package;
  const std::string text = !package.version_file.empty()      ? from_file(project)
                           : !package.version_git_tag.empty() ? from_tag(project)
                                                              : package.version;
  return Version::require(text, package.scheme, "the version of " + package.name);
}

}  // namespace mlship
