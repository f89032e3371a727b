// One object of a text file as it is now, compared with what an operation planned for it. Pure: works on
// text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/json_library.h"
#include "deployers/file_anchor.h"
#include "deployers/target.h"

namespace mlship {

// Where an object was seen; its JSON is LiveObject::locator.
struct FileLocator {
  std::string file;  // as the globs name it
  Scheme scheme = Scheme::pep440;
  std::vector<Anchor> anchors;  // of the lines with references
};
nlohmann::json to_json(const FileLocator& locator);
// nullopt when the JSON is no such thing (plans and ledgers come from outside).
std::optional<FileLocator> parse_locator(const nlohmann::json& json);

struct FileView {
  ObjectState state = ObjectState::gone;
  std::string detail;       // for conflict and gone
  std::vector<Edit> edits;  // one per change, in their order: its live span and `to`; empty when not found
  Span object;              // the bytes that are the object now
  FileLocator locator;      // where it stands now
  std::vector<Observation::Part> parts;  // of each change as if it were alone; for conflict and gone
};

// Finds every change's reference among `lines` and compares its text with `from` and `to`.
FileView compare(const TextLines& lines, const FileLocator& locator, const std::vector<Change>& changes);

// Salted sha256 of the object outside the changes' spans.
std::string rest_of(std::string_view text, const FileView& view, std::string_view salt);

}  // namespace mlship
