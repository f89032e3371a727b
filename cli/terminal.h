// What stands at the other end of the three standard streams.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mlship {

class Env;

struct Terminal {
  bool in = false, out = false, err = false;  // is it a terminal
  std::size_t width = 0;                      // columns of standard output's; 0: no terminal, do not cut
  bool color_out = false, color_err = false;
};
// color: auto, always or never. auto: on a terminal, unless NO_COLOR is set or TERM is dumb.
Terminal find_terminal(const Env& env, std::string_view color);

// Colours a text or leaves it alone.
class Style {
 public:
  explicit Style(bool on) : on_(on) {}
  [[nodiscard]] std::string bold(std::string_view text) const { return paint("1", text); }
  [[nodiscard]] std::string dim(std::string_view text) const { return paint("2", text); }
  [[nodiscard]] std::string red(std::string_view text) const { return paint("31", text); }
  [[nodiscard]] std::string green(std::string_view text) const { return paint("32", text); }
  [[nodiscard]] std::string yellow(std::string_view text) const { return paint("33", text); }
  [[nodiscard]] std::string cyan(std::string_view text) const { return paint("36", text); }

 private:
  [[nodiscard]] std::string paint(std::string_view code, std::string_view text) const;
  bool on_;
};

}  // namespace mlship
