// Pickles are programs: whoever loads one runs what it says. They are recognised, never unpickled.
#pragma once

#include <string>

#include "core/error.h"
#include "core/json.h"
#include "packager/byte_file.h"

namespace mlship {

// What kind of pickle the file is ("a pickle", "a PyTorch archive with a pickle inside", …); "" when it is
// none.
std::string pickle_kind(const ByteFile& file, std::string_view file_name);

// What bundle.json says of a pickle that somebody allowed: {format: "pickle", kind, globals, complete}.
// `globals` names what loading it would import; `complete` is false where not all of it could be read.
Json pickle_header(const ByteFile& file, const std::string& kind);

// The Error(model) for a pickle that nobody allowed. `allow`: the line that allows it.
Error pickle_refused(const ByteFile& file, const std::string& kind, const std::string& shown,
                     const std::string& allow);

}  // namespace mlship
