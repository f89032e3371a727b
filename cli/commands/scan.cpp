// `mlship scan`: which packages the targets refer to, before anything is shipped.
#include "deployers/scan.h"

#include <set>

#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/render.h"
#include "cli/render_plan.h"
#include "cli/services.h"
#include "core/json_library.h"

namespace mlship {
namespace {

struct Options {
  std::vector<std::string> targets;
  std::optional<std::string> package;
};

size_t object_count(const ScannedPackage& package) {
  std::set<std::pair<std::string, std::string>> objects;
  for (const auto& row : package.objects) objects.emplace(row.target, row.object.id);
  return objects.size();
}

std::string shown(const ScannedVersion& row) {
  return row.version.empty() ? fmt::format("({})", row.pinned) : row.version;
}

OrderedJson document(const ScanReport& report) {
  OrderedJson packages = OrderedJson::array();
  for (const auto& package : report.packages) {
    OrderedJson versions = OrderedJson::array(), references = OrderedJson::array();
    for (const auto& row : package.versions)
      versions.push_back({{"version", row.version}, {"pinned", row.pinned}, {"count", row.count}});
    for (const auto& row : package.objects) {
      references.push_back({{"target", row.target},
                            {"object", to_json(row.object)},
                            {"path", row.path},
                            {"text", row.text},
                            {"version", row.version},
                            {"pinned", row.pinned},
                            {"form", to_string(row.form)}});
    }
    packages.push_back({{"name", package.name},
                        {"ecosystem", package.ecosystem},
                        {"versions", versions},
                        {"objects", object_count(package)},
                        {"references", references}});
  }
  return {{"schema", "mlship.scan/2"}, {"packages", packages}, {"skipped", to_json(report.skipped)}};
}

ExitCode run(const Options& options, Services& services) {
  services.check_target_names(options.targets);
  const ScanReport report = scan(services.targets(), options.package.value_or(""), options.targets);
  for (const auto& warning : report.warnings) services.diagnostics().warning(warning);
  auto& out = services.out();
  Table table({"PACKAGE", "ECOSYSTEM", "VERSION", "REFERENCES", "OBJECTS"});
  for (const auto& package : report.packages) {
    bool first = true;
    for (const auto& row : package.versions) {
      table.add({first ? package.name : "", first ? std::string(package.ecosystem) : "", shown(row),
                 std::to_string(row.count), first ? std::to_string(object_count(package)) : ""});
      first = false;
    }
  }
  out.text(table.empty() ? "no references found\n" : table.render(out.width(), out.style()));
  if (!report.skipped.empty()) out.text("\n" + skipped_text(report.skipped, out.width(), out.style()));
  out.document(document(report));
  return any_fell_short(report.skipped) ? ExitCode::partial : ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.list(options->targets, "--target", "NAME", "only this target; may be repeated",
                 ValueKind::target);
  arguments.option(options->package, "--package", "GLOB", "only packages whose name matches");
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory scan_factory{
    "scan", CommandGroup::jobs, "inventory: every package the targets refer to, with versions and counts",
    "Needs read rights only and writes nothing. Exit 8 when something could not be read.\n"
    "\n"
    "  mlship scan --package 'churn*'",
    setup};

}  // namespace mlship
