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
  return sure != Sure::no || (slash && letter(tag[0]) && stands_for_version(tag));
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

// Positions of the colons that stand in no template.
std::vector<size_t> colons_of(std::string_view text) {
  std::vector<size_t> colons;
  for (size_t i = 0; i < text.size(); i = std::max(i + 1, template_end(text, i))) {
    if (text[i] == ':') colons.push_back(i);
  }
  return colons;
}

// group:artifact:version; at a place that holds coordinates the packaging and classifier may stand between,
// and nothing behind. What stands for the version may be none.
std::optional<Reference> maven(const Word& word, Scheme scheme, Sure sure) {
  const std::string_view text = word.str();
  const auto colons = colons_of(text);
  const size_t most = sure == Sure::place ? 4 : 2;
  if (colons.empty() || colons.size() > most || (colons.size() == 1 && sure != Sure::place))
    return std::nullopt;
  const size_t artifact = colons[0] + 1;
  const bool versioned = colons.size() > 1;
  const size_t artifact_end = versioned ? colons[1] : text.size();
  const std::string_view group = text.substr(0, colons[0]);
  const std::string_view name = without_scala(text.substr(artifact, artifact_end - artifact));
  if (!valid_name(group) || !letter(group[0]) || !valid_name(name) || !letter(name[0])) return std::nullopt;
  Reference r;
  r.form = Form::maven;
  r.span = word.span;
  r.group = group;
  r.name = name;
  r.package = normalize_name(name);
  if (!versioned) return r;
  r.version_span = {word.span.begin + colons.back() + 1, word.span.end};
  r.version_text = text.substr(colons.back() + 1);
  r.version = Version::parse(r.version_text, scheme);
  if (!r.version) r.version = snapshot_of(r.version_text, scheme);
  if (r.version) return r;
  if (r.version_text.empty()) r.version_span = {};
  if (sure == Sure::place) {
    if (one_of(at(r.version_text, 0), "[(")) r.form = Form::range;
    return r;
  }
  // `a:b:latest` may be anything; groups are domains, written backwards.
  const bool plain = group.find('.') != std::string_view::npos && stands_for_version(r.version_text);
  r.opaque = why_unread(r.version_text);
  return plain ? std::optional(std::move(r)) : std::nullopt;
}

// An image whose tag is no tag: `h/churn:${V}`, `h/churn:1.3.*`.
std::optional<Reference> unread_image(const Word& word, Form form, Sure sure) {
  const auto colons = colons_of(word.str());
  if (colons.empty()) return std::nullopt;
  const Span head{word.span.begin, word.span.begin + colons.back()};
  const Span tag{head.end + 1, word.span.end};
  const std::string_view path = word.text.substr(head.begin, head.size());
  const size_t slash = path.rfind('/');
  if (!repository(path) || (slash == std::string_view::npos && sure != Sure::place)) return std::nullopt;
  Reference r;
  r.form = form;
  r.span = word.span;
  r.name = path.substr(slash + 1);  // npos + 1 is 0
  r.version_span = tag;
  r.version_text = word.text.substr(tag.begin, tag.size());
  if (!stands_for_version(r.version_text) || !lower_name(r.name) || !letter(r.name[0])) return std::nullopt;
  r.package = normalize_name(r.name);
  r.opaque = why_unread(r.version_text);
  return r;
}

std::optional<Reference> coordinate(Word word, Scheme scheme, Sure sure = Sure::no) {
  for (const auto& row : schemes) {
    if (!word.str().starts_with(row.prefix)) continue;
    Word rest = word;
    rest.span.begin += row.prefix.size();
    auto r = image(rest, row.form, scheme, Sure::prefix);
    if (!r) r = unread_image(rest, row.form, Sure::prefix);
    if (r) r->span.begin = word.span.begin;
    return r;
  }
  if (word.str().find("://") != std::string_view::npos) return std::nullopt;
  if (auto r = image(word, Form::image, scheme, sure)) return r;
  if (auto r = maven(word, scheme, Sure::no)) return r;
  return unread_image(word, Form::image, sure);
}

bool one_word(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t hole = template_end(text, i);
    if (hole == i && one_of(text[i], word_ends)) return false;
    i = std::max(i + 1, hole);
  }
  return true;
}

// A text that is an image, as a whole.
std::optional<Reference> whole_image(std::string_view text, Scheme scheme) {
  Span span{0, text.size()};
  while (span.end > 0 && blank(text[span.end - 1])) --span.end;
  while (span.begin < span.end && blank(text[span.begin])) ++span.begin;
  const Word word{text, span};
  if (span.size() == 0 || span.size() > longest || !one_word(word.str())) return std::nullopt;
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
    while (end < text.size() && end - colon < longest) {
      const size_t hole = template_end(text, end);
      if (hole == end && one_of(text[end], word_ends)) break;
      end = std::max(end + 1, hole);
    }
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

std::optional<Reference> coordinate_at(std::string_view text, Span span, Scheme scheme) {
  return maven({text, span}, scheme, Sure::place);
}

}  // namespace mlship::forms
