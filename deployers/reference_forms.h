// What the recognisers of the reference grammar share. Each finds every mention of its own forms in a text
// and appends them; reference.cpp has the table and settles overlaps.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/letters.h"
#include "deployers/reference.h"

namespace mlship::forms {

using Found = std::vector<Reference>;

void find_vcs(std::string_view text, const Grammar& grammar, Found& found);
void find_files(std::string_view text, const Grammar& grammar, Found& found);
void find_folders(std::string_view text, const Grammar& grammar, Found& found);
// Images, bundles (oci://) and Maven coordinates: words with a colon or a digest in them.
void find_coordinates(std::string_view text, const Grammar& grammar, Found& found);
void find_pins(std::string_view text, const Grammar& grammar, Found& found);
// Requirements without a version, as pins without one: arguments of `pip install`, and a whole requirement.
void find_bare(std::string_view text, const Grammar& grammar, Found& found);

// `name@version`, as uvx and pipx take it: seen, never rewritten.
void find_requests(std::string_view text, const Grammar& grammar, Found& found);

// All of these, none overlapping, left to right.
Found search_plain(std::string_view text, const Grammar& grammar);
// Words that are put together from pieces in quotes or written with escapes: what was found of them is held
// to what they mean, and what they name is added.
void settle_spelled(std::string_view text, const Grammar& grammar, Found& found);

// A string that is known to be something as a whole: see Whole.
void find_path(std::string_view text, const Grammar& grammar, Found& found);
void find_list(std::string_view text, const Grammar& grammar, Found& found);
void find_requirement(std::string_view text, const Grammar& grammar, Found& found);
void find_coordinate(std::string_view text, const Grammar& grammar, Found& found);
// What a word on the command line of spark-submit is: `user` is an argument of the application.
enum class SubmitWord { other, list, option_with_list, setting, option_with_setting, application, user };
class SubmitReader {
 public:
  SubmitWord read(std::string_view word);  // in the order of the words

 private:
  SubmitWord value_ = SubmitWord::other;
  bool value_is_next_ = false, application_ = false;
};

// Takes away what is an argument of a program that spark-submit starts.
void drop_user_arguments(std::string_view text, Found& found);

// The file that the path or URL at `span` names; the reference's span is all of `span`. `alias`: a `#name`
// may stand behind it, as in the lists of spark-submit.
std::optional<Reference> path_at(std::string_view text, Span span, Scheme scheme, bool alias = false);
// Whether a text that ends with a file's name is one path from the root or URL, blanks and all; a command has
// another path behind a blank.
bool one_path(std::string_view text);
// What the name of a file without its suffix says; a version that does not parse is nullopt.
struct Named {
  Span name, version;
  std::optional<Version> read;
};
std::optional<Named> read_stem(std::string_view stem, Form form, Scheme scheme);
struct Extension {
  std::string_view suffix;
  Form form;
};
const Extension* extension_at(std::string_view text, size_t dot);
// The one that ends at `end`.
const Extension* extension_before(std::string_view text, size_t end);
// The file of this name, whose suffix is the extension's; its span is the name alone.
std::optional<Reference> named_file(std::string_view text, Span file, const Extension& extension,
                                    const Named& named);
// Whether a URL's fragment holds a hash that pip checks.
bool hash_fragment(std::string_view fragment);
// `group:artifact:version` at `span`, whatever stands for the version.
std::optional<Reference> coordinate_at(std::string_view text, Span span, Scheme scheme);
// `name==version` at `span`, whatever stands for the version.
std::optional<Reference> unread_pin(std::string_view text, Span span);

// The end of the template, variable or `*` that begins at `i`; `i` when none does.
size_t template_end(std::string_view text, size_t i);
// Where the one that ends before `end` begins; `end` when none does.
size_t template_begin(std::string_view text, size_t end);
std::optional<Span> first_template(std::string_view text);
// Whether a text that does not parse as a version stands where one would, beyond doubt: `latest`, `*`,
// `{{v}}`, `1.0.9.RELEASE`.
bool stands_for_version(std::string_view text);
// Of a version's place in a text that a shell or systemd reads: that it is interpolated; "" when it is not.
std::string why_unread(std::string_view version_text);
// "%2B"
bool escape_at(std::string_view text, size_t i);

// Longest path, URL or word that is looked at (PATH_MAX); keeps every recogniser linear.
constexpr size_t longest = 4096;
// Longest name of a file (NAME_MAX, escaped).
constexpr size_t longest_name = 768;

using letters::digit;
using letters::letter;

inline bool alnum(char c) {
  return digit(c) || letter(c);
}
inline bool blank(char c) {
  return c == ' ' || c == '\t';
}
inline bool one_of(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}
// Letters of other alphabets and broken UTF-8: part of a word, never of a package's name.
inline bool foreign(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}
// PEP 508 §Names.
inline bool name_char(char c) {
  return alnum(c) || c == '.' || c == '_' || c == '-';
}
inline char at(std::string_view text, size_t i) {
  return i < text.size() ? text[i] : '\0';
}

// The position behind the character `c` at `i`, which a shell may have escaped; npos when it is another.
inline size_t after_char(std::string_view text, size_t i, char c) {
  if (at(text, i) == c && i < text.size()) return i + 1;
  return at(text, i) == '\\' && at(text, i + 1) == c && !alnum(c) ? i + 2 : std::string_view::npos;
}

// "%2B" is "+": package URLs escape local versions. Anything that is no escape stays.
std::string percent_decoded(std::string_view text);

// What stands behind the version's `-` in the name of a snapshot, a build of what is to become that version:
// "SNAPSHOT", "SNAPSHOT-my-branch", or the time and number that a Maven repository puts there
// ("20261126.040000-7").
bool snapshot_mark(std::string_view text);

// Scala's binary version is no part of an artifact's name: churn_2.12 and churn_3 are churn.
std::string_view without_scala(std::string_view name);

// Behind blanks, and line ends after a backslash.
size_t skip_joined(std::string_view text, size_t i);

// The requirement that ends at `from` asks pip for a hash: markers, options and joined lines may stand
// between. What belongs to another requirement, argument or command is none of it.
bool hash_follows(std::string_view text, size_t from);
// PEP 508 §Environment markers: whether it is one of the words that may stand in one outside quotes.
bool marker_word(std::string_view word);
// The end of the environment marker of the requirement that ends at `from`: what it compares with is no
// reference. `from` when none follows.
size_t marker_end(std::string_view text, size_t from);

// The position after the userinfo of a URL whose authority starts at `authority`; credentials are no part of
// a reference.
size_t after_userinfo(std::string_view text, size_t authority);

}  // namespace mlship::forms
