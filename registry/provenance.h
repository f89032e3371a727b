// SLSA v1 provenance as an in-toto Statement v1, kept as a referrer of the bundle's manifest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/oci.h"
#include "registry/registry.h"

namespace mlship {

struct Placement {
  std::string kind;   // "bundle", "wheel", …
  std::string where;  // URL without userinfo and query
  Digest digest;
};

struct Provenance {
  std::string builder;     // SLSA builder.id: one for laptops, one per CI system
  std::string invocation;  // URL of the CI run; empty on a laptop
  std::string commit, remote;
  bool dirty = false;
  std::string user, host;
  std::int64_t started = 0, finished = 0, published = 0;  // seconds since the epoch
  std::vector<Placement> placements;
  // The name of the file that the bundle is, when it was built elsewhere; "" when mlship built the bundle.
  std::string artifact{};
  Digest artifact_digest{};
};

// The in-toto Statement (canonical JSON).
std::string provenance_statement(const Provenance& provenance, const std::string& package,
                                 const Digest& subject);
std::optional<Provenance> parse_provenance(std::string_view statement);

// As a registry lists its referrers: is this one provenance?
bool is_provenance(const oci::Descriptor& referrer);

void put_provenance(Registry& registry, const std::string& package, const oci::Descriptor& subject,
                    const Provenance& provenance);
// The oldest one (who published first); nullopt when there is none. What cannot be read is passed over.
std::optional<Provenance> get_provenance(
    Registry& registry, const std::string& package, const Digest& subject,
    const UnreadableReferrer& unreadable = [](const Error&) {});

}  // namespace mlship
