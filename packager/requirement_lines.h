// pip's requirements file format, from bytes to lines: continuations, comments and line numbers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mlship {

struct RequirementLine {
  size_t number = 0;  // of its first physical line, from 1
  std::string text;   // joined, without comment, trimmed; never empty
};

// pip: "Requirements file format" §Line continuations, §Comments. A comment line ends a continued line.
std::vector<RequirementLine> requirement_lines(std::string_view text);

// The line in words, as a shell would take it apart: spaces separate, quotes and backslashes protect.
std::vector<std::string> shell_words(std::string_view text);

}  // namespace mlship
