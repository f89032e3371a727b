#include "cli/confirm.h"

#include <iostream>

#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/services.h"
#include "core/error.h"

namespace mlship {

void confirm(Services& services, const std::string& doing) {
  if (services.yes()) return;
  const auto& terminal = services.terminal();
  if (!terminal.in || !terminal.err) {
    throw Error(ErrorCode::confirmation_needed,
                fmt::format("cannot {}: there is no terminal to ask at", doing))
        .hint("run it again with --yes, or set MLSHIP_YES=1");
  }
  services.out().flush();
  services.diagnostics().raw(fmt::format("{}? [y/N] ", doing));
  // poll is never restarted after a signal (signal(7)): Ctrl-C at the question ends it at once.
  pollfd input{STDIN_FILENO, POLLIN, 0};
  while (poll(&input, 1, -1) < 0) check_interrupt();
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return;
  throw Error(ErrorCode::confirmation_needed, fmt::format("cannot {}: the answer was no", doing))
      .hint("run it again when you are sure");
}

}  // namespace mlship
