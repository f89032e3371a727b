#include "core/host/ask.h"

#include "core/error.h"

namespace mlship {

std::optional<std::string> ask(Process& process, const ProcessRequest& request) {
  try {
    ProcessResult said = process.run(request);
    if (said.exit == 0) return std::move(said.out);
  } catch (const Error&) {  // not installed, or not in time
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace mlship
