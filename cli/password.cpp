#include "cli/password.h"

#include <array>
#include <iostream>

#include <fmt/core.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/services.h"
#include "core/error.h"

namespace mlship {
namespace {

constexpr size_t longest = 65536;  // bytes

// Off while it lives, also when Ctrl-C ends the question.
class NoEcho {
 public:
  NoEcho() {
    good_ = tcgetattr(STDIN_FILENO, &before_) == 0;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    if (good_) (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~NoEcho() {
    if (good_) (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  termios before_{};
  bool good_ = false;
};

Error unusable(const std::string& why) {
  return Error(ErrorCode::usage, "cannot read the password from standard input: " + why)
      .hint("printf %s \"$PASSWORD\" | mlship login --username NAME --password-stdin");
}

}  // namespace

Secret password_from_stdin() {
  std::string text;
  std::array<char, 4096> piece{};
  while (text.size() <= longest) {
    std::cin.read(piece.data(), piece.size());
    if (std::cin.gcount() == 0) break;
    text.append(piece.data(), static_cast<size_t>(std::cin.gcount()));
  }
  if (text.size() > longest) throw unusable("it is longer than 64 KiB");
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) throw unusable("it is empty");
  if (text.find_first_of(std::string_view("\n\0", 2)) != std::string::npos)
    throw unusable("it is more than one line");
  return Secret(std::move(text));
}

std::string ask_line(Services& services, const std::string& question, const std::string& hint) {
  const auto& terminal = services.terminal();
  if (!terminal.in || !terminal.err) {
    throw Error(ErrorCode::usage, fmt::format("cannot ask for the {}: there is no terminal", question))
        .hint(hint);
  }
  services.out().flush();
  services.diagnostics().raw(question + ": ");
  // poll is never restarted after a signal (signal(7)): Ctrl-C at the question ends it at once.
  pollfd input{STDIN_FILENO, POLLIN, 0};
  while (poll(&input, 1, -1) < 0) check_interrupt();
  std::string answer;
  std::getline(std::cin, answer);
  if (answer.empty())
    throw Error(ErrorCode::usage, fmt::format("cannot use the {}: it is empty", question)).hint(hint);
  return answer;
}

Secret ask_password(Services& services, const std::string& question, const std::string& hint) {
  const NoEcho quiet;
  Secret answer(ask_line(services, question, hint));
  services.diagnostics().raw("\n");
  return answer;
}

}  // namespace mlship
