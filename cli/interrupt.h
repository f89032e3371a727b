// Ctrl-C and SIGTERM. A rollout looks at the flag between writes and ends by itself; everything else is
// abandoned at the next report of progress, or two seconds later: what it left is not visible under any final
// name.
#pragma once

#include <atomic>

namespace mlship {

// Installs the handlers. Call once, in main.
void catch_interrupts();
const std::atomic<bool>& interrupted();
// While one lives, an interrupt only sets the flag: the work in flight is finished first. A second one ends
// at once.
class FinishWriteFirst {
 public:
  FinishWriteFirst();
  ~FinishWriteFirst();
  FinishWriteFirst(const FinishWriteFirst&) = delete;
  FinishWriteFirst& operator=(const FinishWriteFirst&) = delete;
};
// Throws Error(interrupted) after an interrupt, in the main thread, unless a FinishWriteFirst lives.
void check_interrupt();

}  // namespace mlship
