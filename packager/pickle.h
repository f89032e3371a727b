// Pickles are programs: whoever loads one runs what it says. They are recognised, never unpickled.
#pragma once

#include <string>

#include "packager/byte_file.h"

namespace mlship {

// What kind of pickle the file is ("a pickle", "a PyTorch archive with a pickle inside", …); "" when it is
// none.
std::string pickle_kind(const ByteFile& file, std::string_view file_name);

}  // namespace mlship
