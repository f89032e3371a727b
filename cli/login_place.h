// Which registry `login` and `logout` mean.
#pragma once

#include <optional>
#include <string>

#include "registry/oci_place.h"

namespace mlship {

class Services;

struct LoginPlace {
  RegistryOptions options;
  OciPlace place;
};

// said: a [registries] entry, an oci:// URL or a host; without it the registry in use. Throws Error(usage)
// for one that knows no credentials. verb: "log in to".
LoginPlace login_place(Services& services, const std::optional<std::string>& said, const std::string& verb);

}  // namespace mlship
