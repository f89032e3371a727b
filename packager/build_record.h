// What is kept of a build: beside the layout for publish, in the cache for the next build.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "packager/build_layers.h"

namespace mlship {

// dist/NAME-VERSION.build.json
Path record_path(const Path& layout);
// Stat identities are taken now: after the layout is in its place, because link and unlink change ctime.
// `work`: a folder of this build's own on the same file system.
void write_build_record(const Path& layout, const Path& work, const BuildRecord& record,
                        const Assembled& assembled);

// Answers "has anything changed?" with stat(2) alone.
class LastBuild {
 public:
  // `cache`: the folder of the stat cache. Takes the identity of everything a build reads.
  LastBuild(const Project& project, const BuildOptions& options, const Path& cache);

  // The last result when it was made from the very same files and still lies there untouched.
  [[nodiscard]] std::optional<BuildResult> reusable() const;
  // True when somebody found the last result damaged since (forget_build()): the digests that are remembered
  // of its files may be wrong as well.
  [[nodiscard]] bool doubtful() const;
  // The code as it lies in the folder, listed when this was made; to be asked once. Null when there is none,
  // or none that can be listed.
  [[nodiscard]] std::unique_ptr<SourceTree> take_code() { return std::move(code_); }
  // Keeps `result` for next time, unless something changed while it was built. `code`: what was read.
  void remember(const BuildResult& result, const SourceTree* code) const;
  // Waits until the clock tells later changes apart from what is there now.
  void settle() const;

 private:
  struct Seen {
    std::string path;
    std::optional<fs::Stat> stat;
    bool model = false;
  };
  // The code in two digests: tens of thousands of files are neither kept nor written down one by one.
  struct SeenCode {
    Digest files;  // paths and identities
    Digest paths;
    std::int64_t youngest = 0;  // as wait_past() takes it
  };
  static SeenCode look_at(const SourceTree& code);
  // Everything but the code.
  [[nodiscard]] std::vector<Seen> look() const;
  [[nodiscard]] Json key(const std::vector<Seen>& seen) const;
  [[nodiscard]] bool still_clean() const;

  const Project& project_;
  const BuildOptions& options_;
  Path file_;
  std::string commit_, tag_;
  std::string ignored_;  // a digest of the names
  std::vector<Seen> before_;
  std::unique_ptr<SourceTree> code_;
  SeenCode seen_code_;
  bool known_ = false;  // false: the tree cannot be listed, so nothing is reused
};

// True when every blob of the result's layout is there with its size.
bool layout_complete(const BuildResult& result);

}  // namespace mlship
