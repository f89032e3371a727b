// What a bundle says of itself, and the files made from it.
#pragma once

#include <string>
#include <vector>

#include "packager/build_layers.h"
#include "packager/spool.h"

namespace mlship {

struct MadeOutput {
  std::string kind;
  std::string filename;
  Spooled content;
};
// The wheel, when the project wants one (by default when there is Python code), as files in `folder`.
std::vector<MadeOutput> make_outputs(const Project& project, const BuildInputs& inputs,
                                     const Version& version, const Path& folder);

BundleInfo bundle_info(const Project& project, const BuildInputs& inputs, const Assembled& assembled);
// Every value of the project file that decides what is built.
Json project_facts(const Project& project);

}  // namespace mlship
