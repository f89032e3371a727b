// What stands at a version's place and is none: templates, globs and words such as `latest`. It names the
// package all the same, so it is seen, named and never rewritten.
#include <algorithm>
#include <array>

#include "core/letters.h"
#include "deployers/reference_forms.h"

namespace mlship::forms {

namespace {

using letters::lowered;

// Longest template that is looked at.
constexpr size_t longest_template = 256;

struct Brackets {
  std::string_view open, close;
};
// Jinja and Databricks, shells, Python and ini files, a shell's choice or str.format().
constexpr auto brackets =
    std::to_array<Brackets>({{"{{", "}}"}, {"${", "}"}, {"$(", ")"}, {"%(", ")"}, {"{", "}"}});

// Words that stand for whatever version is there at the time.
constexpr auto moving = std::to_array<std::string_view>(
    {"latest", "stable", "current", "newest", "release", "latest.release", "latest.integration", "snapshot",
     "nightly", "head", "main", "master", "trunk", "edge", "dev", "devel", "develop"});

bool in_braces(std::string_view inner) {
  return !inner.empty() &&
         std::all_of(inner.begin(), inner.end(), [](char c) { return name_char(c) || one_of(c, "+!,"); });
}

size_t bracketed_end(std::string_view text, size_t i) {
  const std::string_view rest = text.substr(i, longest_template);
  for (const auto& row : brackets) {
    if (!rest.starts_with(row.open)) continue;
    const size_t close = rest.find(row.close, row.open.size());
    if (close == std::string_view::npos) continue;
    const std::string_view inner = rest.substr(row.open.size(), close - row.open.size());
    if (inner.find('\n') != std::string_view::npos || (row.open == "{" && !in_braces(inner))) continue;
    return i + close + row.close.size();
  }
  return i;
}

size_t bracketed_begin(std::string_view text, size_t end) {
  const size_t floor = end > longest_template ? end - longest_template : 0;
  for (size_t i = end; i-- > floor;) {
    if (one_of(text[i], "{$%(") && bracketed_end(text, i) == end) {
      return i > 0 && one_of(text[i - 1], "{$%") && bracketed_end(text, i - 1) == end ? i - 1 : i;
    }
    if (text[i] == '\n') break;
  }
  return end;
}

bool hex_digit(char c) {
  return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// What begins like a version: digits with a dot, or nothing but digits and separators.
bool version_like(std::string_view text) {
  if (text.starts_with('v') || text.starts_with('V')) text.remove_prefix(1);
  return digit(at(text, 0)) &&
         (text.find('.') != std::string_view::npos || std::none_of(text.begin(), text.end(), letter));
}

}  // namespace

bool escape_at(std::string_view text, size_t i) {
  return at(text, i) == '%' && hex_digit(at(text, i + 1)) && hex_digit(at(text, i + 2));
}

size_t template_end(std::string_view text, size_t i) {
  const char c = at(text, i), next = at(text, i + 1);
  if (c == '$' && next == '$' &&
      at(text, i + 2) != '$') {  // systemd's and Compose's way to leave it to the shell
    const size_t end = template_end(text, i + 1);
    return end == i + 1 ? i : end;
  }
  if (c == '*') return i + 1;
  if (const size_t end = bracketed_end(text, i); end != i) return end;
  if (c == '%' && letter(next) && !escape_at(text, i)) return i + 2;
  if (c != '$' || !(letter(next) || next == '_')) return i;
  size_t end = i + 1;
  while (end < text.size() && end - i < longest_template && (alnum(text[end]) || text[end] == '_')) ++end;
  return end;
}

size_t template_begin(std::string_view text, size_t end) {
  if (end == 0) return end;
  const char c = text[end - 1];
  if (c == '*' || c == '$') return end - 1;
  if (c == '%' && template_end(text, end - 1) > end) return end - 1;
  return c == '}' || c == ')' ? bracketed_begin(text, end) : end;
}

std::optional<Span> first_template(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t end = template_end(text, i);
    if (end != i) return Span{i, end};
  }
  return std::nullopt;
}

bool stands_for_version(std::string_view text) {
  if (text.empty() || text.size() > longest) return false;
  const std::string word = lowered(text);
  return version_like(text) || first_template(text) ||
         std::find(moving.begin(), moving.end(), word) != moving.end();
}

std::string why_unread(std::string_view version_text) {
  const auto hole = first_template(version_text);
  if (!hole || !one_of(version_text[hole->begin], "$%")) return "";
  return "its version is interpolated: " + std::string(version_text.substr(hole->begin, hole->size()));
}

}  // namespace mlship::forms
