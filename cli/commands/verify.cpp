// `mlship verify`: every byte of a bundle against what it claims.
#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/open_bundle.h"
#include "cli/render.h"
#include "cli/services.h"
#include "core/error.h"
#include "core/json_library.h"
#include "packager/bundler.h"

namespace mlship {
namespace {

struct Options {
  std::optional<std::string> subject;
};

VerifyReport verified(const NamedBundle& named) {
  try {
    return verify_bundle(named.bundle);
  } catch (const Error&) {
    if (named.source == nullptr) forget_build(named.bundle.layout.folder());
    throw;
  }
}

ExitCode run(const Options& options, Services& services) {
  const NamedBundle named = open_named(services, options.subject);
  fetch_all(named);
  VerifyReport report = verified(named);
  for (const Bundle* bundle : named.further) {
    const VerifyReport more = verify_bundle(*bundle);
    report.blobs += more.blobs;
    report.bytes += more.bytes;
  }
  const auto& info = named.bundle.info;
  services.out().text(fmt::format("{} {} {}\nverified: {}, {}\n", info.name, info.version.str(),
                                  named.bundle.digest.str(), human_count(report.blobs, "blob"),
                                  human_bytes(report.bytes)));
  services.out().document({{"schema", "mlship.verify/1"},
                           {"name", info.name},
                           {"version", info.version.str()},
                           {"digest", named.bundle.digest.str()},
                           {"where", named.where},
                           {"blobs", report.blobs},
                           {"bytes", report.bytes},
                           {"status", "verified"}});
  return ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional(options->subject, "REF|PATH",
                       "a bundle in the registry, a layout folder or an archive");
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory verify_factory{
    "verify", CommandGroup::bundle, "check every digest of a bundle, its lock, outputs and model headers",
    "Exit 9 with the first thing that is not what it claims to be.\n"
    "\n"
    "  mlship verify\n"
    "  mlship verify churn:1.4.0",
    setup};

}  // namespace mlship
