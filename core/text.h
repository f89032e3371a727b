// Text of unknown origin, on its way to a person.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mlship {

// Length of the well-formed UTF-8 sequence at `at` (RFC 3629 §4), 0 when there is none.
size_t utf8_sequence(std::string_view text, size_t at);
// For messages: control characters (C0, DEL, C1) and bytes that are not UTF-8 as \xNN, so that a file name
// cannot command a terminal.
std::string printable(std::string_view text);
// Without those characters at both ends.
std::string_view stripped(std::string_view text, std::string_view of = " \t");
// In single quotes, as a POSIX shell, zsh and fish read it.
std::string shell_quoted(std::string_view text);

}  // namespace mlship
