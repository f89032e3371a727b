// Words with a colon or a digest in them: images (host:5000/ml/churn:1.3.0, …@sha256:…), bundles
// (oci://host/ml/churn:1.3.0) and Maven coordinates (com.acme:churn_2.12:1.3.0).
#include <algorithm>
#include <array>

#include "core/names.h"
#include "deployers/reference_forms.h"

namespace mlship::forms {

using namespace std::string_view_literals;

namespace {

constexpr std::string_view word_ends = " \t\r\n\v\f\0'\"`=,;|&<>()[]{}\\#"sv;

// Schemes that say what an image or bundle reference is; a word with any other scheme is a URL.
struct SchemeRow {
  std::string_view prefix;
  Form form;
};
constexpr auto schemes = std::to_array<SchemeRow>({{"oci://", Form::bundle}, {"docker://", Form::image}});

bool lower_name(std::string_view component) {
  return valid_name(component) &&
         std::none_of(component.begin(), component.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// distribution-spec §Pulling manifests: components of lower case letters, digits, `.`, `_`, `-`; the first
// may be a host with a port.
bool repository(std::string_view text) {
  bool first = true;
  while (true) {
    const size_t slash = text.find('/');
    std::string_view component = text.substr(0, slash);
    const bool last = slash == std::string_view::npos;
    if (first && !last) {
      const size_t colon = component.find(':');
      if (colon != std::string_view::npos) {
        const std::string_view port = component.substr(colon + 1);
        if (port.empty() || !std::all_of(port.begin(), port.end(), digit)) return false;
        component = component.substr(0, colon);
      }
      if (!valid_name(component)) return false;
    } else if (!lower_name(component)) {
      return false;
    }
    if (last) return true;
    text.remove_prefix(slash + 1);
    first = false;
  }
}

struct Word {
  std::string_view text;  // the document
  Span span;
  [[nodiscard]] std::string_view str() const { return text.substr(span.begin, span.size()); }
};

// The tag's version; people write a `v` before it, which stays.
void read_tag(Reference& r, std::string_view text, Span tag, Scheme scheme) {
  if (tag.size() > 1 && at(text, tag.begin) == 'v' && digit(at(text, tag.begin + 1))) ++tag.begin;
  const std::string_view written = text.substr(tag.begin, tag.size());
  r.version = Version::from_oci_tag(written, scheme);
  if (!r.version) r.version = Version::parse(written, scheme);
  if (!r.version) return;
  r.version_text = written;
  r.version_span = tag;
}

// What says that a word is an image at all.
enum class Sure { no, prefix, place };

// A tag that is no version leaves the reference without one; it has to be sure to be a reference then.
bool movable_tag(std::string_view tag, Sure sure, bool slash) {
  const auto tag_char = [](char c) { return name_char(c); };  // distribution-spec: <reference> as a tag
  if (tag.empty() || tag.size() > 128 || one_of(tag[0], ".-")) return false;
  if (!std::all_of(tag.begin(), tag.end(), tag_char)) return false;
  return sure != Sure::no || (slash && tag == "latest");
}

std::optional<Reference> image(const Word& word, Form form, Scheme scheme, Sure sure) {
  Reference r;
  r.form = form;
  r.span = word.span;
  Span name = word.span;
  if (const size_t mark = word.str().find('@'); mark != std::string_view::npos) {
    r.digest_span = {word.span.begin + mark + 1, word.span.end};
    r.digest = Digest::parse(word.text.substr(r.digest_span.begin, r.digest_span.size()));
    if (!r.digest) return std::nullopt;
    name.end = word.span.begin + mark;
  }
  const std::string_view whole = word.text.substr(name.begin, name.size());
  const size_t slash = whole.rfind('/');
  const size_t colon = whole.rfind(':');
  const bool tagged = colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  if (tagged) {
    read_tag(r, word.text, {name.begin + colon + 1, name.end}, scheme);
    const bool movable = movable_tag(whole.substr(colon + 1), sure, slash != std::string_view::npos);
    if (!r.version && !r.digest && !movable) return std::nullopt;
    name.end = name.begin + colon;
  }
  if (!tagged && !r.digest && sure != Sure::place) return std::nullopt;
  // A bare word needs more than `churn:8080` to be an image.
  if (sure == Sure::no && slash == std::string_view::npos && !r.digest &&
      r.version_text.find('.') == std::string::npos) {
    return std::nullopt;
  }
  const std::string_view path = word.text.substr(name.begin, name.size());
  if (!repository(path)) return std::nullopt;
  r.name = path.substr(path.rfind('/') + 1);
  if (!lower_name(r.name) || !std::any_of(r.name.begin(), r.name.end(), letter)) return std::nullopt;
  if (slash == std::string_view::npos && !letter(r.name[0])) return std::nullopt;
  r.package = normalize_name(r.name);
  return r;
}

// As in a jar's name: `1.4.0-SNAPSHOT` is older than the version it becomes.
std::optional<Version> snapshot_of(std::string_view text, Scheme scheme) {
  const size_t dash = text.find('-');
  if (scheme != Scheme::pep440 || dash == std::string_view::npos || !snapshot_mark(text.substr(dash + 1))) {
    return std::nullopt;
  }
  return Version::parse(std::string(text.substr(0, dash)) + ".dev0", scheme);
}

std::optional<Reference> maven(const Word& word, Scheme scheme) {
  const std::string_view text = word.str();
  const size_t artifact = text.find(':') + 1;
  const size_t version = artifact == 0 ? 0 : text.find(':', artifact) + 1;
  if (version == 0 || text.find(':', version) != std::string_view::npos) return std::nullopt;
  const std::string_view group = text.substr(0, artifact - 1);
  const std::string_view name = without_scala(text.substr(artifact, version - 1 - artifact));
  if (!valid_name(group) || !letter(group[0]) || !valid_name(name) || !letter(name[0])) return std::nullopt;
  Reference r;
  r.form = Form::maven;
  r.span = word.span;
  r.version_span = {word.span.begin + version, word.span.end};
  r.version_text = text.substr(version);
  r.version = Version::parse(r.version_text, scheme);
  if (!r.version) r.version = snapshot_of(r.version_text, scheme);
  if (!r.version) return std::nullopt;
  r.name = name;
  r.package = normalize_name(name);
  return r;
}

std::optional<Reference> coordinate(Word word, Scheme scheme, Sure sure = Sure::no) {
  for (const auto& row : schemes) {
    if (!word.str().starts_with(row.prefix)) continue;
    Word rest = word;
    rest.span.begin += row.prefix.size();
    auto r = image(rest, row.form, scheme, Sure::prefix);
    if (r) r->span.begin = word.span.begin;
    return r;
  }
  if (word.str().find("://") != std::string_view::npos) return std::nullopt;
  if (auto r = image(word, Form::image, scheme, sure)) return r;
  return maven(word, scheme);
}

// A text that is an image, as a whole.
std::optional<Reference> whole_image(std::string_view text, Scheme scheme) {
  Span span{0, text.size()};
  while (span.end > 0 && blank(text[span.end - 1])) --span.end;
  while (span.begin < span.end && blank(text[span.begin])) ++span.begin;
  const Word word{text, span};
  if (span.size() == 0 || span.size() > longest || word.str().find_first_of(word_ends) != std::string::npos) {
    return std::nullopt;
  }
  return coordinate(word, scheme, Sure::place);
}

}  // namespace

void find_coordinates(std::string_view text, const Grammar& grammar, Found& found) {
  if (grammar.whole == Whole::image) {
    if (auto r = whole_image(text, grammar.scheme)) return found.push_back(std::move(*r));
  }
  for (size_t colon = text.find(':'); colon != std::string_view::npos;) {
    size_t begin = colon, end = colon;
    while (begin > 0 && colon - begin < longest && !one_of(text[begin - 1], word_ends)) --begin;
    while (end < text.size() && end - colon < longest && !one_of(text[end], word_ends)) ++end;
    const size_t next = end;
    // What is cut out of something longer ($X, f(x)) is not a name of its own.
    const bool dynamic = begin > 0 && one_of(text[begin - 1], ")}]");
    while (end > begin && one_of(text[end - 1], ".:")) --end;
    const bool goes_on = next < text.size() && one_of(text[next], "{(");
    if (!dynamic && !goes_on && end > begin) {
      if (auto r = coordinate({text, {begin, end}}, grammar.scheme)) found.push_back(std::move(*r));
    }
    colon = text.find(':', next);
  }
}

}  // namespace mlship::forms
