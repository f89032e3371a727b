// `mlship list`: what the registry holds.
#include "registry/list.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/render.h"
#include "cli/resolve_ref.h"
#include "cli/services.h"
#include "core/json_library.h"
#include "core/names.h"

namespace mlship {
namespace {

struct Options {
  std::optional<std::string> name;
};

struct Package {
  std::string name;
  std::vector<VersionRow> versions;  // newest first
};

// A package that is not the project's own does not say its scheme; the one that understands more names is it.
std::vector<VersionRow> versions_of(Services& services, const std::string& package) {
  auto rows = list_versions(services.registry(), package, scheme_of(services, package));
  if (rows.empty()) rows = list_versions(services.registry(), package, Scheme::semver);
  std::reverse(rows.begin(), rows.end());
  return rows;
}

std::vector<Package> packages_of(Services& services, const Options& options) {
  auto& registry = services.registry();
  std::vector<std::string> names;
  if (options.name) {
    names = {normalize_name(*options.name)};
    if (registry.tag_names(names.front()).empty()) {
      throw Error(ErrorCode::package_not_found,
                  fmt::format("cannot list {}: {} has no such package{}", *options.name, registry.url(),
                              did_you_mean(names.front(), packages_if_told(registry))))
          .hint("mlship list");
    }
  } else {
    names = registry.packages();
  }
  std::vector<Package> packages;
  for (const auto& name : names) packages.push_back({name, versions_of(services, name)});
  return packages;
}

OrderedJson document(const std::string& registry, const std::vector<Package>& packages) {
  OrderedJson rows = OrderedJson::array();
  for (const auto& package : packages) {
    OrderedJson versions = OrderedJson::array();
    for (const auto& row : package.versions) {
      versions.push_back(
          {{"version", row.version.str()},
           {"tags", row.tags},
           {"digest", row.manifest.digest.str()},
           {"size", row.size},
           {"further", row.further},
           {"published", row.published ? OrderedJson(human_time(*row.published)) : OrderedJson(nullptr)}});
    }
    rows.push_back({{"name", package.name}, {"versions", versions}});
  }
  return {{"schema", "mlship.list/1"}, {"registry", registry}, {"packages", rows}};
}

ExitCode run(const Options& options, Services& services) {
  auto& out = services.out();
  const auto packages = packages_of(services, options);
  Table table({"PACKAGE", "VERSION", "TAGS", "DIGEST", "SIZE", "PUBLISHED"});
  for (const auto& package : packages) {
    for (const auto& row : package.versions) {
      table.add({package.name, row.version.str(), fmt::format("{}", fmt::join(row.tags, ",")),
                 row.manifest.digest.brief(), human_bytes(row.size), human_time(row.published.value_or(0))});
    }
  }
  services.diagnostics().detail("registry " + services.registry().url());
  out.text(table.empty() ? services.registry().url() + " is empty\n"
                         : table.render(out.width(), out.style()));
  out.document(document(services.registry().url(), packages));
  return ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional(options->name, "NAME", "one package (default: all)");
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory list_factory{"list", CommandGroup::registry,
                                         "packages, versions, tags, digests, sizes and dates in the registry",
                                         "  mlship list\n"
                                         "  mlship list churn --json",
                                         setup};

}  // namespace mlship
