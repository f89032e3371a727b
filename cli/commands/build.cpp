// `mlship build`: project -> bundle in dist/NAME-VERSION.
#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/build_checks.h"
#include "cli/command.h"
#include "cli/render.h"
#include "cli/services.h"
#include "core/json_library.h"
#include "packager/bundler.h"

namespace mlship {
namespace {

struct Options {
  std::optional<std::string> output, archive;
  bool allow_dirty = false, verify = false, offline = false;
  std::vector<std::string> find_links;
};

OrderedJson document(const BuildResult& built, const std::optional<std::string>& archive, double seconds) {
  OrderedJson layers = OrderedJson::array(), outputs = OrderedJson::array();
  for (const auto& layer : built.layers) {
    layers.push_back(
        {{"digest", layer.digest.str()}, {"size", layer.size}, {"path", layer.path}, {"kind", layer.kind}});
  }
  for (const auto& output : built.outputs) {
    outputs.push_back({{"kind", output.kind},
                       {"digest", output.digest.str()},
                       {"path", (built.layout / "blobs" / "sha256" / output.digest.hex()).string()},
                       {"filename", output.filename},
                       {"size", output.size}});
  }
  return {{"schema", "mlship.build/1"},
          {"name", built.name},
          {"version", built.version.str()},
          {"digest", built.digest.str()},
          {"layout", built.layout.string()},
          {"archive", archive ? OrderedJson(*archive) : OrderedJson(nullptr)},
          {"layers", layers},
          {"outputs", outputs},
          {"reused", built.reused},
          {"seconds", seconds}};
}

ExitCode run(const Options& options, Services& services) {
  const auto& project = services.package_project();
  BuildOptions build_options;
  if (options.output) build_options.output = *options.output;
  build_options.allow_dirty = options.allow_dirty;
  build_options.offline = options.offline;
  build_options.find_links = options.find_links;
  const auto begun = services.host().clock.monotonic();
  const BuildResult built = build(project, build_options, services.host(), services.diagnostics());
  if (options.verify) verify_build(services, build_options, built);
  if (options.archive) write_archive(built.layout, *options.archive);
  const auto spent = services.host().clock.monotonic() - begun;
  std::uint64_t bytes = 0;
  for (const auto& layer : built.layers) bytes += layer.size;
  services.diagnostics().status(fmt::format("{} {} in {}", built.reused ? "nothing changed:" : "built",
                                            human_bytes(bytes), human_path(built.layout)));
  if (options.verify) services.diagnostics().status("built twice in different surroundings: the same digest");
  services.out().text(fmt::format("{} {} {}\n", built.name, built.version.str(), built.digest.str()));
  services.out().document(document(built, options.archive, static_cast<double>(spent.count()) / 1000));
  return ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.option(options->output, "--output", "DIR", "put the bundle there instead of dist/NAME-VERSION");
  arguments.option(options->archive, "--archive", "FILE.tar",
                   "write the same layout as one deterministic tar too");
  arguments.flag(options->allow_dirty, "--allow-dirty",
                 "build uncommitted files; the version becomes VERSION.dev0+dirty.…");
  arguments.flag(options->verify, "--verify",
                 "build twice in different surroundings and compare the digests");
  arguments.flag(options->offline, "--offline", "use the cache and --find-links only");
  arguments.list(options->find_links, "--find-links", "DIR", "look for wheels there first; may be repeated");
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory build_factory{
    "build", CommandGroup::bundle, "make the bundle of this project: code, locked dependencies, models",
    "Reads mlship.toml, the commit, the lock and the models; downloads the locked wheels, verified; writes "
    "an OCI\n"
    "image layout and prints name, version and digest. The same commit gives the same digest everywhere.\n"
    "\n"
    "  mlship build\n"
    "  mlship build --find-links wheels --offline\n"
    "  mlship build --archive churn.tar --json",
    setup};

}  // namespace mlship
