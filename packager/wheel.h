// Wheels: building one from the code tree, installing them into a runnable tree (PEP 427, binary distribution
// format).
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/host/fs.h"
#include "packager/tar.h"
#include "packager/zip.h"

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
struct WheelFile {
  std::string file_name;  // churn-1.4.0-py3-none-any.whl (PEP 427 escaping)
  std::string bytes;
};
// Pure Python, tag py3-none-any, stored zip, sorted RECORD: one input, one byte sequence.
WheelFile build_wheel(const WheelMetadata& metadata, const std::vector<ZipMember>& code);

struct InstalledFile {
  std::string path;  // relative to the tree
  bool executable = false;
  std::uint64_t size = 0;
  Digest digest;
};
// Spreads the wheel into `tree`/lib (purelib and platlib) and its scripts and console entry points into
// `tree`/bin; data goes to `tree`/share-like folders. Checks RECORD both ways. Appends what it wrote to
// `installed`; a path that is there already is Error(duplicate_path) naming both wheels. python: "3.11".
void install_wheel(const Path& wheel, const Path& tree, const std::string& python,
                   std::map<std::string, InstalledFile>& installed);

// The text of a launcher in bin/ for "module:function": resolves its own real path first, so that links to it
// work, and runs with nothing but the tree's lib/ in front of the standard library. Exports MLSHIP_ROOT.
std::string launcher(const std::string& entry_point, const std::string& python);

}  // namespace mlship
