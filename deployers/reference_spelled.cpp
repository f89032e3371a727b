// Words that a shell or a string puts together from pieces: `churn=='1.2.0'`, `'/opt/churn'/1.2.0`,
// `churn==1\.2.0`. What stands between two quotes may be half of a version: such words are read as what they
// mean, and what was read of them before is held to that.
#include <algorithm>
#include <array>
#include <optional>

#include "deployers/reference_forms.h"

namespace mlship::forms {

using namespace std::string_view_literals;

namespace {

constexpr size_t nowhere = std::string_view::npos;

bool quote(char c) {
  return c == '\'' || c == '"';
}

int nibble(char c) {
  if (digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// What the backslashes at a position mean, and where that ends.
struct Escape {
  size_t end = 0;
  char means = '\0';    // '\0': nothing, as with a quote or joined lines
  bool breaks = false;  // an escaped quote, blank or line end as in C
};

// `digits` of `base` from `i` on, as the character they mean.
std::optional<char> code(std::string_view text, size_t i, size_t digits, int base) {
  int value = 0;
  for (size_t n = 0; n < digits; ++n) {
    const int d = nibble(at(text, i + n));
    if (d < 0 || d >= base) return std::nullopt;
    value = value * base + d;
  }
  constexpr int ascii = 0x7f;
  return value > 0 && value <= ascii ? std::optional(static_cast<char>(value)) : std::nullopt;
}

// The backslashes at `i`; a string within a string doubles them.
Escape escape_of(std::string_view text, size_t i) {
  size_t c = i;
  while (at(text, c) == '\\') ++c;
  const char next = at(text, c);
  if (c >= text.size() || quote(next)) return {std::min(c + 1, text.size()), '\0', false};
  if (next == '\n') return {c + 1, '\0', false};
  if (next == '\r' && at(text, c + 1) == '\n') return {c + 2, '\0', false};
  if (one_of(next, "ntr") && at(text, c + 1) != '.') return {c + 1, next == 't' ? '\t' : '\n', true};
  struct Row {
    char letter;
    size_t digits;
  };
  constexpr auto rows = std::to_array<Row>({{'x', 2}, {'u', 4}, {'U', 8}});
  for (const auto& row : rows) {
    if (next != row.letter) continue;
    if (const auto meant = code(text, c + 1, row.digits, 16)) return {c + 1 + row.digits, *meant, false};
  }
  if (const auto meant = code(text, c, 3, 8)) return {c + 3, *meant, false};
  return {c + 1, next, false};
}

// A text that means `meaning`; `source`: where each of its characters begins in the document.
struct Spelled {
  std::string meaning;
  std::vector<size_t> source;
  bool escapes = false;
};

bool plain(char c) {
  return alnum(c) || foreign(c) || one_of(c, "._-+!*/=<>~:@[]{}()$%^?");
}

// What goes on to the left and right of a quote, so that a shell makes one word of both.
bool left_of_joint(char c) {
  return alnum(c) || foreign(c) || one_of(c, "._-+!*/=<>~:@]})");
}
bool right_of_joint(char c) {
  return alnum(c) || foreign(c) || one_of(c, "._-+!*/=<>~:@[$");
}

// The words of a text in which pieces are joined.
class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {}

  template <typename Use>
  void each(Use use) {
    constexpr std::string_view marks = "'\"\\";
    for (size_t i = text_.find_first_of(marks); i != nowhere;) {
      size_t begin = i;
      while (begin > done_ && (plain(text_[begin - 1]) || inner_comma(begin - 1))) --begin;
      const size_t end = read(begin);
      if (joined_) use(Span{begin, end}, spelled_);
      done_ = std::max(end, i + 1);
      i = text_.find_first_of(marks, done_);
    }
  }

 private:
  // `[a,b]`; a comma beside a quote is none of the word.
  [[nodiscard]] bool inner_comma(size_t i) const {
    return text_[i] == ',' && i > 0 && name_char(text_[i - 1]) && name_char(at(text_, i + 1));
  }

  // `"a":"b"` are two words, one behind the other.
  [[nodiscard]] bool divides(size_t i) const {
    const char next = at(text_, i + 1);
    return text_[i] == ':' && i > 0 && quote(text_[i - 1]) && (quote(next) || next == '\\');
  }

  size_t read(size_t i) {
    spelled_ = {};
    joined_ = false;
    char last = '\0';
    bool joint = false;
    while (i < text_.size()) {
      const char c = text_[i];
      if (quote(c)) {
        joint = true;
        ++i;
      } else if (c == '\\') {
        const Escape escape = escape_of(text_, i);
        spelled_.escapes = true;
        joint = true;
        if (escape.means != '\0') {
          joined_ = joined_ || left_of_joint(last) || right_of_joint(escape.means);
          add(last = escape.means, i);
        }
        i = escape.end;
      } else if ((plain(c) || inner_comma(i)) && !divides(i)) {
        joined_ = joined_ || (joint && left_of_joint(last) && right_of_joint(c));
        joint = false;
        add(last = c, i++);
      } else {
        break;
      }
    }
    return i;
  }

  void add(char c, size_t i) {
    spelled_.meaning += c;
    spelled_.source.push_back(i);
  }

  std::string_view text_;
  size_t done_ = 0;
  Spelled spelled_;
  bool joined_ = false;
};

// Where the document has what `span` of the meaning says.
Span source_of(const Spelled& word, Span span) {
  if (span.size() == 0) return {};
  return {word.source[span.begin], word.source[span.end - 1] + 1};
}

bool in_one_piece(const Spelled& word, Span meant) {
  return source_of(word, meant).size() == meant.size();
}

// Whether what stands at `i` would go on the version or file name before it.
bool goes_on(std::string_view text, size_t i, const Reference& r) {
  const char c = at(text, i), next = at(text, i + 1);
  if (i >= text.size()) return false;
  if (alnum(c) || foreign(c) || one_of(c, "_-+*$~^@")) return true;
  if (c == '.' || c == '!') return alnum(next) || foreign(next) || quote(next) || one_of(next, "\\*$");
  if (c == '/') return r.form != Form::folder;
  return r.version_text.empty() && one_of(c, "=<>[");
}

// Behind quotes and backslashes at `i`; `i` when an escape says that a word ends.
bool cut_behind(std::string_view text, size_t i, const Reference& r) {
  if (one_of(at(text, i), ".!") && i < text.size()) ++i;  // the end of a sentence, or `1."2".0`
  const size_t begin = i;
  while (i < text.size() && (quote(text[i]) || text[i] == '\\')) {
    if (quote(text[i])) {
      ++i;
      continue;
    }
    const Escape escape = escape_of(text, i);
    if (escape.breaks) return false;
    if (escape.means != '\0') return alnum(escape.means) || one_of(escape.means, "._-+!*");
    i = escape.end;
  }
  return i > begin && goes_on(text, i, r);
}

// r'…', f"…", rb"…" of Python.
bool string_prefix(std::string_view text, size_t end) {
  size_t begin = end;
  while (begin > 0 && end - begin < 3 && one_of(text[begin - 1], "rRbBfFuU")) --begin;
  return begin < end && (begin == 0 || !left_of_joint(text[begin - 1]) || text[begin - 1] == '=');
}

bool cut_before(std::string_view text, const Reference& r) {
  const size_t i = r.span.begin;
  size_t before = i;
  while (before > 0 && (quote(text[before - 1]) || text[before - 1] == '\\')) --before;
  if (before == i || before == 0) return false;
  // C:\libs\churn-1.2.0.jar
  if (!r.file.empty() && text.substr(before, i - before).find_first_of("'\"") == nowhere) return false;
  const char c = text[before - 1];
  return (alnum(c) || foreign(c) || one_of(c, "._-+/})")) && !string_prefix(text, before);
}

std::string why(const Spelled& word) {
  return word.escapes ? "it is written with escapes" : "it is put together from pieces in quotes";
}

// With the quotes that belong to its pieces alone.
Span with_quotes(std::string_view text, Span span) {
  const std::string_view inner = text.substr(span.begin, span.size());
  const size_t first = inner.find_first_of("'\"");
  if (first == nowhere) return span;
  const char q = inner[first];
  const bool before = span.begin > 0 && text[span.begin - 1] == q, behind = at(text, span.end) == q;
  const bool odd = std::count(inner.begin(), inner.end(), q) % 2 != 0;
  if (odd ? before : before && behind) --span.begin;
  if (behind && (!odd || !before) && (odd || before)) ++span.end;
  return span;
}

// The references of a word that no plain reading finds.
void read_word(std::string_view text, const Spelled& word, const Grammar& grammar, Found& found) {
  for (auto& r : search_plain(word.meaning, grammar)) {
    if (marker_word(r.name)) continue;  // of an environment marker
    const bool whole = in_one_piece(word, r.span);
    const Span span = source_of(word, r.span), version = source_of(word, r.version_span);
    const bool moves =
        !word.escapes && r.form == Form::pin && r.version && in_one_piece(word, r.version_span);
    if (r.opaque.empty() && (whole || !moves)) r.opaque = why(word);
    r.span = whole ? span : with_quotes(text, span);
    r.version_span = version;
    r.version_text = text.substr(version.begin, version.size());
    r.digest_span = source_of(word, r.digest_span);
    found.push_back(std::move(r));
  }
}

}  // namespace

void settle_spelled(std::string_view text, const Grammar& grammar, Found& found) {
  Found spelled;
  Words(text).each([&](Span, const Spelled& word) { read_word(text, word, grammar, spelled); });
  Found out;
  size_t next = 0;
  const auto end_before = [&](size_t begin) {
    // Those of words in front of the next plain one.
    while (next < spelled.size() && spelled[next].span.end <= begin)
      out.push_back(std::move(spelled[next++]));
  };
  for (auto& r : found) {
    end_before(r.span.begin);
    const bool behind = cut_behind(text, r.span.end, r), before = cut_before(text, r);
    const bool overlaps = next < spelled.size() && spelled[next].span.begin < r.span.end;
    if (overlaps && (behind || before)) continue;  // half of what the word says
    if (overlaps) {
      while (next < spelled.size() && spelled[next].span.begin < r.span.end) ++next;
    } else if (behind || before) {
      if (behind) r.version.reset();
      if (r.opaque.empty()) r.opaque = "its text goes on behind a quote or backslash";
    }
    out.push_back(std::move(r));
  }
  end_before(nowhere);
  found = std::move(out);
}

}  // namespace mlship::forms
