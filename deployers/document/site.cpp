#include "deployers/document/site.h"

#include <algorithm>

#include "core/names.h"
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

// The marks that a dialect's interpolations begin with.
std::string_view marks_of(Dialect dialect) {
  switch (dialect) {
    case Dialect::plain: break;
    case Dialect::compose: return "$";
    case Dialect::shell: return "$`~";
    case Dialect::unit: return "$%";
  }
  return "";
}

constexpr size_t longest_command = 256;  // of a command substitution that is looked at

// The end of `$(command)` or `command` whose text begins at `at`; npos when it is not simple.
size_t command_end(std::string_view text, size_t at, char close) {
  const size_t end = text.substr(0, std::min(text.size(), at + longest_command)).find_first_of("()`\n", at);
  return end != std::string_view::npos && text[end] == close ? end + 1 : std::string_view::npos;
}

// Cuts out what stands for something else.
class Interpolations {
 public:
  Interpolations(std::string_view text, Dialect dialect) : text_(text), dialect_(dialect) {}

  std::vector<Span> run() {
    std::vector<Span> out;
    const std::string_view marks = marks_of(dialect_);
    for (size_t i = text_.find_first_of(marks); i < text_.size(); i = text_.find_first_of(marks, i)) {
      const bool escaped = dialect_ == Dialect::shell && i > 0 && text_[i - 1] == '\\';
      const bool doubled = text_[i] != '`' && forms::at(text_, i + 1) == text_[i];
      const size_t end = escaped ? i : doubled ? i + 2 : end_of(i);
      if (end != std::string_view::npos && end > i && !doubled) out.push_back({i, end});
      i = end == std::string_view::npos || end == i ? i + 1 : end;
    }
    return out;
  }

 private:
  // npos or `at`: none begins there.
  size_t end_of(size_t at) {
    const char next = forms::at(text_, at + 1);
    switch (text_[at]) {
      case '%': return forms::letter(next) ? at + 2 : at;
      case '`': return command_end(text_, at + 1, '`');
      case '~': return next == '/' && (at == 0 || forms::one_of(text_[at - 1], " \t\n'\"=:")) ? at + 1 : at;
      default: break;
    }
    if (next == '{') return braced(at);
    if (next == '(' && dialect_ == Dialect::shell) return command_end(text_, at + 2, ')');
    if (dialect_ == Dialect::shell && forms::digit(next)) return at + 2;
    if (!forms::letter(next) && next != '_') return at;
    size_t end = at + 1;
    while (end < text_.size() && name_letter(text_[end])) ++end;
    return end;
  }

  // One that is never closed leaves none behind it either.
  size_t braced(size_t at) {
    if (unclosed_) return at;
    const size_t end = braced_end(text_, at);
    unclosed_ = end == std::string_view::npos;
    return end;
  }

  std::string_view text_;
  Dialect dialect_;
  bool unclosed_ = false;
};

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

// What an interpolation itself holds: what `${NAME:-…}` or `${NAME+…}` falls back to, or a command.
struct Inside {
  Span span;
  bool fallback = false;
};
Inside inside(std::string_view text, Span hole) {
  const char open = forms::at(text, hole.begin + 1);
  if (text[hole.begin] == '`') return {{hole.begin + 1, hole.end - 1}};
  if (text[hole.begin] == '$' && open == '(') return {{hole.begin + 2, hole.end - 1}};
  size_t at = hole.begin + 2;
  while (at < hole.end && name_letter(text[at])) ++at;
  if (at < hole.end && text[at] == ':') ++at;
  if (open != '{' || at + 1 >= hole.end || (text[at] != '-' && text[at] != '+')) return {};
  return {{at + 1, hole.end - 1}, true};
}

void shift(Reference& r, size_t by) {
  r.span = {r.span.begin + by, r.span.end + by};
  for (Span* span : {&r.version_span, &r.digest_span}) {
    if (span->size() > 0) *span = {span->begin + by, span->end + by};
  }
}

std::string quoted(std::string_view text, const Span& span) {
  return std::string(text.substr(span.begin, span.size()));
}

// `churn==${V:-1.3.0}`: the version when nobody sets it.
std::optional<Version> fallback_version(std::string_view text, Span version, Span hole, Scheme scheme) {
  const Inside inner = inside(text, hole);
  if (!inner.fallback || version != hole) return std::nullopt;
  return Version::parse(text.substr(inner.span.begin, inner.span.size()), scheme);
}

// Says why the text of a reference in which something is interpolated cannot be rewritten; "" when it can.
void judge(Reference& r, std::string_view text, const std::vector<Span>& holes, Scheme scheme) {
  const auto ends_before = [](const Span& hole, size_t begin) { return hole.end <= begin; };
  auto hole = std::lower_bound(holes.begin(), holes.end(), r.span.begin, ends_before);
  for (; hole != holes.end() && hole->begin < r.span.end; ++hole) {
    const Span folder{r.span.begin, r.span.begin + r.folder.size()};
    if (overlap(r.version_span, *hole) || overlap(r.digest_span, *hole)) {
      r.opaque = "its version is interpolated: " + quoted(text, *hole);
      r.version = fallback_version(text, r.version_span, *hole, scheme);
      r.digest.reset();
    } else if (overlap(folder, *hole) && r.opaque.empty()) {
      r.opaque = "its folder is interpolated: " + quoted(text, *hole);
    }
  }
}

// `<end>/<name>/<version>…` at the beginning of a text; "" when something else stands there.
std::string_view tree_at(std::string_view text, std::string_view end) {
  constexpr size_t longest_name = 128, longest_version = 64;
  if (!text.starts_with(end) || forms::at(text, end.size()) != '/') return {};
  const size_t name = end.size() + 1;
  const size_t slash = text.substr(0, name + longest_name + 1).find('/', name);
  if (slash == std::string_view::npos || !valid_name(text.substr(name, slash - name))) return {};
  const char first = forms::at(text, slash + 1);
  if (!forms::digit(first) && first != 'v') return {};
  return text.substr(0, slash + 1 + longest_version);
}

// `$HOME/libs/churn/1.2.0` under the install root /home/you/libs: what is interpolated may be where the root
// begins.
void find_below(std::string_view text, Span hole, const Grammar& grammar, std::vector<Reference>& out) {
  if (forms::at(text, hole.end) != '/') return;
  for (const std::string& root : grammar.roots) {
    for (size_t cut = root.size(); cut > 0 && cut != std::string::npos; cut = root.rfind('/', cut - 1)) {
      const std::string_view end = std::string_view(root).substr(cut);
      const std::string_view tree = tree_at(text.substr(hole.end), end);
      if (tree.empty()) continue;
      auto found = find_references(root.substr(0, cut) + std::string(tree), {grammar.scheme, {root}});
      if (found.empty() || found.front().form != Form::folder || found.front().span.begin != 0) continue;
      Reference r = std::move(found.front());
      r.span = {hole.begin, hole.end + r.span.end - cut};
      r.version_span = r.digest_span = {};
      r.opaque = "its folder is interpolated: " + quoted(text, hole);
      return out.push_back(std::move(r));
    }
  }
}

// What the text names where it is interpolated: spans relative to `text`.
std::vector<Reference> find_interpolated(std::string_view text, const Grammar& grammar,
                                         const std::vector<Span>& holes) {
  const std::string seen = with_stand_ins(text, holes);
  std::vector<Reference> out;
  for (auto& r : find_references(seen, grammar)) {
    const std::string_view whole = text.substr(r.span.begin, r.span.size());
    if (whole.find(r.name) == std::string_view::npos) continue;  // the name itself is interpolated
    r.folder = whole.substr(0, r.folder.size());
    r.file = whole.substr(r.folder.size(), r.file.size());
    judge(r, text, holes, grammar.scheme);
    out.push_back(std::move(r));
  }
  for (const Span& hole : holes) {
    find_below(text, hole, grammar, out);
    const Inside inner = inside(text, hole);
    if (inner.span.size() == 0) continue;
    Grammar own = grammar;
    if (hole.size() != text.size()) own.whole = Whole::text;
    for (auto& r : find_references(text.substr(inner.span.begin, inner.span.size()), own)) {
      shift(r, inner.span.begin);
      if (inner.fallback) r.opaque = "it is what " + quoted(text, hole) + " falls back to";
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

// Where a reference that is not rewritten begins.
void only_begin(Reference& r, const Site& site) {
  size_t begin = site.span.begin;
  if (!site.decoded) {
    begin += r.span.begin;
  } else if (site.decoded->source[r.span.begin] != Decoded::nowhere) {
    begin = site.decoded->source[r.span.begin];
  }
  r.span = {begin, begin};
  r.version_span = r.digest_span = {};
}

// A path whose folder is spelled otherwise, `it''s`, while what changes stands there as it is: the spelling
// stays.
bool place_spelled(std::string_view document, Reference& r, const Decoded& decoded) {
  if (r.form != Form::folder && r.file.empty()) return false;
  const size_t tail = r.file.empty() ? r.version_span.begin : r.span.end - r.file.size();
  const size_t begin = decoded.source[r.span.begin];
  const auto source = source_of(decoded, {tail, r.span.end});
  if (!source || begin == Decoded::nowhere || begin > source->begin) return false;
  const std::string_view folder = document.substr(begin, source->begin - begin);
  if (folder.find_first_of("\r\n") != std::string_view::npos) return false;
  if (!r.file.empty()) {
    if (r.place.empty()) r.place = r.folder;
    r.folder = folder;
  }
  r.version_span = {r.version_span.begin - tail + source->begin, r.version_span.end - tail + source->begin};
  r.span = {begin, source->end};
  return true;
}

void place(std::string_view document, Reference& r, const Site& site) {
  if (!site.decoded) return shift(r, site.span.begin);
  const auto source = source_of(*site.decoded, r.span);
  if (source) return shift(r, source->begin - r.span.begin);
  if (place_spelled(document, r, *site.decoded)) return;
  r.opaque = "it is written with escapes or over several lines";
}

std::string frame_of(std::string_view text, const std::vector<Reference>& references) {
  std::string out;
  size_t done = 0;
  for (const auto& r : references) {
    if (r.span.begin < done) continue;  // within what an interpolation falls back to
    out += text.substr(done, r.span.begin - done);
    out += '\0' + r.package + '\0';
    done = r.span.end;
  }
  return out += text.substr(done);
}

}  // namespace

std::vector<Span> interpolations(std::string_view text, Dialect dialect) {
  return dialect == Dialect::plain ? std::vector<Span>{} : Interpolations(text, dialect).run();
}

std::vector<SiteReference> references_at(std::string_view document, const Site& site,
                                         const Grammar& grammar) {
  const std::string_view text = site.decoded ? std::string_view(site.decoded->text)
                                             : document.substr(site.span.begin, site.span.size());
  const auto holes = interpolations(text, site.dialect);
  std::optional<Grammar> of_site;
  if (site.whole != grammar.whole)
    of_site = Grammar{grammar.scheme, grammar.roots, site.whole, grammar.folders};
  const Grammar& own = of_site ? *of_site : grammar;
  std::vector<SiteReference> out;
  auto references = holes.empty() ? find_references(text, own) : find_interpolated(text, own, holes);
  const std::string frame = site.path.empty() || references.empty() ? "" : frame_of(text, references);
  for (auto& r : references) {
    SiteReference found;
    if (out.empty()) found.frame = frame;
    found.text = text.substr(r.span.begin, r.span.size());
    if (r.opaque.empty()) r.opaque = site.fixed;
    if (r.opaque.empty()) {
      place(document, r, site);
      if (r.opaque.empty()) found.text = document.substr(r.span.begin, r.span.size());
    }
    if (!r.opaque.empty()) only_begin(r, site);
    found.reference = std::move(r);
    found.path = site.path;
    if (!site.path.empty() && !out.empty()) found.path += "#" + std::to_string(out.size() + 1);
    out.push_back(std::move(found));
  }
  return out;
}

}  // namespace mlship
