// What the recognisers of the reference grammar share. Each finds every mention of its own forms in a text
// and appends them; reference.cpp has the table and settles overlaps.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

// Longest path, URL or word that is looked at (PATH_MAX); keeps every recogniser linear.
constexpr size_t longest = 4096;

inline bool digit(char c) {
  return c >= '0' && c <= '9';
}
inline bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
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

// "%2B" is "+": package URLs escape local versions. Anything that is no escape stays.
std::string percent_decoded(std::string_view text);

// What stands behind the version's `-` in the name of a snapshot, a build of what is to become that version:
// "SNAPSHOT", "SNAPSHOT-my-branch", or the time and number that a Maven repository puts there
// ("20261126.040000-7").
bool snapshot_mark(std::string_view text);

// Scala's binary version is no part of an artifact's name: churn_2.12 and churn_3 are churn.
std::string_view without_scala(std::string_view name);

// The logical line that goes on after `from` (a backslash before the line's end joins lines) asks pip for a
// hash.
bool hash_follows(std::string_view text, size_t from);

// The position after the userinfo of a URL whose authority starts at `authority`; credentials are no part of
// a reference.
size_t after_userinfo(std::string_view text, size_t authority);

}  // namespace mlship::forms
