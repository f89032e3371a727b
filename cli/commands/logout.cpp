// `mlship logout`: takes a registry's credentials away again.
#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/login_place.h"
#include "cli/services.h"
#include "core/json_library.h"
#include "registry/docker_config.h"

namespace mlship {
namespace {

struct Options {
  std::optional<std::string> registry;
};

ExitCode run(const Options& options, Services& services) {
  const auto place = login_place(services, options.registry, "log out of").place;
  const std::string& name = place.host;
  auto& host = services.host();
  const bool gone = DockerConfig(host.env, host.process).erase(place.host, place.prefix);
  services.out().text(gone ? fmt::format("logged out of {}\n", name)
                           : fmt::format("there are no credentials of {}\n", name));
  services.out().document(
      {{"schema", "mlship.logout/1"}, {"host", name}, {"status", gone ? "removed" : "unchanged"}});
  return ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional(options->registry, "REGISTRY",
                       "a [registries] entry, an oci:// URL or a host (default: the registry in use)");
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory logout_factory{
    "logout", CommandGroup::registry, "remove a registry's credentials from where docker keeps them",
    "From the credential helper and from config.json. Without any, that is said and nothing changes.\n"
    "\n"
    "  mlship logout registry.example.com",
    setup};

}  // namespace mlship
