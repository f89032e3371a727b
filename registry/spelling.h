// One registry may be written in several ways.
#pragma once

#include <string>
#include <string_view>

#include "registry/registry.h"

namespace mlship {

// Whether both name the same place, however it is spelled; `url` is reached as `options` say.
bool same_registry(const RegistryOptions& options, const std::string& url);

// The URL that somebody means who writes a registry as docker, a browser or a shell does; "" when that cannot
// be told.
std::string likely_registry(std::string_view word);

}  // namespace mlship
