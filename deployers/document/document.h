// Format-preserving edits: a document is its bytes; an edit replaces one span; every other byte stays.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "deployers/reference.h"

namespace mlship {

struct Edit {
  Span span;
  std::string text;
};
// Spans must be disjoint; any order. Throws Error(internal) when they are not.
std::string apply_edits(std::string_view document, std::vector<Edit> edits);

struct LineColumn {
  size_t line = 1;    // from 1; lines end with LF, CR LF or the end of the document
  size_t column = 1;  // in bytes, from 1
};
LineColumn position(std::string_view document, size_t offset);

// One object of a document (a crontab entry, a unit, a whole file) and the spans where references may stand.
struct DocumentObject {
  std::string name;      // for people and for --jobs=GLOB
  std::string kind;      // "cron-entry", "cron-environment", "file"
  std::string schedule;  // as written, "" when it has none
  Span extent;           // the bytes that are this object (a line without its end)
  std::vector<Span> sites;
};

// crontab(5): entries with and without a user column, @reboot…, environment lines; comments and blank lines
// are no objects. `system`: the format of /etc/crontab and /etc/cron.d, which has the user column.
std::vector<DocumentObject> parse_crontab(std::string_view text, bool system);
// Any text: one object, one site, everything.
std::vector<DocumentObject> parse_text(std::string_view text);

}  // namespace mlship
