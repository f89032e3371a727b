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
  std::string path, text, version;  // one row per reference; version "" when there is none
  Form form = Form::pin;
};

struct ScannedPackage {
  std::string name;                                      // PEP 503 normal form
  std::vector<std::pair<std::string, size_t>> versions;  // newest first; "" (no exact version) last
  std::vector<ScannedObject> objects;
};

struct ScanReport {
  std::vector<ScannedPackage> packages;  // by name
  std::vector<Skipped> skipped;          // what could not be read
  std::vector<std::string> warnings;     // see Discovery
};

// `package`: a glob on normal forms, "" = all. `targets`: names, empty = all.
ScanReport scan(Targets& targets, const std::string& package, const std::vector<std::string>& target_names);

}  // namespace mlship
