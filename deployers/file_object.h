// Targets whose objects stand in text files of this host: everything but what a file of the kind is made of.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "deployers/document/document.h"
#include "deployers/target.h"

namespace mlship {

// What differs between the kinds.
struct HostFileKind {
  // The objects of one file.
  std::vector<DocumentObject> (*parse)(const std::filesystem::path& path, std::string_view text);
  // Each object is one line of its file; else the file is the object.
  bool by_line;
  ObjectClass cls;
  // Files the system itself does not act on (backups in a folder of crontabs); null: none.
  bool (*ignored)(std::string_view file_name);
};

// Object ids are "<file>:<line>" or "<file>"; names, for --jobs=GLOB and `include`, are "<file name>:<what
// the object is called>" ("churn:score") or "<file name>".
std::unique_ptr<Target> make_file_target(const TargetSection& section, const Project& project,
                                         const HostFileKind& kind);

}  // namespace mlship
