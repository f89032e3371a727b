// Whether what [code.entry-points] names can be in the code that is shipped.
#pragma once

#include "core/project.h"
#include "packager/source_tree.h"

namespace mlship {

// Throws Error(project_file) with a did-you-mean when an entry point's module is no file of `code`, or its
// file cannot define the function. Reads the text, runs nothing: what could be there passes (a name that is
// imported, made at run time, or from a dependency).
void check_entry_points(const Project& project, const SourceTree& code);

}  // namespace mlship
