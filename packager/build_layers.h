// Step 2 of a build: from inputs to the layers, the metadata and the manifest, assembled in a private folder.
#pragma once

#include <string>
#include <vector>

#include "core/oci.h"
#include "packager/build_inputs.h"

namespace mlship {

// A user's file that shares its inode with a blob, or whose digest the stat cache should keep.
struct PlacedFile {
  std::string shown;
  Path file;
  Digest digest;
  fs::Stat hashed;         // the stat that the digest belongs to
  bool shared = false;     // hard-linked: writing to `file` changes the blob
  bool of_project = true;  // false for the wheels of the blob cache
};

struct Assembled {
  Version version;  // with the mark of a dirty tree
  Digest digest;
  std::vector<BuiltLayer> layers;
  std::vector<Output> outputs;
  std::vector<PlacedFile> placed;
};

// Makes the OCI layout `folder` (must not exist). What is made of the code alone is made while the models are
// hashed.
Assembled assemble(const Project& project, BuildInputs& inputs, const Path& folder);

// 1.4.0 -> 1.4.0.dev0+dirty.0123456789ab: it sorts below 1.4.0.
Version dirty_version(const Version& version, const Digest& tree);

}  // namespace mlship
