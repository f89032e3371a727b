// Inventory before anything is shipped: every package referenced anywhere in the targets.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "deployers/plan.h"

namespace mlship {

struct ScannedObject {
  std::string target;
  ObjectInfo object;
  std::string path, text, version;  // one row per reference; version "" when there is no exact one
  std::string_view pinned;          // "exact", "range", "unpinned", "digest", "unresolvable", "opaque"
  Form form = Form::pin;
};

struct ScannedVersion {
  std::string version;  // "": no exact one, `pinned` says which kind
  std::string_view pinned;
  size_t count = 0;
};

struct ScannedPackage {
  std::string name;  // PEP 503 normal form; a Maven artifact has its group before it: "com.acme:churn"
  std::string_view ecosystem;  // "python", "maven", "image": one name in two of them is two packages
  std::vector<ScannedVersion> versions;  // newest first, then what has no exact version
  std::vector<ScannedObject> objects;
};

struct ScanReport {
  std::vector<ScannedPackage> packages;  // by name and ecosystem
  std::vector<Skipped> skipped;          // what could not be read
  std::vector<std::string> warnings;     // see Discovery
};

// `package`: a glob on names, with or without a group, "" = all. `targets`: names, empty = all.
ScanReport scan(Targets& targets, const std::string& package, const std::vector<std::string>& target_names);

}  // namespace mlship
