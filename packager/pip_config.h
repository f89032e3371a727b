// What pip's own configuration says about indexes: its files (INI) and its environment variables.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/env.h"

namespace mlship {

struct PipConfig {
  // "index-url", "extra-index-url", "find-links", "no-index" -> value, lists separated by white space.
  std::map<std::string, std::string> values;
};

// pip, "Configuration": `[global]`, then `[install]`; keys with `_` or `-`; a value may go on in indented
// lines.
std::map<std::string, std::string> parse_pip_conf(std::string_view text);
// Global, user and virtual environment files, then PIP_CONFIG_FILE, then PIP_…; the later one wins.
PipConfig pip_config(const Env& env);

}  // namespace mlship
