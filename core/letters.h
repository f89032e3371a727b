// Letters and digits of ASCII, whatever the locale is.
#pragma once

namespace mlship::letters {

inline bool digit(char c) {
  return c >= '0' && c <= '9';
}
inline bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace mlship::letters
