// What a deployer needs to know of a published bundle, and how it gets at its bytes. The packager and the
// registry stand behind ReleaseSource (wired in cli/), so that deployers include neither.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/digest.h"
#include "core/version.h"

namespace mlship {

// A file derived from the bundle for one kind of consumer ("wheel", …), kept in the bundle itself.
struct Output {
  std::string kind;
  std::string filename;
  Digest digest;
  std::uint64_t size = 0;  // bytes
};

struct Release {
  std::string package;  // PEP 503 normal form
  Version version;
  Digest digest;  // of the bundle's manifest
  std::vector<Output> outputs;
  bool has_tree = false;   // a runnable tree can be made of it on this machine
  bool file_only = false;  // published from one file built elsewhere: no machine can make a tree of it

  [[nodiscard]] const Output* output(std::string_view kind) const {
    for (const auto& o : outputs) {
      if (o.kind == kind) return &o;
    }
    return nullptr;
  }
};

class ReleaseSource {
 public:
  virtual ~ReleaseSource() = default;

  // nullopt only when the registry definitely does not have that version; anything else that fails throws.
  virtual std::optional<Release> find(const std::string& package, const Version& version) = 0;
  // Creates `file` (must not exist) complete and verified, mode 0644, or throws and leaves nothing.
  virtual void write_output(const Release& release, const Output& output,
                            const std::filesystem::path& file) = 0;
  // Makes the runnable tree in the directory `dir` (must not exist; its parent does): files, fsync, no
  // rename.
  virtual void make_tree(const Release& release, const std::filesystem::path& dir) = 0;
  // Empty when `dir` is exactly this release's tree; else one line that says what differs.
  virtual std::string check_tree(const Release& release, const std::filesystem::path& dir) = 0;
  // True when the package index at `index_url` lists a file of this version with one of the release's
  // digests.
  virtual bool index_serves(const std::string& index_url, const Release& release) = 0;
};

}  // namespace mlship
