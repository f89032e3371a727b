// A bundle from its manifest and metadata, wherever these come from.
#pragma once

#include <functional>
#include <string>

#include "packager/bundle.h"

namespace mlship {

// `manifest`: verified bytes; `read`: those of a blob of it; `layout`: where its blobs lie or will lie.
Bundle read_bundle(const oci::Layout& layout, const Digest& digest, std::string manifest,
                   const std::function<std::string(const oci::Descriptor&)>& read, const std::string& what);

}  // namespace mlship
