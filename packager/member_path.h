// What a path inside an archive or a bundle may be.
#pragma once

#include <string>
#include <string_view>

#include "core/text.h"

namespace mlship {

// Why `path` cannot be a member of an archive: empty, absolute, `.`, `..` or empty components, control
// characters, not UTF-8. "" when it can.
std::string_view path_fault(std::string_view path);
// Unicode normal form C (UAX #15) of valid UTF-8: two spellings of one name would be two files here and one
// elsewhere.
bool is_nfc(std::string_view text);
}  // namespace mlship
