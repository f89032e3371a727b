// What refers to a manifest: the referrers API, or the fallback tag of registries without it
// (distribution-spec §Referrers Tag Schema).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/oci_repository.h"

namespace mlship {

// "sha256-<hex>".
std::string fallback_tag(const Digest& subject);
// A fallback tag, or one of cosign's (sha256-<hex>.sig): no name of a version.
bool is_fallback_tag(std::string_view tag);

// Sorted by digest. Throws Error(verification) when the fallback tag holds something else than an index.
std::vector<oci::Descriptor> list_referrers(OciRepository& repository, const Digest& subject);

// After a manifest with that subject was stored and the registry did not say that it knows subjects: makes
// sure that the fallback tag lists it. `store_again` stores the referrer's manifest once more, for a registry
// that says it is not there. Throws Error(http_conflict) when others keep overwriting the tag.
void add_to_fallback(OciRepository& repository, const Digest& subject, const oci::Descriptor& referrer,
                     const std::function<void()>& store_again);

}  // namespace mlship
