// Letters and digits of ASCII, whatever the locale is.
#pragma once

#include <string>
#include <string_view>

namespace mlship::letters {

inline bool digit(char c) {
  return c >= '0' && c <= '9';
}
inline bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
inline char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
inline std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

}  // namespace mlship::letters
