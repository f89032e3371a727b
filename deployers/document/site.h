// The references at one site of a document: the grammar applied to what the text means, brought back to where
// it stands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "deployers/document/document.h"
#include "deployers/reference.h"

namespace mlship {

struct SiteReference {
  // Spans are the document's; a reference with `opaque` set has none, only the place where it begins.
  Reference reference;
  std::string text;   // as the document has it; what it means when it is opaque
  std::string path;   // keyed, "" for line:column; "…#2" is the second of its site
  std::string frame;  // what a keyed site means around its references; of its first one only
};
std::vector<SiteReference> references_at(std::string_view document, const Site& site, const Grammar& grammar);

// What stands for something else, outermost, left to right.
std::vector<Span> interpolations(std::string_view text, Dialect dialect);

}  // namespace mlship
