// What `init` finds in a folder, and the mlship.toml it makes of it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/host/fs.h"

namespace mlship {

struct FoundModel {
  std::string name, path;
};

struct FoundTarget {
  std::string kind;                // "compose"
  std::vector<std::string> files;  // globs, relative to the folder
};

struct FoundProject {
  std::string name, description;
  std::string version;                              // literal; "" when version_file says it
  std::string version_file;                         // "src/churn/__init__.py" with `__version__ = "…"`
  std::string root = ".";                           // of the code
  std::vector<std::string> packages;                // folders below root with __init__.py
  std::map<std::string, std::string> entry_points;  // [project.scripts]
  std::string lock;                                 // hash-pinned requirements
  std::vector<std::string> other_locks;             // known, but to be exported first
  std::string python = "311";                       // from .python-version
  std::vector<FoundModel> models;
  std::vector<FoundTarget> targets;  // Compose and unit files here or one folder below
  bool git = false;
};

// Throws Error(project_file) when pyproject.toml cannot be read.
FoundProject look_around(const Path& folder);
// `text` as a TOML string.
std::string toml_string(const std::string& text);
// The commented mlship.toml.
std::string project_text(const FoundProject& found);

}  // namespace mlship
