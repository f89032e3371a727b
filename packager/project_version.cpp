#include "core/error.h"
#include "core/text.h"
#include "packager/bundler.h"
#include "packager/declared_version.h"
#include "packager/source_tree.h"

namespace mlship {
namespace {

Error no_version(const Project& project, const std::string& why) {
  const auto& package = *project.package;
  return Error(ErrorCode::version, "cannot find the version of " + package.name + ": " + why)
      .fact("at", package.version_at.line_str());
}

// What to write instead of a file that says where the version is and does not have it.
std::string better(const Project& project, const DeclaredVersion& declared) {
  if (declared.from_tags) {
    return "write version = { git-tag = \"" + (declared.tag_glob.empty() ? "v*" : declared.tag_glob) + "\" }";
  }
  const std::string file =
      declared.attribute.empty() ? declared.file : attribute_file(project.folder, declared.attribute);
  return "write version = { file = \"" + (file.empty() ? "src/churn/__init__.py" : file) +
         "\" }, the file that has the version";
}

std::string declared_text(const Project& project, const DeclaredVersion& declared) {
  if (!declared.text.empty()) return declared.text;
  const std::string& file = project.package->version_file;
  if (declared.nothing()) throw no_version(project, file + " has no version");
  const std::string place = declared.from_tags       ? "git tags"
                            : !declared.file.empty() ? declared.file
                                                     : declared.attribute;
  throw no_version(project, file + " leaves the version to " + place)
      .fact("says", declared.by)
      .hint(better(project, declared));
}

// A file that is nothing but the version, as VERSION and version.txt are.
std::string whole_text(std::string_view text) {
  text = stripped(text, " \t\r\n");
  return text.find_first_of(" \t\r\n=") == std::string_view::npos ? std::string(text) : std::string();
}

std::string from_file(const Project& project) {
  const std::string& file = project.package->version_file;
  const auto text = fs::read_if_exists(project.folder / file);
  if (!text) throw no_version(project, file + " does not exist");
  if (file.ends_with(".toml")) {
    const auto root = toml::parse(*text, file, ErrorCode::version, toml::Dates::strings);
    return declared_text(project, declared_version(root));
  }
  if (file.ends_with(".cfg")) {
    return declared_text(project, declared_version(parse_ini(*text, Indented::continued)));
  }
  if (auto found = assigned_version(*text)) return std::move(*found);
  std::string whole = file.ends_with(".py") ? std::string() : whole_text(*text);
  if (!whole.empty()) return whole;
  throw no_version(project, file + " has no line __version__ = \"…\"");
}

// "churn-v*" names 1.4.0 by churn-v1.4.0.
std::string version_in(std::string tag, const std::string& glob) {
  const std::string fixed = glob.substr(0, glob.find_first_of("*?["));
  const bool digits = fixed.find_first_of("0123456789") != std::string::npos;
  if (!digits && tag.starts_with(fixed)) tag = tag.substr(fixed.size());
  return tag.starts_with('v') ? tag.substr(1) : tag;
}

std::string likely_tag(const std::string& glob) {
  if (glob == "[0-9]*") return "1.4.0";
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
  throw no_version(project, "no tag that matches '" + package.version_git_tag + "' points at HEAD")
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
