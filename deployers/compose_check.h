// What is known of a Compose file beside its text: whether an edit keeps its structure, and whether the
// containers that run were made from it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/host/fs.h"
#include "core/host/process.h"
#include "deployers/target.h"

namespace mlship {

// Why an edit that was to change values changed more than them; "" when it did not.
std::string compose_structure(std::string_view before, std::string_view after);

// Whether containers of the object were made before `since` (seconds since the epoch), so that `up -d` has
// yet to replace them; nullopt when docker cannot be asked or knows none. Starts nothing.
std::optional<bool> needs_up(Process& process, const Path& file, const ObjectInfo& object,
                             std::int64_t since);

}  // namespace mlship
