#include "deployers/scan.h"

#include <algorithm>
#include <array>

#include "core/names.h"

namespace mlship {
namespace {

// Which world a form names its package in: a bundle's tree is Python code.
struct EcosystemRow {
  Form form;
  std::string_view ecosystem;
};
constexpr auto ecosystems =
    std::to_array<EcosystemRow>({{Form::maven, "maven"}, {Form::jar, "maven"}, {Form::image, "image"}});

std::string_view ecosystem_of(Form form) {
  const auto row =
      std::find_if(ecosystems.begin(), ecosystems.end(), [&](const auto& r) { return r.form == form; });
  return row == ecosystems.end() ? "python" : row->ecosystem;
}

std::string name_of(const Reference& r) {
  return r.group.empty() ? r.package : r.group + ":" + r.package;
}

std::string_view pinned(const Reference& r) {
  if (r.version) return "exact";
  if (r.form == Form::range) return "range";
  if (!r.opaque.empty() || r.form == Form::vcs) return "opaque";
  if (!r.version_text.empty()) return "unresolvable";
  return r.digest ? "digest" : "unpinned";
}

// One package while it is being counted.
struct Counter {
  std::map<Version, size_t, std::greater<>> versions;
  std::map<std::string_view, size_t> others;  // by what they are instead of exact
  std::vector<ScannedObject> objects;
};
using Key = std::pair<std::string, std::string_view>;  // name, ecosystem

void count(const Reference& r, Counter& counter) {
  if (r.version) {
    ++counter.versions[*r.version];
  } else {
    ++counter.others[pinned(r)];
  }
}

ScannedPackage finished(const Key& key, Counter& counter) {
  ScannedPackage package{key.first, key.second, {}, std::move(counter.objects)};
  for (const auto& [version, n] : counter.versions) package.versions.push_back({version.str(), "exact", n});
  for (const auto& [what, n] : counter.others) package.versions.push_back({"", what, n});
  return package;
}

}  // namespace

ScanReport scan(Targets& targets, const std::string& package, const std::vector<std::string>& target_names) {
  ScanReport report;
  std::map<Key, Counter> counters;
  for (const auto& target : targets) {
    const bool listed = target_names.empty() || std::find(target_names.begin(), target_names.end(),
                                                          target->name()) != target_names.end();
    if (!listed) continue;
    Discovery found = target->discover(Scheme::pep440);
    for (auto& skipped : found.skipped) report.skipped.push_back(std::move(skipped));
    for (auto& warning : found.warnings) report.warnings.push_back(std::move(warning));
    const auto skip = [&](const LiveObject& object, const FoundReference& seen) {
      report.skipped.push_back(
          {target->name(), object.info, seen.path, Reason::opaque, seen.reference.opaque, "", seen.text});
    };
    const auto wanted = [&](const Reference& r) {
      return package.empty() || glob_match(package, name_of(r)) || glob_match(package, r.package);
    };
    for (const auto& object : found.idle) {
      for (const auto& reference : object.references) {
        if (wanted(reference.reference)) skip(object, reference);
      }
    }
    for (const auto& object : found.objects) {
      for (const auto& reference : object.references) {
        const Reference& r = reference.reference;
        if (r.package.empty()) {
          skip(object, reference);
          continue;
        }
        const std::string name = name_of(r);
        if (!wanted(r)) continue;
        Counter& counter = counters[{name, ecosystem_of(r.form)}];
        count(r, counter);
        counter.objects.push_back({target->name(), object.info, reference.path, reference.text,
                                   r.version ? r.version->str() : "", pinned(r), r.form});
      }
    }
  }
  for (auto& [key, counter] : counters) report.packages.push_back(finished(key, counter));
  return report;
}

}  // namespace mlship
