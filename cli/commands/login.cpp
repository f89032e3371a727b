// `mlship login`: credentials of a registry, checked and kept where docker keeps them.
#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/login_place.h"
#include "cli/password.h"
#include "cli/services.h"
#include "core/json_library.h"
#include "registry/docker_config.h"
#include "registry/oci_client.h"

namespace mlship {
namespace {

struct Options {
  std::optional<std::string> registry, username;
  bool password_stdin = false;
};

constexpr auto with_flags = "mlship login --username NAME --password-stdin";

std::string user_of(const Options& options, Services& services) {
  if (!options.username && options.password_stdin) {
    throw Error(ErrorCode::usage, "cannot log in: --password-stdin needs --username").hint(with_flags);
  }
  const std::string user = options.username ? *options.username : ask_line(services, "user name", with_flags);
  // RFC 7617 §2: a user-id with a colon cannot be told from the password.
  if (user.empty() || user.find(':') != std::string::npos) {
    throw Error(ErrorCode::usage, fmt::format("cannot log in: '{}' is no user name", user)).hint(with_flags);
  }
  return user;
}

ExitCode run(const Options& options, Services& services) {
  const auto [registry, place] = login_place(services, options.registry, "log in to");
  const std::string user = user_of(options, services);
  const Secret password =
      options.password_stdin ? password_from_stdin() : ask_password(services, "password", with_flags);
  auto& host = services.host();
  check_login(registry, host, user, password);
  const std::string kept =
      DockerConfig(host.env, host.process).store(place.host, user, password, place.prefix);
  services.out().text(fmt::format("logged in to {} as {}\nkept in {}\n", place.host, user, kept));
  services.out().document(
      {{"schema", "mlship.login/1"}, {"host", place.host}, {"username", user}, {"kept", kept}});
  return ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional(options->registry, "REGISTRY",
                       "a [registries] entry, an oci:// URL or a host (default: the registry in use)");
  arguments.option(options->username, "--username", "NAME", "asked for at the terminal without it");
  arguments.flag(options->password_stdin, "--password-stdin",
                 "read the password from standard input instead of asking for it");
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory login_factory{
    "login", CommandGroup::registry, "check a registry's credentials and keep them where docker does",
    "They are kept only when the registry takes them: in docker's credential helper where its config.json\n"
    "names one (credHelpers, credsStore), else in config.json itself, readable by you alone. docker, skopeo\n"
    "and crane find them there too. They are never sent over plain HTTP to another machine.\n"
    "\n"
    "  mlship login registry.example.com\n"
    "  printf %s \"$TOKEN\" | mlship login --username ci --password-stdin",
    setup};

}  // namespace mlship
