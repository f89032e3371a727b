// Format-preserving edits: a document is its bytes; an edit replaces one span; every other byte stays.
#pragma once

#include <filesystem>
#include <optional>
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

// What a text means where it stands in another spelling: escapes, doubled quotes, folded lines.
struct Decoded {
  static constexpr size_t nowhere = static_cast<size_t>(-1);
  std::string text;
  std::vector<size_t> source;  // of each byte, where it stands in the document; nowhere: spelled otherwise
};

// What in a text stands for something else when it is used.
enum class Dialect {
  plain,    // nothing
  compose,  // $NAME, ${NAME…}; `$$` is a dollar
  shell,    // those, `\$` a dollar; $(command) and `command`
  unit,     // those of Compose, and specifiers (%i, %h…); `%%` is a percent sign
};

// A place where references may stand.
struct Site {
  Span span;
  std::string path;                // "services.score.image"; "": line:column says it
  std::optional<Decoded> decoded;  // nullopt: the text means what it says
  Dialect dialect = Dialect::plain;
  Whole whole = Whole::text;
  std::string fixed = {};  // why what stands here cannot be changed, "" when it can
};

// One object of a document (a crontab entry, a unit, a whole file) and the places where references may stand.
struct DocumentObject {
  std::string name;         // for people and for --jobs=GLOB
  std::string kind;         // "cron-entry", "cron-environment", "file"
  std::string schedule;     // as written, "" when it has none
  Span extent;              // the bytes that are this object (a line without its end)
  std::vector<Site> sites;  // in the order of the text
  std::string key;          // what finds it again in its document, wherever it stands: "services.score"
};

// The objects, in the order of the text, none overlapping; or why there are none.
struct ParsedDocument {
  std::vector<DocumentObject> objects;
  std::string problem;  // "line 3, column 7: …"
  bool minor = false;   // the problem is worth a word only where some package is named
};

// crontab(5): entries with and without a user column, @reboot…, environment lines; comments and blank lines
// are no objects. `system`: the format of /etc/crontab and /etc/cron.d, which has the user column. A line
// that is neither an entry nor a setting is a problem: cron(8) of Debian then runs nothing of the file.
ParsedDocument parse_crontab(std::string_view text, bool system);
// anacrontab(5): a period in days or @monthly…, a delay, a name, a command; environment lines.
ParsedDocument parse_anacrontab(std::string_view text);
// Any text: one object, one site, everything.
std::vector<DocumentObject> parse_text(std::string_view text);
// A Compose file: one object per service and per other named thing; what is aliased belongs to where its
// anchor is.
ParsedDocument parse_compose(std::string_view text);
// What `env_file:` of its services names, as it is written.
std::vector<std::string> environment_files_of(std::string_view text);
// Whether a text is a Compose file, whatever it is called: YAML with services or other named things.
bool is_compose(std::string_view text);
// Whether a file of this name holds NAME=VALUE lines: "score.env", ".env", ".env.prod", ".env_db".
bool environment_file(const std::filesystem::path& path);
// NAME=VALUE and NAME: VALUE lines, as Compose reads .env and env_file files.
ParsedDocument parse_environment_file(std::string_view text);

}  // namespace mlship
