#include "cli/selection.h"

#include "cli/arguments.h"
#include "cli/resolve_ref.h"
#include "cli/services.h"
#include "core/text.h"
#include "deployers/rollout.h"

namespace mlship {
namespace {

// The name of a package alone means the project's own version.
bool names_a_version(const Ref& ref) {
  return !ref.tag.empty() || ref.digest;
}

}  // namespace

void add_selection(Arguments& arguments, SelectionOptions& options) {
  arguments.optional_value(
      options.jobs, "--jobs", "GLOB",
      "only scheduled things: jobs, cron entries, timers. A name or an id means that object "
      "alone; else it is a pattern, in which a backslash goes before a literal bracket");
  arguments.optional_value(options.services, "--services", "GLOB",
                           "only long-running things, chosen like --jobs; neither flag: both");
  arguments.list(options.targets, "--target", "NAME", "only this target; may be repeated", ValueKind::target);
}

Selection selection(Services& services, const SelectionOptions& options) {
  services.check_target_names(options.targets);
  return {options.jobs, options.services, options.targets};
}

void add_plan_options(Arguments& arguments, PlanOptions& options) {
  arguments.positional(options.ref, "REF", "what to move to (default: the project's own version)");
  add_selection(arguments, options.selection);
  arguments.choice(options.compat, "--compat", {"major", "minor", "any"},
                   "which older references move: same major version (default), same minor, any");
  arguments.flag(options.include_owned, "--include-owned",
                 "also change what another system generates or manages, and may write again");
  arguments.flag(
      options.install, "--install",
      "also put the tree and the files of the version into every target on this host, before anything "
      "refers to them");
}

std::string flags_of(const PlanRequest& request) {
  const auto with = [](const std::string& flag, const std::optional<std::string>& glob) {
    if (!glob) return std::string();
    return " " + flag + (glob->empty() ? "" : "=" + shell_quoted(*glob));
  };
  std::string out = with("--jobs", request.selection.jobs) + with("--services", request.selection.services);
  for (const auto& target : request.selection.targets) out += " --target " + target;
  if (request.compat) out += " --compat " + std::string(to_string(*request.compat));
  if (request.include_owned) out += " --include-owned";
  if (request.install) out += " --install";
  return out;
}

PlanRequest plan_request(Services& services, const PlanOptions& options) {
  PlanRequest request;
  request.environment = services.environment().name;
  request.selection = selection(services, options.selection);
  const Resolved resolved = resolve_ref(services, options.ref);
  check_dist(services, resolved);
  request.release = resolved.release;
  request.compat = options.compat ? parse_compat(*options.compat) : std::nullopt;
  request.prereleases = options.ref && names_a_version(parse_ref(*options.ref));
  request.strict = options.strict;
  request.include_owned = options.include_owned;
  request.install = options.install;
  request.ledger = &services.ledger();
  request.names_must_be_there = true;
  return request;
}

}  // namespace mlship
