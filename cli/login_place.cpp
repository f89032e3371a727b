#include "cli/login_place.h"

#include <fmt/core.h>

#include "cli/services.h"
#include "core/error.h"
#include "core/secret.h"

namespace mlship {
namespace {

constexpr std::string_view scheme = "oci://";

// A host is reached as an entry for it says.
RegistryOptions options_of_host(Services& services, const std::string& host) {
  for (const auto& [name, section] : services.project().registries) {
    if (!section.url.starts_with(scheme)) continue;
    auto options = services.registry_named(name, Origin::flag, "REGISTRY").options;
    RegistryOptions asked = options;
    asked.url = std::string(scheme) + host;
    if (read_oci_place(options).host == read_oci_place(asked).host) return options;
  }
  return RegistryOptions{std::string(scheme) + host};
}

RegistryOptions options_of(Services& services, const std::optional<std::string>& said) {
  if (!said) return services.chosen_registry().options;
  const bool known = said->find("://") != std::string::npos || said->starts_with("layout:") ||
                     services.project().registries.contains(*said);
  if (known) return services.registry_named(*said, Origin::flag, "REGISTRY").options;
  return options_of_host(services, *said);
}

}  // namespace

LoginPlace login_place(Services& services, const std::optional<std::string>& said, const std::string& verb) {
  LoginPlace out{options_of(services, said), {}};
  if (!out.options.url.starts_with(scheme)) {
    throw Error(ErrorCode::usage, fmt::format("cannot {} {}: only oci:// registries have credentials", verb,
                                              printable_url(out.options.url)))
        .hint("name the registry's host: mlship login registry.example.com");
  }
  out.place = read_oci_place(out.options);
  return out;
}

}  // namespace mlship
