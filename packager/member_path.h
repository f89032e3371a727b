// What a path inside an archive or a bundle may be.
#pragma once

#include <string>
#include <string_view>

namespace mlship {

// Why `path` cannot be a member of an archive: empty, absolute, `.`, `..` or empty components, control
// characters, not UTF-8. "" when it can.
std::string_view path_fault(std::string_view path);
// Unicode normal form C (UAX #15) of valid UTF-8: two spellings of one name would be two files here and one
// elsewhere.
bool is_nfc(std::string_view text);
// For messages: control characters and bytes that are not ASCII as \xNN when the text is no clean UTF-8.
std::string printable(std::string_view text);

}  // namespace mlship
