// What `init` finds in a folder, and the mlship.toml it makes of it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/host/fs.h"
#include "packager/declared_version.h"

namespace mlship {

struct FoundModel {
  std::string name, path;
  bool taken = true;   // false: its [[models]] is written as a comment, for somebody to agree to
  std::string advice;  // then: the format that is safe, where there is one
};

struct FoundTarget {
  std::string kind;                // "compose"
  std::vector<std::string> files;  // globs, relative to the folder
};

// A lock that cannot be read, or a list of dependencies that is none, and the command that makes a lock of
// it.
struct ToLock {
  std::string file, why, command;
};

struct FoundProject {
  std::string name, description;
  // One of the three.
  std::string version;                // literal
  std::string version_file;           // "pyproject.toml", or "src/churn/__init__.py" with `__version__ = "…"`
  std::string version_tag;            // glob
  std::string root = ".";             // of the code
  std::vector<std::string> packages;  // below root: folders with Python, and modules
  std::vector<std::string> include;   // what they are as globs
  std::map<std::string, std::string> entry_points;  // console scripts
  std::vector<std::string> code_pickles;            // relative to root
  std::string lock;                                 // a lock that mlship reads
  std::vector<std::string> other_locks;             // known, but to be exported first
  std::vector<ToLock> to_lock;                      // the first is the likeliest
  std::string python = "311";                       // of the target
  std::vector<FoundModel> models;
  std::vector<FoundTarget> targets;  // Compose and unit files here or one folder below
  bool git = false;
  std::vector<std::string> left_out;  // what is there and does not get into mlship.toml, and why
  std::vector<std::string> notes;     // what else to know before the first build
};

// How a project lays out its code, as its own files say; empty where they leave it to the build tool.
struct DeclaredLayout {
  std::string root;                  // "src"; "" when not said
  std::vector<std::string> modules;  // top-level packages and modules
  bool alone = false;    // the tool ships the module with the project's name and nothing beside it
  bool package = false;  // whether there is something that builds a wheel of it
};

// pyproject.toml, setup.cfg and setup.py.
struct PythonFiles {
  std::string tool;  // "poetry"; "" when none is named
  std::string name, description, python;
  DeclaredVersion version;
  DeclaredLayout layout;
  std::map<std::string, std::string> scripts;
  std::string dependencies;  // the file that lists them: "pyproject.toml"; "" when none does
  std::vector<std::string> left_out;
};
// Throws Error(project_file) when pyproject.toml cannot be read.
PythonFiles read_python_files(const Path& folder);

// What belongs to no project: environments, caches, what builds leave.
bool not_the_project(const Path& folder, const std::string& name);
void find_code(const Path& folder, const PythonFiles& files, FoundProject& found);
void find_locks(const Path& folder, const PythonFiles& files, FoundProject& found);
// Last: the build's own judgement of what mlship.toml is going to say.
void find_models(const Path& folder, FoundProject& found);

// Throws Error(project_file) when pyproject.toml cannot be read.
FoundProject look_around(const Path& folder);
// `text` as a TOML string.
std::string toml_string(const std::string& text);
// The commented mlship.toml.
std::string project_text(const FoundProject& found);

}  // namespace mlship
