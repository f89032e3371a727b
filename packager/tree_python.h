// What makes a tree a Python environment: bin/python, pyvenv.cfg (PEP 405) and the files that put lib/ on the
// search path. sys.prefix of a process that bin/python runs is the tree, wherever the tree is moved to.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/host/env.h"
#include "core/host/process.h"

namespace mlship {

// The interpreter that bin/python of a tree stands for: $MLSHIP_PYTHON, else the first pythonX.Y in /usr/bin,
// /usr/local/bin and PATH that runs and is of that version; that of the installation, not of a virtual
// environment or a version manager's script. /usr/bin/pythonX.Y where this machine has none: launchers look
// again when they run. python: "3.11", or "3" when any will do.
std::filesystem::path find_interpreter(const std::string& python, const Env& env, Process& process);

// Paths in the tree that are neither a wheel's nor the project's.
bool is_interpreters(std::string_view path);
// Path and text of each .pth file that puts lib/ on the search path; a function of `python` alone.
std::vector<std::pair<std::string, std::string>> search_path_files(const std::string& python);

// pyvenv.cfg and the links in bin/. They alone differ between machines.
void write_python(const std::filesystem::path& tree, const std::filesystem::path& interpreter);
// "" when the links and pyvenv.cfg of the tree are there, else one line.
std::string check_python(const std::filesystem::path& tree);

}  // namespace mlship
