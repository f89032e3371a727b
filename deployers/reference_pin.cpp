// pip requirements (PEP 508): `churn==1.3.0`, `churn[x] == 1.3.0 ; marker`, ranges, and VCS URLs.
#include <algorithm>
#include <array>

#include "core/names.h"
#include "deployers/reference_forms.h"

namespace mlship::forms {

using namespace std::string_view_literals;

namespace {

// PEP 440 §Version specifiers; longer ones first.
constexpr auto operators = std::to_array<std::string_view>({"===", "==", "~=", "!=", "<=", ">=", "<", ">"});

// What may stand right before a requirement. No `/`, `$`, `@`, `\`: then it is the end of something longer.
constexpr std::string_view before_name = " \t\r\n\v\f\0'\"`=,([{;|&>:!#"sv;
// After a version these mean that the text goes on and the version is only its beginning.
constexpr std::string_view goes_on = "/$@%{*~^?";

std::string_view operator_at(std::string_view text, size_t i) {
  for (const auto op : operators) {
    if (text.substr(i).starts_with(op)) return op;
  }
  return {};
}

size_t skip_blanks(std::string_view text, size_t i) {
  while (i < text.size() && blank(text[i])) ++i;
  return i;
}
size_t skip_blanks_back(std::string_view text, size_t i) {
  while (i > 0 && blank(text[i - 1])) --i;
  return i;
}

// The name that ends before `end`, which is before the operator, `(` and the extras.
std::optional<Span> name_before(std::string_view text, size_t end) {
  end = skip_blanks_back(text, end);
  if (end > 0 && text[end - 1] == '(') end = skip_blanks_back(text, end - 1);
  if (end > 0 && text[end - 1] == ']') {
    size_t open = end - 1;
    while (open > 0 && (name_char(text[open - 1]) || text[open - 1] == ',' || blank(text[open - 1]))) --open;
    if (open == 0 || text[open - 1] != '[') return std::nullopt;
    end = skip_blanks_back(text, open - 1);
  }
  size_t begin = end;
  while (begin > 0 && end - begin < longest && name_char(text[begin - 1])) --begin;
  if (begin > 0 && !one_of(text[begin - 1], before_name)) return std::nullopt;
  if (!valid_name(text.substr(begin, end - begin))) return std::nullopt;
  return Span{begin, end};
}

struct Clause {
  std::string_view op;
  Span version;
  size_t end = 0;
  bool wildcard = false;
};

std::optional<Clause> clause_at(std::string_view text, size_t i, Scheme scheme) {
  Clause clause;
  clause.op = operator_at(text, i);
  if (clause.op.empty()) return std::nullopt;
  const size_t begin = skip_blanks(text, i + clause.op.size());
  size_t end = begin;
  while (end < text.size() && (alnum(text[end]) || one_of(text[end], ".!+*_-"))) ++end;
  if (foreign(at(text, end)) || one_of(at(text, end), goes_on)) return std::nullopt;
  if (one_of(at(text, end), "=,:([") && digit(at(text, end + 1))) return std::nullopt;
  // The end of a sentence is no part of it.
  while (end > begin && (text[end - 1] == '.' || text[end - 1] == '!')) --end;
  std::string_view version = text.substr(begin, end - begin);
  clause.wildcard = version.ends_with(".*");
  if (clause.wildcard) version.remove_suffix(2);
  const bool exact = clause.op.starts_with("==") && !clause.wildcard;
  if (!Version::parse(version, exact ? scheme : Scheme::pep440)) return std::nullopt;
  clause.version = {begin, end};
  clause.end = end;
  return clause;
}

// The clauses from `i` on, separated by commas.
std::vector<Clause> clauses_at(std::string_view text, size_t i, Scheme scheme) {
  std::vector<Clause> clauses;
  while (auto clause = clause_at(text, i, scheme)) {
    clauses.push_back(*clause);
    const size_t comma = skip_blanks(text, clause->end);
    if (at(text, comma) != ',') break;
    i = skip_blanks(text, comma + 1);
  }
  return clauses;
}

Reference requirement(std::string_view text, const Span& name, const std::vector<Clause>& clauses,
                      Scheme scheme) {
  Reference r;
  const Clause& first = clauses.front();
  const bool exact = clauses.size() == 1 && !first.wildcard && first.op.starts_with("==");
  r.form = exact ? Form::pin : Form::range;
  r.name = text.substr(name.begin, name.size());
  r.package = normalize_name(r.name);
  r.span = {name.begin, clauses.back().end};
  if (exact) {
    r.version_span = first.version;
    r.version_text = text.substr(first.version.begin, first.version.size());
    r.version = Version::parse(r.version_text, scheme);
    r.hash_pinned = hash_follows(text, r.span.end);
  }
  return r;
}

// `churn==latest`, `churn==${V}` right behind one another; a comparison in a program has blanks, or no word
// that stands for a version.
std::optional<Reference> unread(std::string_view text, const Span& name, size_t i, std::string_view op) {
  const size_t begin = i + op.size();
  if (op.size() < 2 || blank(text[i - 1])) return std::nullopt;
  size_t end = begin;
  while (end < text.size() && end - begin < longest) {
    const size_t hole = template_end(text, end);
    if (hole == end && !(alnum(text[end]) || foreign(text[end]) || one_of(text[end], ".!+_-"))) break;
    end = std::max(end + 1, hole);
  }
  while (end > begin && one_of(text[end - 1], ".!")) --end;
  const std::string_view version = text.substr(begin, end - begin);
  if (!stands_for_version(version) || one_of(at(text, end), "/@")) return std::nullopt;
  Reference r;
  r.form = op.starts_with("==") ? Form::pin : Form::range;
  r.name = text.substr(name.begin, name.size());
  r.package = normalize_name(r.name);
  r.version_span = {begin, end};
  r.version_text = version;
  r.span = {name.begin, end};
  r.opaque = r.form == Form::pin ? why_unread(version) : "";
  r.hash_pinned = hash_follows(text, end);
  return r;
}

constexpr std::string_view url_ends = " \t\r\n\v\f'\"`<>|;,)]}\\";
constexpr auto vcs_prefixes = std::to_array<std::string_view>({"git+", "hg+", "svn+", "bzr+"});

// The package of a VCS URL: `#egg=NAME`, else `NAME @ ` before it, else the repository's own name.
std::string vcs_name(std::string_view text, size_t begin, std::string_view url) {
  if (const size_t egg = url.find("egg="); egg != std::string_view::npos) {
    size_t end = egg + 4;
    while (end < url.size() && name_char(url[end])) ++end;
    return std::string(url.substr(egg + 4, end - egg - 4));
  }
  const size_t before = skip_blanks_back(text, begin);
  if (before > 0 && text[before - 1] == '@') {
    if (const auto name = name_before(text, before - 1)) {
      return std::string(text.substr(name->begin, name->size()));
    }
  }
  std::string_view path = url.substr(0, url.find_first_of("#?"));
  const size_t last_slash = path.rfind('/');
  if (last_slash != std::string_view::npos) path.remove_prefix(last_slash + 1);
  path = path.substr(0, path.find('@'));
  if (path.ends_with(".git")) path.remove_suffix(4);
  return std::string(path);
}

}  // namespace

void find_pins(std::string_view text, const Grammar& grammar, Found& found) {
  for (size_t i = 0; i < text.size(); ++i) {
    i = text.find_first_of("=<>!~", i);
    if (i == std::string_view::npos) return;
    const auto op = operator_at(text, i);
    if (op.empty()) continue;
    const auto name = name_before(text, i);
    if (!name) continue;
    const auto clauses = clauses_at(text, i, grammar.scheme);
    if (clauses.empty()) {
      auto r = unread(text, *name, i, op);
      if (!r) continue;
      i = r->span.end - 1;
      found.push_back(std::move(*r));
      continue;
    }
    found.push_back(requirement(text, *name, clauses, grammar.scheme));
    i = marker_end(text, clauses.back().end) - 1;
  }
}

std::optional<Reference> unread_pin(std::string_view text, Span span) {
  const size_t i = text.substr(0, span.end).find_first_of("=<>!~", span.begin);
  if (i == std::string_view::npos) return std::nullopt;
  const auto op = operator_at(text, i);
  const auto name = op.empty() ? std::nullopt : name_before(text, i);
  if (!name || name->begin != span.begin) return std::nullopt;
  Span version{skip_blanks(text, i + op.size()), skip_blanks_back(text, span.end)};
  if (version.begin >= version.end) return std::nullopt;
  Reference r;
  r.form = op.starts_with("==") ? Form::pin : Form::range;
  r.name = text.substr(name->begin, name->size());
  r.package = normalize_name(r.name);
  r.version_span = version;
  r.version_text = text.substr(version.begin, version.size());
  r.span = {name->begin, version.end};
  return r;
}

namespace {

// Where the prefix that ends with the `+` at `plus` begins; npos when none does.
size_t vcs_begin(std::string_view text, size_t plus) {
  for (const auto prefix : vcs_prefixes) {
    const size_t length = prefix.size() - 1;
    if (plus < length || text.substr(plus - length, prefix.size()) != prefix) continue;
    const size_t begin = plus - length;
    if (begin == 0 || !(name_char(text[begin - 1]) || foreign(text[begin - 1]))) return begin;
  }
  return std::string_view::npos;
}

}  // namespace

// What a branch or tag of a repository holds cannot be said without fetching it: seen, named, never
// rewritten.
void find_vcs(std::string_view text, const Grammar&, Found& found) {
  size_t end = 0;
  for (size_t i = text.find('+'); i != std::string_view::npos; i = text.find('+', std::max(i + 1, end))) {
    const size_t begin = vcs_begin(text, i);
    if (begin == std::string_view::npos) continue;
    const size_t colon = text.substr(0, std::min(text.size(), i + 16)).find("://", i);
    if (colon == std::string_view::npos) continue;
    end = colon;
    while (end < text.size() && end - colon < longest && !one_of(text[end], url_ends)) ++end;
    Reference r;
    r.form = Form::vcs;
    const size_t user = after_userinfo(text.substr(0, end), colon + 3);
    r.span = {user == colon + 3 ? begin : user, end};
    r.name = vcs_name(text, begin, text.substr(colon + 3, end - colon - 3));
    if (!valid_name(r.name)) continue;
    r.package = normalize_name(r.name);
    found.push_back(std::move(r));
  }
}

}  // namespace mlship::forms
