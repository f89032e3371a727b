// PEP 440 §Version specifiers, as `packaging` 26 reads them.
#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <vector>

#include "core/letters.h"
#include "core/text.h"
#include "core/version.h"
#include "packager/markers.h"

namespace mlship {
namespace {

constexpr std::string_view space = " \t\n\v\f\r";

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return letters::lower(x) == letters::lower(y); });
}

struct Specifier {
  std::string_view operation;
  std::string_view text;  // of the version, without ".*"
  bool wildcard = false;
  std::optional<Version> version;  // none for ===
};

[[noreturn]] void bad(std::string_view specifier) {
  throw std::invalid_argument("'" + std::string(specifier) + "' is not a version specifier");
}

// "1.0": the release part at the front of a version's normal form, with its epoch.
bool only_release(const Version& version) {
  return version.str().find_first_not_of("0123456789.!") == std::string::npos;
}

bool starts_with_prefix(const Version& version, const Version& prefix) {
  if (version.epoch() != prefix.epoch()) return false;
  const auto& have = version.release();
  const auto& want = prefix.release();
  for (size_t i = 0; i < want.size(); ++i) {
    if ((i < have.size() ? have[i] : Natural()) != want[i]) return false;
  }
  return true;
}

// §Version matching: the specifier's local part counts only when it has one.
bool equal(const Version& version, const Specifier& s) {
  if (s.wildcard) return starts_with_prefix(version, *s.version);
  return (s.version->local() ? version : version.without_local()) == *s.version;
}

bool at_least(const Version& version, const Specifier& s) {
  return version.without_local() >= *s.version;
}

// §Compatible release: `~=2.2.1` is `>=2.2.1, ==2.2.*`.
bool compatible(const Version& version, const Specifier& s) {
  if (!at_least(version, s) || version.epoch() != s.version->epoch()) return false;
  const auto& want = s.version->release();
  const auto& have = version.release();
  for (size_t i = 0; i + 1 < want.size(); ++i) {
    if ((i < have.size() ? have[i] : Natural()) != want[i]) return false;
  }
  return true;
}

// §Exclusive ordered comparison: `<V` does not take the pre-releases of V, unless V is one itself. The lowest
// of them is V.dev0.
bool below(const Version& version, const Specifier& s) {
  if (version >= *s.version) return false;
  if (s.version->prerelease() || !version.prerelease()) return true;
  const auto lowest = Version::parse(s.version->str() + ".dev0");
  return !lowest || version < *lowest;
}

// §Exclusive ordered comparison: `>V` takes neither local versions nor, unless V is one itself, post-releases
// of V.
bool above(const Version& version, const Specifier& s) {
  const Version plain = version.without_local();
  if (plain <= *s.version) return false;
  const std::string text = plain.str();
  const size_t post = text.find(".post");
  if (post == std::string::npos || s.version->str().find(".post") != std::string::npos) return true;
  return Version::parse(text.substr(0, post)) != s.version;
}

struct Operator {
  std::string_view text;
  bool (*holds)(const Version&, const Specifier&);
  bool wildcard = false, local = false;  // allowed in its version
  bool names_prerelease = true;          // a pre-release in it asks for pre-releases
};

// Longer spellings first.
constexpr auto operators = std::to_array<Operator>({
    {"===", nullptr},
    {"~=", compatible},
    {"==", equal, true, true},
    {"!=", [](const Version& v, const Specifier& s) { return !equal(v, s); }, true, true, false},
    {"<=", [](const Version& v, const Specifier& s) { return v.without_local() <= *s.version; }},
    {">=", at_least},
    {"<", below, false, false, false},
    {">", above, false, false, false},
});

const Operator& operator_of(std::string_view specifier) {
  for (const auto& row : operators) {
    if (specifier.starts_with(row.text)) return row;
  }
  bad(specifier);
}

Specifier parse(std::string_view whole) {
  const Operator& row = operator_of(whole);
  Specifier s{row.text, stripped(whole.substr(row.text.size()), space), false, std::nullopt};
  if (row.holds == nullptr) {
    if (s.text.empty() || s.text.find_first_of(" \t;)") != std::string_view::npos) bad(whole);
    return s;
  }
  if (row.wildcard && s.text.ends_with(".*")) {
    s.wildcard = true;
    s.text.remove_suffix(2);
  }
  s.version = Version::parse(s.text);
  const bool fits = s.version && (row.local || !s.version->local()) &&
                    (!s.wildcard || only_release(*s.version)) &&
                    (row.text != "~=" || s.version->release().size() > 1);
  if (!fits) bad(whole);
  return s;
}

bool holds(const Specifier& s, std::string_view text, const std::optional<Version>& version) {
  const Operator& row = operator_of(s.operation);
  // §Arbitrary equality compares the texts.
  if (row.holds == nullptr) return equal_ignoring_case(text, s.text);
  return version && row.holds(*version, s);
}

bool asks_for_prereleases(const Specifier& s) {
  const auto version = s.version ? s.version : Version::parse(s.text);
  return operator_of(s.operation).names_prerelease && version && version->prerelease();
}

}  // namespace

bool specifier_matches(std::string_view specifiers, std::string_view version, bool allow_prereleases) {
  std::vector<Specifier> all;
  while (!specifiers.empty()) {
    const size_t comma = specifiers.find(',');
    const std::string_view one = stripped(specifiers.substr(0, comma), space);
    if (!one.empty()) all.push_back(parse(one));
    specifiers = comma == std::string_view::npos ? "" : specifiers.substr(comma + 1);
  }
  const auto parsed = Version::parse(version);
  if (!allow_prereleases && parsed && parsed->prerelease() &&
      std::none_of(all.begin(), all.end(), asks_for_prereleases)) {
    return false;
  }
  return std::all_of(all.begin(), all.end(), [&](const Specifier& s) { return holds(s, version, parsed); });
}

}  // namespace mlship
