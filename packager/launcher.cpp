#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "packager/member_path.h"
#include "packager/wheel.h"

namespace mlship {
namespace {

// What both launchers share. Works under cron (two folders in PATH, any current folder) and through links to
// it; -I keeps the caller's PYTHON* variables, user site and current folder out; compiled files go beside
// lib/, never into it.
constexpr std::string_view head = R"(#!/bin/sh
# Runs @WHAT@ from the folder tree that holds this file, wherever that is and whatever links to it.
self=$(readlink -f -- "$0") || exit 127
root=${self%/*/*}
MLSHIP_ROOT=$root
export MLSHIP_ROOT
python=${MLSHIP_PYTHON:-python@PYTHON@}
if ! command -v "$python" >/dev/null 2>&1; then
  echo "error: cannot run $self: $python is not on PATH" >&2
  echo "hint: install python@PYTHON@, or set MLSHIP_PYTHON to the path of its interpreter" >&2
  exit 127
fi
exec "$python" -I -X pycache_prefix="$root/.pycache" -c ')";

constexpr std::string_view run_function = R"(import sys
lib, module, function = sys.argv[1:4]
del sys.argv[:4]
sys.path.insert(0, lib)
from importlib import import_module
from operator import attrgetter
sys.exit(attrgetter(function)(import_module(module))())
' "$root/lib" @MODULE@ @FUNCTION@ "$0" "$@"
)";

constexpr std::string_view run_script = R"(import sys
lib, script = sys.argv[1:3]
del sys.argv[:3]
sys.path.insert(0, lib)
from runpy import run_path
run_path(script, run_name="__main__")
' "$root/lib" "$root"/@SCRIPT@ "$0" "$@"
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

std::string head_for(std::string_view what, const std::string& python) {
  if (!python_version(python)) throw Error(ErrorCode::internal, "not a Python version: " + printable(python));
  return replaced(replaced(std::string(head), "@WHAT@", what), "@PYTHON@", python);
}

}  // namespace

std::string launcher(const std::string& entry_point, const std::string& python) {
  const size_t colon = entry_point.find(':');
  const std::string module = entry_point.substr(0, colon);
  const std::string function = colon == std::string::npos ? "" : entry_point.substr(colon + 1);
  if (!dotted_name(module) || !dotted_name(function)) {
    throw Error(ErrorCode::wheel, "cannot make a launcher for '" + printable(entry_point) +
                                      "': it is not of the form module:function");
  }
  const std::string tail = replaced(std::string(run_function), "@MODULE@", module);
  return head_for(entry_point, python) + replaced(tail, "@FUNCTION@", function);
}

std::string script_launcher(const std::string& path, const std::string& python) {
  if (const auto fault = path_fault(path); !fault.empty()) {
    throw Error(ErrorCode::wheel,
                "cannot make a launcher for '" + printable(path) + "': " + std::string(fault));
  }
  return head_for(path, python) + replaced(std::string(run_script), "@SCRIPT@", shell_quoted(path));
}

}  // namespace mlship
