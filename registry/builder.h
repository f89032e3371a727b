// Who runs this build: SLSA v1 §Builder wants different ids for builders of different trust, so a laptop and
// each CI system have their own.
#pragma once

#include <string>

#include "core/host/env.h"

namespace mlship {

struct Builder {
  std::string id;          // SLSA builder.id
  std::string invocation;  // URL of the CI run without userinfo and query; empty on a laptop
};

Builder detect_builder(const Env& env);

}  // namespace mlship
