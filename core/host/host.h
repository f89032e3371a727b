// The outside world, built once in main and passed down. Files are reached through core/host/fs.h directly:
// tests use real folders, a tmpfs and strace instead of an imitation.
#pragma once

#include "core/host/clock.h"
#include "core/host/env.h"
#include "core/host/http.h"
#include "core/host/process.h"

namespace mlship {

struct Host {
  const Env& env;
  Clock& clock;
  Http& http;
  Process& process;
};

}  // namespace mlship
