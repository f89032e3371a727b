// What `init --from-storkcfg` makes of the configuration of stork (or of apparate, its older name).
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/host/fs.h"
#include "core/json.h"

namespace mlship {

// One key of the file, or one that it should have: never a value that could be secret.
struct StorkKey {
  std::string key;
  std::string became;  // "library-path = "/Workspace/libs""; "" when it was not taken over
  std::string remark;
};

struct StorkConfig {
  std::string file;
  std::string host, library_path;  // "" when the file does not say
  std::vector<StorkKey> keys;
};

// Throws Error(not_found), Error(project_file) when it is no such file. Its token goes nowhere.
StorkConfig read_storkcfg(const Path& file);
// mlship.toml with one target and no package.
std::string project_text(const StorkConfig& config);
// What became of every key, one line each.
std::string report_text(const StorkConfig& config);
OrderedJson to_json(const StorkConfig& config);

}  // namespace mlship
