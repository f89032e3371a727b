// What may name things in any registry, checked before it becomes a path or a URL.
#pragma once

#include <string>
#include <string_view>

#include "core/digest.h"
#include "core/error.h"

namespace mlship {

// distribution-spec §Pulling manifests: [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}.
bool valid_tag(std::string_view tag);
// Throws Error(reference) for anything else.
void require_tag(std::string_view tag);
// Throws Error(reference) unless it is the PEP 503 normal form of a valid name.
void require_package(std::string_view package);

// The conflict every backend reports: the version is there with another digest.
Error version_exists(const std::string& package, const std::string& tag, const std::string& registry,
                     const Digest& local, const Digest& remote);
// The failed compare-and-swap of a tag. "absent" stands for no digest.
Error tag_moved(const std::string& package, const std::string& tag, const std::string& expected,
                const std::string& actual);

}  // namespace mlship
