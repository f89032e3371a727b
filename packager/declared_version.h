// What a Python project's own files say of its version: pyproject.toml in the words of each build tool, and
// setup.cfg.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/fs.h"
#include "core/ini.h"
#include "core/toml.h"

namespace mlship {

struct DeclaredVersion {
  std::string text;        // "1.4.0", where the file itself has it
  std::string file;        // else the file that has it, relative to the project: "src/churn/__about__.py"
  std::string attribute;   // else the Python name that has it: "churn.__version__"
  bool from_tags = false;  // else tags of git
  std::string tag_glob;    // of these tags, where the tool is told; "" for the tool's own rule
  std::string by;          // the table that says so: "[tool.hatch.version]"

  [[nodiscard]] bool nothing() const {
    return text.empty() && file.empty() && attribute.empty() && !from_tags;
  }
};
DeclaredVersion declared_version(const toml::Node& pyproject);
DeclaredVersion declared_version(const IniFile& setup_cfg);

// The text assigned to `__version__` (or, when there is none, to VERSION or version) in a Python file;
// nullopt when no line does.
std::optional<std::string> assigned_version(std::string_view python);
// The file, relative to the project, that assigns a version to `attribute`; "" when none does.
std::string attribute_file(const Path& folder, const std::string& attribute);

// The member at "tool.hatch.version"; null when there is none.
const toml::Node* node_at(const toml::Node& root, std::string_view path);
std::string text_at(const toml::Node& root, std::string_view path);
// Of a list, or the one text that stands in place of a list.
std::vector<std::string> texts_at(const toml::Node& root, std::string_view path);

}  // namespace mlship
