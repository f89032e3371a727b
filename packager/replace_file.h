// Files that can be made again: caches and what lies in dist/.
#pragma once

#include "core/host/fs.h"

namespace mlship {

// As fs::write_atomic for everybody who looks, but not flushed: a crash of the machine may leave it empty.
inline void replace_file(const Path& path, std::string_view content) {
  fs::Writer out(path.parent_path() / fs::unique_name("." + path.filename().string() + ".mlship-"));
  out.write(content);
  fs::rename(out.path(), path);
  out.close(false);
}

}  // namespace mlship
