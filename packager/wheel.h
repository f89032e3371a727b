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

// Checks every byte of a wheel that is to be published as it is, as an installation does. Throws
// Error(wheel|archive).
struct CheckedWheel {
  std::string stem;      // of its .dist-info folder: "churn-1.4.0"
  std::string metadata;  // the text of METADATA
};
CheckedWheel check_wheel(const Path& wheel, const std::string& shown);

// What a wheel says of itself, in METADATA and WHEEL. Throws Error(wheel|archive).
struct WheelIdentity {
  std::string name, version;
  std::vector<std::string> tags;           // expanded
  std::vector<std::string> requires_dist;  // PEP 508 lines
};
WheelIdentity wheel_identity(const Path& wheel, const std::string& shown);

// Whether it is "module:function", both dotted Python names.
bool names_function(const std::string& entry_point);
// The text of a launcher in bin/ for "module:function": resolves its own real path first, so that links to it
// work, and runs the function with bin/python of its tree, or another interpreter ($MLSHIP_PYTHON, else
// pythonX.Y of PATH where the tree's is not there). Exports MLSHIP_ROOT. Exits with what the function
// returns, 127 without an interpreter. Throws Error(wheel) when the text is no entry point.
std::string launcher(const std::string& entry_point, const std::string& python);
// The same for a Python script at `path` in the tree.
std::string script_launcher(const std::string& path, const std::string& python);

}  // namespace mlship
