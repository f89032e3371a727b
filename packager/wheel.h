// Wheels: building one from the code tree, installing them into a runnable tree (PEP 427, binary distribution
// format).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/fs.h"
#include "packager/tar.h"

namespace mlship {

struct WheelMetadata {
  std::string name;     // as written
  std::string version;  // normal form
  std::string description, license;
  std::string long_description;            // with its content type below; "" for none
  std::string long_description_type;       // "text/markdown"
  std::vector<std::string> requires_dist;  // PEP 508 lines
  std::string requires_python;
  std::map<std::string, std::string> entry_points;  // console scripts
};
// Pure Python, tag py3-none-any, stored zip, sorted RECORD: one input, one byte sequence, given to the sink
// in pieces. What it keeps of a member is its lines of RECORD and of the zip's directory.
class WheelWriter {
 public:
  explicit WheelWriter(std::function<void(std::string_view)> sink);
  ~WheelWriter();
  WheelWriter(const WheelWriter&) = delete;
  WheelWriter& operator=(const WheelWriter&) = delete;
  // The files of the code tree, in bytewise order of their paths. Throws Error(duplicate_path) when two have
  // one path, Error(source_tree) when a path cannot be in a wheel.
  void add(std::string_view path, std::string_view content, bool executable);
  // Ends the wheel. Returns the file name: churn-1.4.0-py3-none-any.whl (PEP 427 escaping).
  std::string finish(const WheelMetadata& metadata);

 private:
  class Members;
  std::unique_ptr<Members> members_;
};

struct InstalledFile {
  std::string path;  // relative to the tree
  bool executable = false;
  std::uint64_t size = 0;
  Digest digest;
  std::string from;  // the wheel's file name, for messages
};
// Spreads the wheel into `tree` (PEP 427 §Installing a wheel):
//   purelib, platlib                             lib/
//   .data/scripts, console and GUI entry points  bin/ (a `#!python` script goes to libexec/, its launcher to
//   bin/) .data/data below share/ or etc/              share/, etc/ any other .data/data data/: no wheel
//   reaches into lib/, bin/ or models/ sideways .data/headers, RECORD and its signatures, INSTALLER,
//   REQUESTED, direct_url.json  dropped
// Checks RECORD both ways (sha256, size). Adds what it wrote to `installed`, keyed by path. A path that is
// there already with the same content is fine (shared namespace packages), else Error(duplicate_path) naming
// both wheels. Throws Error(wheel|archive). python: "3.11". `shown`: the wheel's file name, for messages,
// when `wheel` is a blob.
void install_wheel(const Path& wheel, const Path& tree, const std::string& python,
                   std::map<std::string, InstalledFile>& installed, const std::string& shown = "");

// Checks every byte of a wheel that is to be published as it is, as install_wheel does. Throws
// Error(wheel|archive).
struct CheckedWheel {
  std::string stem;      // of its .dist-info folder: "churn-1.4.0"
  std::string metadata;  // the text of METADATA
};
CheckedWheel check_wheel(const Path& wheel, const std::string& shown);

// What a wheel says of itself, in METADATA and WHEEL. Throws Error(wheel|archive).
struct WheelIdentity {
  std::string name, version;
  std::vector<std::string> tags;  // expanded
};
WheelIdentity wheel_identity(const Path& wheel, const std::string& shown);

// The text of a launcher in bin/ for "module:function": resolves its own real path first, so that links to it
// work, and runs with nothing but the tree's lib/ in front of the standard library. Exports MLSHIP_ROOT;
// $MLSHIP_PYTHON replaces pythonX.Y. Exits with what the function returns, 127 without an interpreter. Throws
// Error(wheel) when the text is no entry point.
std::string launcher(const std::string& entry_point, const std::string& python);
// The same for a Python script at `path` in the tree.
std::string script_launcher(const std::string& path, const std::string& python);

}  // namespace mlship
