// What another program of this host says, where it may as well be silent.
#pragma once

#include <optional>
#include <string>

#include "core/host/process.h"

namespace mlship {

// Its standard output; nullopt when it is not there, does not end in time, or does not exit 0.
std::optional<std::string> ask(Process& process, const ProcessRequest& request);

}  // namespace mlship
