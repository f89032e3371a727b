// `mlship promote`: a version into another environment's registry, unchanged.
#include "registry/promote.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/render.h"
#include "cli/resolve_ref.h"
#include "cli/services.h"
#include "core/json_library.h"
#include "core/names.h"
#include "core/ref.h"
#include "registry/publish.h"

namespace mlship {
namespace {

struct Options {
  std::string ref;
  std::optional<std::string> to;
};

const std::string& environment_of(const Options& options, Services& services) {
  std::vector<std::string> known;
  for (const auto& [name, section] : services.project().environments) known.push_back(name);
  if (options.to && (known.empty() || std::find(known.begin(), known.end(), *options.to) != known.end())) {
    return *options.to;
  }
  const std::string why = options.to ? fmt::format("there is no environment '{}'{}", *options.to,
                                                   did_you_mean(*options.to, known))
                                     : "--to does not say which environment";
  throw Error(ErrorCode::usage, fmt::format("cannot promote {}: {}", options.ref, why))
      .fact("environments", known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")))
      .hint(fmt::format("mlship promote {} --to {}", options.ref, known.empty() ? "ENV" : known.back()));
}

// Where it comes from must be said too: environments that share a registry today may not tomorrow.
void check_origin(const Options& options, Services& services) {
  if (!parse_ref(options.ref).registry.empty()) return;
  if (!services.setting("registry", services.options().registry).value.empty()) return;
  (void)services.environment();
}

// The registry knows digests; who is asked for what is known here.
Error conflict(const Resolved& resolved, const Error& error, const Registry& from, const Registry& to) {
  Error out(ErrorCode::version_exists,
            fmt::format("cannot promote {} {} to {}: version exists with another digest", resolved.name,
                        resolved.release.version.str(), to.url()));
  for (const auto& fact : error.facts()) {
    const bool local = fact.name == "local";
    out = std::move(out).fact(local ? "from" : "to", fact.value + "  " + (local ? from.url() : to.url()));
  }
  return std::move(out).hint("versions are immutable; raise the version, build and publish again");
}

OrderedJson document(const Resolved& resolved, const std::string& environment, const Registry& from,
                     const Registry& to, const PromoteResult& result, const std::string& status) {
  const auto& put = result.put;
  return {{"schema", "mlship.promote/1"},
          {"name", resolved.name},
          {"version", resolved.release.version.str()},
          {"digest", resolved.release.digest.str()},
          {"environment", environment},
          {"from", from.url()},
          {"to", to.url()},
          {"uploaded", {{"blobs", put.uploaded_blobs}, {"bytes", put.uploaded_bytes}}},
          {"reused", {{"blobs", put.reused_blobs}, {"bytes", put.reused_bytes}}},
          {"mounted", result.mounted_blobs},
          {"referrers", {{"all", result.referrers}, {"copied", result.copied}}},
          {"status", status}};
}

ExitCode run(const Options& options, Services& services) {
  const std::string& environment = environment_of(options, services);
  check_origin(options, services);
  const auto target = services.registry_of_environment(environment);
  const Resolved resolved = resolve_ref(services, options.ref);
  auto& from = services.registry();
  const auto to = open_registry(target.options, services.host());
  const auto& release = resolved.release;
  refuse_dirty(resolved.name, release.version, *to);
  const PromoteRequest request{release.package, release.version, resolved.manifest,
                               oci::Layout::create(services.scratch() / "promote")};
  PromoteResult result;
  try {
    result = promote(from, *to, request, services.diagnostics());
  } catch (const Error& error) {
    if (error.code() == ErrorCode::version_exists) throw conflict(resolved, error, from, *to);
    throw;
  }
  const bool changed = result.put.published || result.copied > 0;
  const std::string status = changed ? "promoted" : "unchanged";
  services.out().text(
      fmt::format("{} {} {}\n{}: {} -> {}, {} sent, {} there already, {} of {} referrers copied\n",
                  resolved.name, release.version.str(), release.digest.str(), status, from.url(), to->url(),
                  human_bytes(result.put.uploaded_bytes), human_bytes(result.put.reused_bytes), result.copied,
                  result.referrers));
  services.out().document(document(resolved, environment, from, *to, result, status));
  return ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.required(options->ref, "REF", "the version to promote");
  arguments.option(options->to, "--to", "ENV", "the environment whose registry it goes to");
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory promote_factory{
    "promote", CommandGroup::registry, "copy a version to another environment's registry, the same digest",
    "From the registry of --env (or of REF) to that of --to: every blob, the manifest, provenance and\n"
    "signatures, byte for byte. Blobs that are there already do not travel. A version that is there with\n"
    "another digest is a conflict (exit 6). No tag moves: that is `mlship tag`.\n"
    "\n"
    "  mlship promote churn:1.4.0 --env dev --to prod",
    setup};

}  // namespace mlship
