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

// Section -> key -> value. Keys may be written with `_`, `-` or a `--` before them; a value may go on in
// indented lines; what [DEFAULT] says holds in each section there is.
using PipSections = std::map<std::string, std::map<std::string, std::string>>;
PipSections parse_pip_conf(std::string_view text);
// As `pip install` merges them: of each key of a section the last file's value (global, user, virtual
// environment, PIP_CONFIG_FILE), then [install] before [global] whichever file it stands in, then PIP_….
// Empty values say nothing.
PipConfig pip_config(const Env& env);

}  // namespace mlship
