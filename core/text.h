// Text of unknown origin: taken apart, and made ready to be shown to a person.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mlship {

// Length of the well-formed UTF-8 sequence at `at` (RFC 3629 §4), 0 when there is none.
size_t utf8_sequence(std::string_view text, size_t at);
// For messages: control characters (C0, DEL, C1) and bytes that are not UTF-8 as \xNN, so that a file name
// cannot command a terminal.
std::string printable(std::string_view text);
// Without those characters at both ends.
std::string_view stripped(std::string_view text, std::string_view of = " \t");
// What stands between these characters, empty pieces too: one more than there are separators.
std::vector<std::string_view> split(std::string_view text, std::string_view separators);
// The pieces that are not empty.
std::vector<std::string> pieces(std::string_view text, std::string_view separators = " \t\r\n");
// In single quotes, as a POSIX shell, zsh and fish read it.
std::string shell_quoted(std::string_view text);

}  // namespace mlship
