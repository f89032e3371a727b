// What `build --verify` and `build --archive` add to a build.
#pragma once

#include "packager/bundler.h"

namespace mlship {

class Services;

// Builds again from scratch, elsewhere, without the stat cache and under another umask; Error(verification)
// when the digest differs, naming the first layer that does.
void verify_build(Services& services, BuildOptions options, const BuildResult& built);
// The layout as one canonical tar, put there by rename.
void write_archive(const Path& layout, const Path& file);

}  // namespace mlship
