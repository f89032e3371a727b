// The exact texts objects had, from the ledger: for a rollback down to a version.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
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
  // Whether a rollout or a rollback moved anything to or from this version.
  [[nodiscard]] bool names(const Version& version) const;
  // What stood where `live` stands now, at `path`, when the object was at `version`: the ledger's changes are
  // followed back from the live text. Places that have moved (a line of a file) are known by their text
  // alone. nullopt when they do not lead there, or lead to a text that does not name the version.
  [[nodiscard]] std::optional<std::string> text_at(const Target& target, const ObjectInfo& object,
                                                   const std::string& path, const std::string& live,
                                                   const Version& version) const;

 private:
  struct Step {
    std::string from, from_version;
  };
  // What was written to the objects of one name or id, newest first.
  struct Steps {
    std::map<std::pair<std::string, std::string>, std::vector<size_t>> by_place;  // path and new text
    std::map<std::string, std::vector<size_t>> by_text;                           // new text
  };
  using Indexes = std::vector<const Steps*>;

  void add(const Operation& operation);
  // Of the object, by its id and, where that says as much, by its name.
  [[nodiscard]] Indexes steps_of(const Target& target, const ObjectInfo& object) const;
  // The next one from `begin` on that led to `text`, at `path` ("": at any).
  [[nodiscard]] static std::optional<size_t> next(const Indexes& indexes, const std::string& path,
                                                  const std::string& text, size_t begin);

  std::string package_;
  std::set<std::string> versions_;  // that rollouts and rollbacks moved anything from or to
  std::vector<Step> steps_;         // newest first
  std::map<std::string, Steps> objects_;
};

}  // namespace mlship
