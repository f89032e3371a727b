#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "packager/member_path.h"
#include "packager/wheel.h"

namespace mlship {
namespace {

// What both launchers share. The file is a shell script and a Python program at once (for Python the lines of
// the shell are one string), so that it is also what `python bin/NAME` runs and what multiprocessing and
// servers that start themselves again expect. Works under cron (two folders in PATH, any current folder) and
// through links to it. -I keeps the caller's PYTHON* variables, user site and current folder out of this
// process, the variables keep them out of its children.
constexpr std::string_view head = R"(#!/bin/sh
''':'
# Runs @WHAT@ from the folder tree that holds this file, wherever that is and whatever links to it.
self=$(readlink -f -- "$0") || exit 127
root=${self%@UP@}
MLSHIP_ROOT=$root PYTHONNOUSERSITE=1 PYTHONSAFEPATH=1 PYTHONPYCACHEPREFIX=$root/.pycache
export MLSHIP_ROOT PYTHONNOUSERSITE PYTHONSAFEPATH PYTHONPYCACHEPREFIX
unset PYTHONHOME PYTHONPATH PYTHONSTARTUP PYTHONEXECUTABLE __PYVENV_LAUNCHER__
python=$root/bin/python
[ -x "$python" ] || python=python@PYTHON@
python=${MLSHIP_PYTHON:-$python}
if ! command -v "$python" >/dev/null 2>&1; then
  echo "error: cannot run $self: $python is not on PATH" >&2
  echo "hint: install python@PYTHON@, or set MLSHIP_PYTHON to the path of its interpreter" >&2
  exit 127
fi
exec "$python" -I -X pycache_prefix="$root/.pycache" "$0" "$@"
':'''
import os
import sys

root = os.path.realpath(__file__)
for _ in range(@LEVELS@):
    root = os.path.dirname(root)
if os.path.realpath(sys.prefix) != root:  # another interpreter than the tree's
    import site

    sys.prefix = sys.exec_prefix = root
    sys.path.insert(0, os.path.join(root, "lib"))
    site.addsitedir(sys.path[0])
    if os.access(os.path.join(root, "bin", "python"), os.X_OK):
        sys.executable = os.path.join(root, "bin", "python")
)";

constexpr std::string_view run_function = R"(
if __name__ == "__main__":
    from importlib import import_module
    from operator import attrgetter

    sys.exit(attrgetter("@FUNCTION@")(import_module("@MODULE@"))())
)";

constexpr std::string_view run_script = R"(
if __name__ == "__main__":
    from runpy import run_path

    run_path(os.path.join(root, @SCRIPT@), run_name="__main__")
)";

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

// A dotted Python name. Letters outside ASCII are Python's to judge; nothing here can mean anything to a
// shell.
bool dotted_name(std::string_view text) {
  bool start = true;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                        (static_cast<unsigned char>(c) >= 0x80);
    const bool digit = c >= '0' && c <= '9';
    if (start ? !letter : !(letter || digit || c == '.')) return false;
    start = c == '.';
  }
  return !start;
}

bool python_version(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

// `path`: of the launcher, as many folders below the tree as it has slashes.
std::string head_for(std::string_view what, const std::string& path, const std::string& python) {
  if (!python_version(python)) throw Error(ErrorCode::internal, "not a Python version: " + printable(python));
  const auto slashes = std::count(path.begin(), path.end(), '/');
  std::string up;
  for (auto i = slashes; i >= 0; --i) up += "/*";
  std::string out = replaced(replaced(std::string(head), "@WHAT@", what), "@PYTHON@", python);
  return replaced(replaced(std::move(out), "@UP@", up), "@LEVELS@", std::to_string(slashes + 1));
}

std::string python_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::pair<std::string, std::string> module_and_function(const std::string& entry_point) {
  const size_t colon = entry_point.find(':');
  return {entry_point.substr(0, colon), colon == std::string::npos ? "" : entry_point.substr(colon + 1)};
}

}  // namespace

bool names_function(const std::string& entry_point) {
  const auto [module, function] = module_and_function(entry_point);
  return dotted_name(module) && dotted_name(function);
}

std::string launcher(const std::string& entry_point, const std::string& python) {
  if (!names_function(entry_point)) {
    throw Error(ErrorCode::wheel, "cannot make a launcher for '" + printable(entry_point) +
                                      "': it is not of the form module:function");
  }
  const auto [module, function] = module_and_function(entry_point);
  const std::string tail = replaced(std::string(run_function), "@MODULE@", module);
  return head_for(entry_point, "bin/x", python) + replaced(tail, "@FUNCTION@", function);
}

std::string script_launcher(const std::string& path, const std::string& python) {
  if (const auto fault = path_fault(path); !fault.empty()) {
    throw Error(ErrorCode::wheel,
                "cannot make a launcher for '" + printable(path) + "': " + std::string(fault));
  }
  return head_for("a script of libexec/", path, python) +
         replaced(std::string(run_script), "@SCRIPT@", python_quoted(path));
}

}  // namespace mlship
