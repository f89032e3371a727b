// What differs between two bundles, member by member, and why.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "packager/bundle.h"

namespace mlship {

struct BundleFile {
  std::string path;
  std::uint64_t size = 0;  // bytes
  Digest digest;
  bool executable = false;
  oci::Descriptor layer;  // the raw layer it is, or the tar it is in
  [[nodiscard]] bool in_tar() const { return layer.media_type == oci::media::code_tar; }
};
// Every path of the bundle: raw layers are files, tars are spread. `need` is called before a tar is
// read: its blob may have to be fetched first.
std::vector<BundleFile> bundle_files(const Bundle& bundle,
                                     const std::function<void(const oci::Descriptor&)>& need);

struct Difference {
  enum class Change { added, removed, changed };
  Change change = Change::changed;
  std::string name;  // of a field, a path, a dependency, a model
  std::string a, b;  // what each side says; "" on the side that does not have it
  // "line 12", "byte 345", "executable", the members of a zip that differ; "" when a and b say it all.
  std::string why;
};
std::string_view to_string(Difference::Change change);  // "added"

struct BundleSide {
  const BundleInfo& info;
  const std::vector<BundleFile>& files;
  // Where the bytes of a file are, for saying where two differ; asked for small files only.
  std::function<Path(const BundleFile&)> content;
};
struct BundleDiff {
  std::vector<Difference> metadata, files, dependencies, models;
  [[nodiscard]] bool empty() const {
    return metadata.empty() && files.empty() && dependencies.empty() && models.empty();
  }
};
// a and b of a file are its digests. Wheels of dependencies and files of models are told with their
// dependency or model, and not again as files.
BundleDiff compare_bundles(const BundleSide& a, const BundleSide& b);

}  // namespace mlship
