#include "deployers/scan.h"

#include <algorithm>

#include "core/names.h"

namespace mlship {
namespace {

// One package while it is being counted. Versions that are no exact ones (ranges, digests) share the row "".
struct Counter {
  std::map<Version, size_t, std::greater<>> versions;
  size_t without = 0;
  std::vector<ScannedObject> objects;
};

ScannedPackage finished(const std::string& name, Counter& counter) {
  ScannedPackage package{name, {}, std::move(counter.objects)};
  for (const auto& [version, count] : counter.versions) package.versions.emplace_back(version.str(), count);
  if (counter.without != 0) package.versions.emplace_back("", counter.without);
  return package;
}

}  // namespace

ScanReport scan(Targets& targets, const std::string& package, const std::vector<std::string>& target_names) {
  ScanReport report;
  std::map<std::string, Counter> counters;
  for (const auto& target : targets) {
    const bool listed = target_names.empty() || std::find(target_names.begin(), target_names.end(),
                                                          target->name()) != target_names.end();
    if (!listed) continue;
    Discovery found = target->discover(Scheme::pep440);
    for (auto& skipped : found.skipped) report.skipped.push_back(std::move(skipped));
    for (auto& warning : found.warnings) report.warnings.push_back(std::move(warning));
    for (const auto& object : found.objects) {
      for (const auto& reference : object.references) {
        const Reference& r = reference.reference;
        if (r.package.empty()) {
          report.skipped.push_back(
              {target->name(), object.info, reference.path, Reason::opaque, r.opaque, "", reference.text});
          continue;
        }
        if (!package.empty() && !glob_match(package, r.package)) continue;
        Counter& counter = counters[r.package];
        if (r.version) {
          ++counter.versions[*r.version];
        } else {
          ++counter.without;
        }
        counter.objects.push_back({target->name(), object.info, reference.path, reference.text,
                                   r.version ? r.version->str() : "", r.form});
      }
    }
  }
  for (auto& [name, counter] : counters) report.packages.push_back(finished(name, counter));
  return report;
}

}  // namespace mlship
