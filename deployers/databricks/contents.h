// What stands in files that jobs install from: requirements files, init scripts, base environments. Each is
// read once, and only as far as the workspace shows it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "deployers/databricks/api.h"
#include "deployers/target.h"

namespace mlship::databricks {

class Contents {
 public:
  // Takes the place of every reference to such a file: one for each that the file makes, opaque; none where
  // it makes none; the reference itself, `unread`, where it could not be read.
  void resolve(Api& api, std::vector<LiveObject>& objects, Scheme scheme);

 private:
  struct File {
    std::string text;
    std::string problem;                // why it could not be read
    std::vector<std::string> includes;  // by `-r`: where they are
  };
  void read(Api& api, std::vector<std::string> wanted);
  void expand(const FoundReference& site, Scheme scheme, std::vector<FoundReference>& out) const;

  std::map<std::string, File> files_;  // by path, as its store has it
};

// The file that this reference names, as its store has it; "" when no API of the workspace reads it.
std::string file_named_by(const FoundReference& found);

}  // namespace mlship::databricks
