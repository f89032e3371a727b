// Model files are read, never executed or unpickled.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "core/host/fs.h"
#include "core/json.h"

namespace mlship {

struct ModelFactory {
  std::string_view name;  // "safetensors"
  std::string_view summary;
  // By name and first bytes.
  bool (*detect)(std::string_view file_name, std::string_view head);
  // Checks the header strictly and returns what bundle.json says of the model ({format, tensors, parameters,
  // …}). Reads no more than the header. Throws Error(model) with `shown` (the path as the user wrote it).
  Json (*inspect)(const Path& file, const std::string& shown);
};
std::span<const ModelFactory* const> model_factories();

// Detects (or takes `format` by name) and inspects. A pickle, by content, is refused with Error(model), or
// read (packager/pickle.h) where it is allowed.
enum class Pickles { refused, allowed };
Json inspect_model(const Path& file, const std::string& shown, const std::string& format,
                   Pickles pickles = Pickles::refused);

}  // namespace mlship
