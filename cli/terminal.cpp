#include "cli/terminal.h"

#include <charconv>

#include <sys/ioctl.h>
#include <unistd.h>

#include "core/host/env.h"

namespace mlship {
namespace {

constexpr std::size_t usual_width = 80;

std::size_t width_of(int descriptor, const Env& env) {
  std::size_t columns = 0;
  const std::string text = env.get("COLUMNS").value_or("");
  std::from_chars(text.data(), text.data() + text.size(), columns);
  if (columns > 0) return columns;
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return usual_width;
}

}  // namespace

Terminal find_terminal(const Env& env, std::string_view color) {
  Terminal found;
  found.in = isatty(STDIN_FILENO) == 1;
  found.out = isatty(STDOUT_FILENO) == 1;
  found.err = isatty(STDERR_FILENO) == 1;
  if (found.out) found.width = width_of(STDOUT_FILENO, env);
  // no-color.org: present and not empty, whatever its value.
  const bool wanted = color != "never" && !env.get("NO_COLOR") && env.get("TERM").value_or("") != "dumb";
  found.color_out = color == "always" || (wanted && found.out);
  found.color_err = color == "always" || (wanted && found.err);
  return found;
}

std::string Style::paint(std::string_view code, std::string_view text) const {
  if (!on_ || text.empty()) return std::string(text);
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

}  // namespace mlship
