// The last steps of every bundle, whatever it is made of: layers in their order, metadata, config, manifest.
#pragma once

#include <string>
#include <vector>

#include "core/oci.h"
#include "packager/bundle.h"
#include "packager/bundler.h"

namespace mlship {

class BundleWriter {
 public:
  // Makes the layout `folder`, which nobody may look into before finish().
  explicit BundleWriter(const Path& folder) : layout_(oci::Layout::create_private(folder)) {}

  [[nodiscard]] const oci::Layout& layout() const { return layout_; }
  // The blob has to be in the layout when finish() is called.
  void add(const char* media, const std::string& path, const std::string& kind, const Digest& digest,
           std::uint64_t size);
  // A file of the layout's file system becomes an output of the bundle.
  void add_output(const Path& file, const Output& output);
  // Puts bundle.json before the layers; returns the manifest's digest.
  Digest finish(const BundleInfo& info);
  [[nodiscard]] const std::vector<BuiltLayer>& layers() const { return built_; }

 private:
  oci::Layout layout_;
  std::vector<oci::Descriptor> layers_;
  std::vector<BuiltLayer> built_;
};

}  // namespace mlship
