// Where things lie in a bundle (profile rule 1: the title of a raw layer is its real path).
#pragma once

#include <string>
#include <string_view>

#include "core/release.h"

namespace mlship::bundle_path {

constexpr std::string_view info = ".mlship/bundle.json";
constexpr std::string_view tree = ".mlship/tree.json";
// No path in the bundle: one reader drops files when a tar is named like a folder that exists.
constexpr std::string_view code_tar = "code.tar";
constexpr std::string_view files_tar = "files.tar";

constexpr std::string_view outputs = ".mlship/outputs/";

inline std::string dependency(const std::string& file) {
  return "dependencies/" + file;
}
inline std::string output(const std::string& kind, const std::string& filename) {
  return std::string(outputs) + kind + "/" + filename;
}

}  // namespace mlship::bundle_path
