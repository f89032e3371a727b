#include "registry/checks.h"

#include <algorithm>

#include "core/names.h"

namespace mlship {
namespace {

constexpr std::string_view first_characters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

bool tag_character(char c) {
  return c == '.' || c == '-' || first_characters.find(c) != std::string_view::npos;
}

}  // namespace

bool valid_tag(std::string_view tag) {
  return !tag.empty() && tag.size() <= 128 && first_characters.find(tag.front()) != std::string_view::npos &&
         std::all_of(tag.begin(), tag.end(), tag_character);
}

void require_tag(std::string_view tag) {
  if (valid_tag(tag)) return;
  throw Error(ErrorCode::reference, "cannot use the tag '" + std::string(tag) +
                                        "': a tag is a letter, digit or '_' and then at most 127 letters, "
                                        "digits, '_', '.' or '-'");
}

void require_package(std::string_view package) {
  if (valid_name(package) && normalize_name(package) == package) return;
  throw Error(ErrorCode::reference, "cannot use the package name '" + std::string(package) +
                                        "': it is not in normal form (PEP 503)");
}

Error version_exists(const std::string& package, const std::string& tag, const std::string& registry,
                     const Digest& local, const Digest& remote) {
  return Error(ErrorCode::version_exists, "cannot publish " + package + " " + tag + " to " + registry +
                                              ": version exists with another digest")
      .fact("local", local.str())
      .fact("remote", remote.str())
      .hint("versions are immutable; raise version in mlship.toml");
}

Error tag_moved(const std::string& package, const std::string& tag, const std::string& expected,
                const std::string& actual) {
  return Error(ErrorCode::tag_moved,
               "cannot move the tag " + package + ":" + tag + ": it is not where it was expected")
      .fact("expected", expected)
      .fact("actual", actual)
      .hint("mlship list " + package);
}

}  // namespace mlship
