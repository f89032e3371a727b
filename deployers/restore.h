// The exact texts objects had, from the ledger: for a rollback down to a version.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "deployers/ledger/ledger.h"
#include "deployers/plan.h"

namespace mlship {

class TextHistory {
 public:
  // ledger may be null: then nothing is known.
  TextHistory(Ledger* ledger, const std::string& environment, std::string package);

  // Whether it has any text that named this version.
  [[nodiscard]] bool knows(const Version& version) const;
  // What stood where `live` stands now, at `path`, when the object was at `version`: the ledger's changes are
  // followed back from the live text. Places that have moved (a line of a file) are known by their text
  // alone. nullopt when they do not lead there, or lead to a text that does not name the version.
  [[nodiscard]] std::optional<std::string> text_at(const Target& target, const ObjectInfo& object,
                                                   const std::string& path, const std::string& live,
                                                   const Version& version) const;

 private:
  struct Step {
    std::string target;
    ObjectInfo object;
    Change change;
  };
  // Newest first, of the object.
  [[nodiscard]] std::vector<const Step*> steps_of(const Target& target, const ObjectInfo& object) const;

  std::string package_;
  std::vector<Step> steps_;  // newest first
};

}  // namespace mlship
