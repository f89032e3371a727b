#include <algorithm>

#include "core/error.h"
#include "deployers/document/document.h"

namespace mlship {

std::string apply_edits(std::string_view document, std::vector<Edit> edits) {
  std::sort(edits.begin(), edits.end(),
            [](const Edit& a, const Edit& b) { return a.span.begin < b.span.begin; });
  std::string out;
  size_t done = 0;
  for (const auto& edit : edits) {
    if (edit.span.begin < done || edit.span.end < edit.span.begin || edit.span.end > document.size()) {
      throw Error(ErrorCode::internal, "edits overlap or stand outside the document");
    }
    out += document.substr(done, edit.span.begin - done);
    out += edit.text;
    done = edit.span.end;
  }
  return out += document.substr(done);
}

LineColumn position(std::string_view document, size_t offset) {
  const std::string_view before = document.substr(0, std::min(offset, document.size()));
  LineColumn at;
  at.line += static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
  const size_t line_end = before.rfind('\n');
  at.column = before.size() - (line_end == std::string_view::npos ? 0 : line_end + 1) + 1;
  return at;
}

}  // namespace mlship
