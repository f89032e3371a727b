#include "deployers/document/site.h"

#include <algorithm>

#include "deployers/reference_forms.h"

namespace mlship {
namespace {

bool overlap(Span a, Span b) {
  return a.size() > 0 && a.begin < b.end && b.begin < a.end;
}

bool name_letter(char c) {
  return forms::alnum(c) || c == '_';
}

// The end of the `${…}` that begins at `at`; npos when it is never closed.
size_t braced_end(std::string_view text, size_t at) {
  int depth = 0;
  for (size_t i = at; i < text.size(); ++i) {
    if (text[i] == '$' && forms::at(text, i + 1) == '{') {
      ++depth;
      ++i;
    } else if (text[i] == '}' && --depth == 0) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

// A version of the same length stands in for what is interpolated, so that what is around it is read as it
// will be and no offset moves.
std::string with_stand_ins(std::string_view text, const std::vector<Span>& holes) {
  std::string out(text);
  for (const Span& hole : holes) {
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(hole.begin),
              out.begin() + static_cast<std::ptrdiff_t>(hole.end), '0');
    if (hole.size() > 2) out[hole.begin + 1] = '.';
  }
  return out;
}

// The part after `-`, `:-`, `+`, `:+` within `${NAME…}`.
Span alternative(std::string_view text, Span hole) {
  size_t at = hole.begin + 2;
  while (at < hole.end && name_letter(text[at])) ++at;
  if (at < hole.end && text[at] == ':') ++at;
  if (at + 1 >= hole.end || (text[at] != '-' && text[at] != '+')) return {hole.end, hole.end};
  return {at + 1, hole.end - 1};
}

void shift(Reference& r, size_t by) {
  r.span = {r.span.begin + by, r.span.end + by};
  for (Span* span : {&r.version_span, &r.digest_span}) {
    if (span->size() > 0) *span = {span->begin + by, span->end + by};
  }
}

// What the text names where it is interpolated: spans relative to `text`.
std::vector<Reference> find_interpolated(std::string_view text, const Grammar& grammar) {
  const auto holes = interpolations(text);
  const std::string seen = with_stand_ins(text, holes);
  std::vector<Reference> out;
  for (auto& r : find_references(seen, grammar)) {
    const std::string_view whole = text.substr(r.span.begin, r.span.size());
    if (whole.find(r.name) == std::string_view::npos) continue;  // the name itself is interpolated
    r.folder = whole.substr(0, r.folder.size());
    r.file = whole.substr(r.folder.size(), r.file.size());
    const auto ends_before = [](const Span& hole, size_t begin) { return hole.end <= begin; };
    auto hole = std::lower_bound(holes.begin(), holes.end(), r.span.begin, ends_before);
    for (; hole != holes.end() && hole->begin < r.span.end; ++hole) {
      if (!overlap(r.version_span, *hole) && !overlap(r.digest_span, *hole)) continue;
      r.opaque = "its version is interpolated: " + std::string(text.substr(hole->begin, hole->size()));
      r.version.reset();
      r.digest.reset();
    }
    out.push_back(std::move(r));
  }
  for (const Span& hole : holes) {
    const Span inner = alternative(text, hole);
    Grammar own = grammar;
    if (hole.size() != text.size()) own.whole = Whole::text;
    for (auto& r : find_references(text.substr(inner.begin, inner.size()), own)) {
      shift(r, inner.begin);
      r.opaque = "it is what " + std::string(text.substr(hole.begin, hole.size())) + " falls back to";
      out.push_back(std::move(r));
    }
  }
  std::sort(out.begin(), out.end(),
            [](const Reference& a, const Reference& b) { return a.span.begin < b.span.begin; });
  return out;
}

// Where the span stands in the document, byte for byte; nullopt when it does not.
std::optional<Span> source_of(const Decoded& decoded, Span span) {
  const size_t first = decoded.source[span.begin];
  if (first == Decoded::nowhere) return std::nullopt;
  for (size_t i = span.begin; i < span.end; ++i) {
    if (decoded.source[i] != first + (i - span.begin)) return std::nullopt;
  }
  return Span{first, first + span.size()};
}

void place(Reference& r, const Site& site) {
  if (!site.decoded) return shift(r, site.span.begin);
  const auto source = source_of(*site.decoded, r.span);
  if (source) return shift(r, source->begin - r.span.begin);
  r.opaque = "it is written with escapes or over several lines";
}

}  // namespace

std::vector<Span> interpolations(std::string_view text) {
  std::vector<Span> out;
  for (size_t i = text.find('$'); i != std::string_view::npos; i = text.find('$', i)) {
    const char next = forms::at(text, i + 1);
    size_t end = i + 1;
    if (next == '$') {
      i += 2;
      continue;
    }
    if (next == '{') {
      end = braced_end(text, i);
      if (end == std::string_view::npos) break;
    } else if (forms::letter(next) || next == '_') {
      while (end < text.size() && name_letter(text[end])) ++end;
    }
    if (end > i + 1) out.push_back({i, end});
    i = end;
  }
  return out;
}

std::vector<SiteReference> references_at(std::string_view document, const Site& site,
                                         const Grammar& grammar) {
  const std::string_view text = site.decoded ? std::string_view(site.decoded->text)
                                             : document.substr(site.span.begin, site.span.size());
  const bool interpolated = site.interpolated && text.find('$') != std::string_view::npos;
  std::optional<Grammar> of_site;
  if (site.whole != grammar.whole) of_site = Grammar{grammar.scheme, grammar.roots, site.whole};
  const Grammar& own = of_site ? *of_site : grammar;
  std::vector<SiteReference> out;
  for (auto& r : interpolated ? find_interpolated(text, own) : find_references(text, own)) {
    SiteReference found;
    found.text = text.substr(r.span.begin, r.span.size());
    if (r.opaque.empty()) place(r, site);
    if (!r.opaque.empty()) r.span = {site.span.begin, site.span.begin};
    found.reference = std::move(r);
    found.path = site.path;
    if (!site.path.empty() && !out.empty()) found.path += "#" + std::to_string(out.size() + 1);
    out.push_back(std::move(found));
  }
  return out;
}

}  // namespace mlship
