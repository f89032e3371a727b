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
  // Spans are the document's; a reference with `opaque` set has none of its own, its span is the site's.
  Reference reference;
  std::string text;  // as the document has it; what it means when it is opaque
  std::string path;  // keyed, "" for line:column; "…#2" is the second of its site
};
std::vector<SiteReference> references_at(std::string_view document, const Site& site, const Grammar& grammar);

// `$NAME`, `${NAME}`, `${NAME:-default}` of Compose's interpolation, outermost, left to right; `$$` is a
// dollar.
std::vector<Span> interpolations(std::string_view text);

}  // namespace mlship
