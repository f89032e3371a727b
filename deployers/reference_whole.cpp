// Strings that are one thing as a whole: a path, a list of paths, a line of pip. Nothing in them is searched
// for: a path keeps every character that a file system allows.
#include <algorithm>
#include <array>

#include "core/names.h"
#include "deployers/reference_forms.h"

namespace mlship::forms {

namespace {

constexpr std::string_view space = " \t\r\n";

std::string_view part_of(std::string_view text, const Span& span) {
  return text.substr(span.begin, span.size());
}

Span trimmed(std::string_view text, Span span) {
  while (span.begin < span.end && one_of(text[span.begin], space)) ++span.begin;
  while (span.end > span.begin && one_of(text[span.end - 1], space)) --span.end;
  return span;
}

// Without the quotes around it.
Span unquoted(std::string_view text, Span span) {
  const bool quoted =
      span.size() >= 2 && one_of(text[span.begin], "'\"") && text[span.end - 1] == text[span.begin];
  return quoted ? Span{span.begin + 1, span.end - 1} : span;
}

// Without the extras that pip takes behind a file: `x.whl[train]`.
Span without_extras(std::string_view text, Span span) {
  if (span.size() == 0 || text[span.end - 1] != ']') return span;
  size_t open = span.end - 1;
  while (open > span.begin && (name_char(text[open - 1]) || one_of(text[open - 1], ", "))) --open;
  const bool extras =
      open > span.begin && text[open - 1] == '[' && extension_before(text, open - 1) != nullptr;
  return extras ? Span{span.begin, open - 1} : span;
}

// http and file URLs alone have queries and fragments; elsewhere `?` and `#` are part of a name.
bool has_query(std::string_view path) {
  constexpr auto schemes = std::to_array<std::string_view>({"http://", "https://", "file://"});
  return std::any_of(schemes.begin(), schemes.end(),
                     [&](std::string_view scheme) { return path.starts_with(scheme); });
}

// The path's last part, and what stands behind it where something may: a query, a fragment, an alias.
struct Tail {
  Span file;
  size_t end = 0;
};
Tail tail_of(std::string_view text, Span span, bool alias) {
  const std::string_view path = part_of(text, span);
  size_t end = has_query(path) ? std::min(path.find_first_of("?#"), path.size()) : path.size();
  size_t begin = path.substr(0, end).rfind('/') + 1;  // npos + 1 is 0
  if (alias) end = std::min(path.find('#', begin), end);
  return {{span.begin + begin, span.begin + end}, span.begin + end};
}

// What stops the path from being written anew; "" when nothing does.
std::string why_not(std::string_view path) {
  if (has_query(path)) {
    const size_t authority = path.find("://") + 3;
    if (after_userinfo(path, authority) != authority) return "its URL holds a password or token";
  }
  const std::string_view folder = path.substr(0, path.rfind('/') + 1);
  const auto hole = first_template(folder);
  if (!hole || folder[hole->begin] == '*' || folder[hole->begin] == '%') return "";
  const std::string_view what = part_of(folder, *hole);
  return what.starts_with("{{") || what.starts_with("${") ? "its folder is interpolated: " + std::string(what)
                                                          : "";
}

// A file without a version in its name: `churn.jar`.
std::optional<Named> whole_stem(std::string_view stem) {
  if (stem.find('-') != std::string_view::npos) return std::nullopt;
  return Named{{0, stem.size()}, {stem.size(), stem.size()}, {}};
}

// The place of the suffix that the file's name ends with; npos without one.
size_t suffix_of(std::string_view text, Span file) {
  const Extension* extension = extension_before(text, file.end);
  return extension != nullptr && file.size() > extension->suffix.size() ? file.end - extension->suffix.size()
                                                                        : std::string_view::npos;
}

// A fragment behind a name that is no URL's: `x.whl#sha256=…`.
Tail before_fragment(std::string_view text, const Tail& tail) {
  const size_t mark = part_of(text, tail.file).find('#');
  if (mark == std::string_view::npos) return tail;
  const Span file{tail.file.begin, tail.file.begin + mark};
  return suffix_of(text, file) == std::string_view::npos ? tail : Tail{file, file.end};
}

// The position of the first suffix behind which a path on a line of pip may end.
size_t pip_path_end(std::string_view text, Span line) {
  for (size_t dot = text.find('.', line.begin); dot < line.end; dot = text.find('.', dot + 1)) {
    const Extension* extension = extension_at(text.substr(0, line.end), dot);
    if (extension == nullptr) continue;
    size_t end = dot + extension->suffix.size();
    if (at(text, end) == '[') {
      size_t close = end + 1;
      while (close < line.end && (name_char(text[close]) || one_of(text[close], ", "))) ++close;
      if (at(text, close) == ']') end = close + 1;
    }
    size_t next = end;
    while (next < line.end && blank(text[next])) ++next;
    const bool marker =
        at(text, next) == ';' && part_of(text, {next, line.end}).find('/') == std::string_view::npos;
    if (next >= line.end || marker || (next > end && text.substr(next, 2) == "--")) return end;
    if (next == end && one_of(text[end], "?#") && has_query(part_of(text, line)))
      return std::min(text.find_first_of(" \t", end), line.end);
  }
  return line.end;
}

size_t quote_end(std::string_view text, Span line) {
  const char quote = text[line.begin];
  for (size_t i = text.find(quote, line.begin + 1); i < line.end; i = text.find(quote, i + 1)) {
    const Span rest = trimmed(text, {i + 1, line.end});
    const char next = rest.size() == 0 ? ';' : text[rest.begin];
    if (one_of(next, ";#-")) return i;
  }
  return std::string_view::npos;
}

// The closing quote of `name @ '…'`; the line's beginning when it is no such line.
size_t after_quotes(std::string_view text, Span line) {
  const size_t mark = text.substr(0, line.end).find_first_of("@#", line.begin);
  if (mark == std::string_view::npos || text[mark] == '#') return line.begin;
  const size_t quote = text.find_first_not_of(space, mark + 1);
  if (quote >= line.end || !one_of(text[quote], "'\"")) return line.begin;
  const size_t close = quote_end(text, {quote, line.end});
  return close == std::string_view::npos ? line.begin : close;
}

// pip: a `#` at the beginning or behind a blank begins a comment.
Span without_comment(std::string_view text, Span line) {
  for (size_t i = after_quotes(text, line); i < line.end; ++i) {
    if (text[i] == '#' && (i == line.begin || one_of(text[i - 1], space))) return {line.begin, i};
  }
  return line;
}

// One line of pip, cut into what it says.
class Requirement {
 public:
  Requirement(std::string_view text, const Grammar& grammar, Found& found)
      : text_(text), grammar_(grammar), found_(found) {}

  void line(Span span) {
    span = trimmed(text_, span);
    if (span.size() == 0 || text_[span.begin] == '#') return;
    if (one_of(text_[span.begin], "'\"")) {
      const size_t close = quote_end(text_, span);
      if (close != std::string_view::npos) return quoted({span.begin + 1, close});
    }
    span = trimmed(text_, without_comment(text_, span));
    const Span named = without_option(span);
    if (named == span && text_[span.begin] == '-') return option(span);
    if (named.size() > 0) plain(named);
  }

 private:
  [[nodiscard]] std::string_view str(Span span) const { return part_of(text_, span); }

  void quoted(Span inner) {
    if (!direct(inner) && !path(inner)) plain(trimmed(text_, inner));
  }

  void plain(Span span) {
    if (vcs(span) || direct(span) || (looks_like_path(span) && path(span)) || named(span)) return;
    rest(span, "its line is no requirement that pip takes");
  }

  // `--find-links X`, `-fX`: seen, and nothing of it is written.
  void option(Span span) {
    const std::string why = "its line is an option of pip";
    const bool word = str(span).starts_with("--");
    size_t value = word ? text_.find_first_of("= \t", span.begin) : span.begin + 2;
    value = std::min(text_.find_first_not_of("= \t", value), span.end);
    if (!path(unquoted(text_, {value, span.end}))) return rest(span, why);
    if (found_.back().opaque.empty()) found_.back().opaque = why;
  }

  // `-e X` is X.
  [[nodiscard]] Span without_option(Span span) const {
    for (const std::string_view option : {"-e", "--editable"}) {
      if (!str(span).starts_with(option)) continue;
      size_t begin = span.begin + option.size();
      while (begin < span.end && (blank(text_[begin]) || text_[begin] == '=')) ++begin;
      return {begin, span.end};
    }
    return span;
  }

  bool vcs(Span span) {
    const size_t before = found_.size();
    if (str(span).find("+") == std::string_view::npos) return false;
    find_vcs(text_.substr(0, span.end), grammar_, found_);
    return found_.size() > before;
  }

  // `name[extras] @ path or URL`
  bool direct(Span span) {
    size_t end = span.begin;
    while (end < span.end && name_char(text_[end])) ++end;
    const std::string_view name = text_.substr(span.begin, end - span.begin);
    if (end < span.end && text_[end] == '[') end = std::min(text_.find(']', end), span.end - 1) + 1;
    const Span behind = trimmed(text_, {end, span.end});
    if (!valid_name(name) || behind.size() == 0 || text_[behind.begin] != '@') return false;
    const Span target = trimmed(text_, {behind.begin + 1, behind.end});
    const size_t before = found_.size();
    const bool ours = path(unquoted(text_, target)) && found_.back().package == normalize_name(name);
    if (ours) return true;
    found_.resize(before);
    Reference r;
    r.form = Form::pin;
    r.name = name;
    r.package = normalize_name(name);
    r.version_span = target;
    r.version_text = str(target);
    r.span = {span.begin, target.end};
    found_.push_back(std::move(r));
    return true;
  }

  [[nodiscard]] bool looks_like_path(Span span) const {
    const size_t mark = str(span).find_first_of("/=<>~!;");
    return (mark != std::string_view::npos && str(span)[mark] == '/') || text_[span.begin] == '.' ||
           pip_path_end(text_, span) < span.end || suffix_of(text_, span) != std::string_view::npos;
  }

  bool path(Span span) {
    const size_t end = pip_path_end(text_, span);
    auto r = path_at(text_, without_extras(text_, {span.begin, end}), grammar_.scheme);
    if (!r) return false;
    r->hash_pinned = r->hash_pinned || hash_follows(text_, end);
    found_.push_back(std::move(*r));
    return true;
  }

  // `name[extras]`, with or without a version.
  bool named(Span span) {
    const size_t marker = std::min(str(span).find(';'), span.size());
    const size_t before = found_.size();
    find_pins(text_.substr(0, span.begin + marker), grammar_, found_);
    if (found_.size() > before) {
      found_.back().hash_pinned = hash_follows(text_, found_.back().span.end);
      const Span behind = trimmed(text_, {found_.back().span.end, span.end});
      const bool all =
          behind.size() == 0 || one_of(text_[behind.begin], ";)\\") || str(behind).starts_with("--");
      if (!all) found_.resize(before);
      return all;
    }
    if (auto pin = unread_pin(text_, {span.begin, span.begin + marker})) {
      found_.push_back(std::move(*pin));
      return true;
    }
    find_bare(text_.substr(0, span.end), grammar_, found_);
    return found_.size() > before;
  }

  // More than pip takes on one line: seen, and nothing of it is written.
  void rest(Span span, const std::string& why) {
    const Grammar own{grammar_.scheme, grammar_.roots, Whole::text, grammar_.folders};
    for (auto& r : find_references(text_.substr(0, span.end), own)) {
      if (r.span.begin < span.begin) continue;
      if (r.opaque.empty()) r.opaque = why;
      found_.push_back(std::move(r));
    }
  }

  std::string_view text_;
  const Grammar& grammar_;
  Found& found_;
};

}  // namespace

std::optional<Reference> path_at(std::string_view text, Span span, Scheme scheme, bool alias) {
  if (span.size() == 0) return std::nullopt;
  const Span path = trimmed(text, span);
  Tail tail = tail_of(text, path, alias);
  const bool fragment = !alias && !has_query(part_of(text, path));
  const Tail shorter = fragment ? before_fragment(text, tail) : tail;
  const bool left_over = shorter.end != tail.end;
  tail = shorter;
  const size_t dot = suffix_of(text, tail.file);
  if (dot == std::string_view::npos || tail.file.size() > longest_name) return std::nullopt;
  const Extension& extension = *extension_at(text, dot);
  const std::string_view stem = text.substr(tail.file.begin, dot - tail.file.begin);
  auto named = read_stem(stem, extension.form, scheme);
  if (!named) named = whole_stem(stem);
  auto r = named ? named_file(text, tail.file, extension, *named) : std::nullopt;
  if (!r) return std::nullopt;
  r->hash_pinned = hash_fragment(text.substr(tail.end, span.end - tail.end));
  if (const std::string why = why_not(part_of(text, path)); !why.empty()) r->opaque = why;
  if (left_over && !r->hash_pinned) r->opaque = "what stands behind its file's name is not understood";
  r->span = alias ? Span{path.begin, tail.end} : span;
  if (r->opaque.ends_with("token")) r->span.begin = after_userinfo(text, text.find("://", path.begin) + 3);
  r->folder = text.substr(r->span.begin, tail.file.begin - r->span.begin);
  return r;
}

void find_path(std::string_view text, const Grammar& grammar, Found& found) {
  const Span whole{0, text.size()};
  const Span inner = without_extras(text, unquoted(text, trimmed(text, whole)));
  const bool bare = inner == trimmed(text, whole);
  if (auto r = path_at(text, bare ? whole : inner, grammar.scheme)) found.push_back(std::move(*r));
}

void find_list(std::string_view text, const Grammar& grammar, Found& found) {
  for (size_t begin = 0; begin <= text.size();) {
    const size_t comma = std::min(text.find(',', begin), text.size());
    const Span element = unquoted(text, trimmed(text, {begin, comma}));
    auto r = path_at(text, element, grammar.scheme, true);
    if (!r) r = coordinate_at(text, element, grammar.scheme);
    if (r) found.push_back(std::move(*r));
    begin = comma + 1;
  }
}

void find_requirement(std::string_view text, const Grammar& grammar, Found& found) {
  Requirement(text, grammar, found).line({0, text.size()});
}

void find_coordinate(std::string_view text, const Grammar& grammar, Found& found) {
  find_path(text, grammar, found);
  if (!found.empty()) return;
  if (auto r = coordinate_at(text, trimmed(text, {0, text.size()}), grammar.scheme)) {
    found.push_back(std::move(*r));
  }
}

}  // namespace mlship::forms
