// Finding references again in a file that others edit too. An anchor describes one line without quoting it:
// hashes of the line, of its words and of its neighbours, all with the references' own spans blanked, so that
// moving a reference from one version to another leaves them equal.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "deployers/document/document.h"
#include "deployers/document/site.h"
#include "deployers/reference.h"

namespace mlship {

// A line that is an object, or of an object, with the references in it.
struct TextLine {
  size_t number = 1;                  // from 1
  Span extent;                        // without the line's end
  std::vector<Reference> references;  // spans relative to the document
  std::vector<std::string> paths;     // of the references
  std::vector<std::string> frames;    // of keyed ones: hashes of what stands around them in their values
  std::vector<SiteReference> opaque;  // seen in what begins on this line, never rewritten
  std::string hash;                   // of the line with its references blanked
  size_t nth = 0, of = 1;             // among the lines with that hash
  size_t object = 0;                  // index of the object it is, or is of
};

// A reference of a line.
struct ReferencePlace {
  size_t line = 0, reference = 0;  // indexes
};

// A document cut into the lines of its objects.
struct TextLines {
  std::string_view text;
  std::string key;  // keeps hashes of one file's lines from meaning anything elsewhere
  std::vector<TextLine> lines;
  std::span<const DocumentObject> objects;  // outlive it
  std::vector<size_t> by_hash;              // indexes of lines, by hash, then in their order
  std::vector<ReferencePlace> by_path;      // keyed references
};
TextLines read_lines(std::string_view text, const std::vector<DocumentObject>& objects,
                     const Grammar& grammar, const std::string& key);

struct Anchor {
  size_t line = 1;
  std::string key;  // of the object it is of; lines of other objects are not it
  std::string hash;
  size_t nth = 0, of = 1;
  std::string words;                // 4 hex digits per word: enough to compare, too few to look a word up
  std::string above, below;         // hashes of the neighbours, "" at the ends
  std::vector<std::string> paths;   // of the line's references when they were discovered; they never change
  std::vector<std::string> frames;  // see TextLine; empty in records that do not have them
};
Anchor anchor_of(const TextLines& lines, size_t index);
// Of an object's lines with references.
std::vector<Anchor> anchors_of(const TextLines& lines, size_t object);
nlohmann::json to_json(const Anchor& anchor);
Anchor parse_anchor(const nlohmann::json& json);  // throws nlohmann's exceptions

// The line an anchor means, after edits above it, around it and in it; nullopt when no line, or more than
// one, could be it.
std::optional<size_t> find_line(const TextLines& lines, const Anchor& anchor);

}  // namespace mlship
