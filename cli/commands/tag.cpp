// `mlship tag`: moves a name to a version.
#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/resolve_ref.h"
#include "cli/services.h"
#include "cli/tag_name.h"
#include "core/json_library.h"
#include "registry/registry.h"

namespace mlship {
namespace {

struct Options {
  std::string ref, tag;
};

ExitCode run(const Options& options, Services& services) {
  const Ref ref = parse_ref(options.ref);
  check_tag_name(options.tag, scheme_of(services, ref.package));
  const Resolved resolved = resolve_ref(services, options.ref);
  auto& registry = services.registry();
  const auto& package = resolved.release.package;
  const auto before = registry.resolve_tag(package, options.tag);
  const bool same = before == resolved.manifest.digest;
  if (!same) registry.move_tag(package, options.tag, resolved.manifest, before);
  const std::string status = same ? "unchanged" : before ? "moved" : "created";
  services.out().text(fmt::format("{}:{} is {} {} ({})\n", resolved.name, options.tag,
                                  resolved.release.version.str(), resolved.release.digest.str(), status));
  services.out().document({{"schema", "mlship.tag/1"},
                           {"name", resolved.name},
                           {"tag", options.tag},
                           {"version", resolved.release.version.str()},
                           {"digest", resolved.release.digest.str()},
                           {"previous", before ? OrderedJson(before->str()) : OrderedJson(nullptr)},
                           {"registry", registry.url()},
                           {"status", status}});
  return ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.required(options->ref, "REF", "the version the tag is to name");
  arguments.required(options->tag, "TAG", "the movable name, such as stable");
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory tag_factory{
    "tag", CommandGroup::registry, "move a tag (stable) to a version",
    "Only this command and `publish --tag` move tags. A name that parses as a version is refused.\n"
    "\n"
    "  mlship tag churn:1.3.0 stable",
    setup};

}  // namespace mlship
