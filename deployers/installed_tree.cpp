#include "deployers/installed_tree.h"

namespace mlship {

InstallRoots::InstallRoots(const Project& project) {
  for (const auto& [name, section] : project.targets) {
    const std::string text = section.text("install-root");
    if (text.empty()) continue;
    std::error_code failed;
    const Path root = std::filesystem::absolute(project.folder / text).lexically_normal();
    const Path real = std::filesystem::weakly_canonical(root, failed);
    std::string folder = (failed ? root : real).string();
    while (folder.ends_with('/')) folder.pop_back();
    roots_.push_back(std::move(folder));
  }
}

std::optional<std::string> InstallRoots::above(const Path& resolved) const {
  for (const auto& root : roots_) {
    if (resolved.native().starts_with(root + "/")) return root;
  }
  return std::nullopt;
}

std::optional<FoundReference> InstallRoots::tree_of(const Path& resolved, Scheme scheme) const {
  const std::string& path = resolved.native();
  for (auto& r : find_references(path, {scheme, roots_})) {
    if (r.form != Form::folder || r.span.begin != 0) continue;
    r.opaque = "it is a file of an installed tree, which is never edited";
    return FoundReference{"file", path.substr(0, r.span.end), std::move(r)};
  }
  return std::nullopt;
}

}  // namespace mlship
