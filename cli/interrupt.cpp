#include "cli/interrupt.h"

#include <csignal>
#include <string_view>
#include <thread>

#include <unistd.h>

#include "core/error.h"

namespace mlship {
namespace {

// A signal handler reaches nothing but static storage.
std::atomic<bool> flag{false};
std::atomic<bool> finish_first{false};
static_assert(std::atomic<bool>::is_always_lock_free);

constexpr unsigned grace_seconds = 2;

[[noreturn]] void leave() {
  constexpr std::string_view text =
      "\ninterrupted: what was not finished is not visible; run the same command again\n";
  // write and _exit are async-signal-safe (signal-safety(7)); there is nobody to tell when write fails.
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) _exit(static_cast<int>(ExitCode::interrupted));
  _exit(static_cast<int>(ExitCode::interrupted));
}

void on_interrupt(int) {
  if (flag.exchange(true)) leave();
  if (!finish_first) alarm(grace_seconds);
}

void on_alarm(int) {
  leave();
}

const std::thread::id main_thread = std::this_thread::get_id();

}  // namespace

void catch_interrupts() {
  struct sigaction action{};
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  action.sa_handler = on_interrupt;
  for (const int number : {SIGINT, SIGTERM}) sigaction(number, &action, nullptr);
  action.sa_handler = on_alarm;
  sigaction(SIGALRM, &action, nullptr);
  // A reader that closes its end (`mlship list | head`) shows as EPIPE.
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

const std::atomic<bool>& interrupted() {
  return flag;
}

FinishWriteFirst::FinishWriteFirst() {
  // What came before the first write is abandoned like any other work.
  check_interrupt();
  finish_first = true;
  alarm(0);
}
FinishWriteFirst::~FinishWriteFirst() {
  finish_first = false;
}

void check_interrupt() {
  if (flag && !finish_first && std::this_thread::get_id() == main_thread) {
    throw Error(ErrorCode::interrupted, "interrupted: what was not finished is not visible")
        .hint("run the same command again");
  }
}

}  // namespace mlship
