// Which hosts belong together (publicsuffix.org, by libpsl, loaded on first use).
#pragma once

#include <string>

namespace mlship {

// True for the same host and for two names below one registrable domain: registry-1.docker.io and
// auth.docker.io, not a.github.io and b.github.io. Lower-case names; addresses belong to nobody but
// themselves.
bool same_owner(const std::string& host, const std::string& other);

}  // namespace mlship
