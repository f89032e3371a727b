#include "deployers/reference.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>

#include "core/accelerator.h"
#include "core/error.h"
#include "deployers/reference_forms.h"

namespace mlship {
namespace {

constexpr auto form_words = std::to_array<std::string_view>(
    {"wheel", "egg", "jar", "zip", "pin", "range", "vcs", "image", "maven", "bundle", "folder", "sdist"});

using Recogniser = void (*)(std::string_view, const Grammar&, forms::Found&);
// Where two overlap the earlier row wins: a wheel inside an installed folder is a wheel.
constexpr auto recognisers = std::to_array<Recogniser>(
    {forms::find_vcs, forms::find_files, forms::find_folders, forms::find_coordinates, forms::find_pins,
     forms::find_bare, forms::find_requests});

// What is one thing as a whole is read as that, never searched.
struct WholeRow {
  Whole whole;
  Recogniser find;
};
constexpr auto wholes = std::to_array<WholeRow>({{Whole::path, forms::find_path},
                                                 {Whole::list, forms::find_list},
                                                 {Whole::requirement, forms::find_requirement},
                                                 {Whole::coordinate, forms::find_coordinate}});

std::string escaped_like(std::string_view before, std::string_view text) {
  const bool escaped =
      before.find("%2B") != std::string_view::npos || before.find("%2b") != std::string_view::npos;
  std::string out;
  for (const char c : text) out += escaped && c == '+' ? "%2B" : std::string(1, c);
  return out;
}

std::string new_version_text(const Reference& reference, const Version& version) {
  const bool tag = reference.form == Form::image || reference.form == Form::bundle;
  const Version same_build = with_accelerator(version, reference.accelerator);
  return escaped_like(reference.version_text, tag ? same_build.oci_tag() : same_build.str());
}

std::vector<Reference> recognised(std::string_view text, const Grammar& grammar) {
  for (const auto& row : wholes) {
    if (row.whole != grammar.whole) continue;
    std::vector<Reference> found;
    row.find(text, grammar, found);
    return found;
  }
  auto found = forms::search_plain(text, grammar);
  forms::settle_spelled(text, grammar, found);
  if (grammar.whole == Whole::command) forms::drop_user_arguments(text, found);
  return found;
}

}  // namespace

std::string_view to_string(Form form) {
  return form_words.at(static_cast<size_t>(form));
}

std::vector<Reference> find_references(std::string_view text, const Grammar& grammar) {
  auto found = recognised(text, grammar);
  for (auto& reference : found) {
    if (reference.version) reference.accelerator = accelerator_of(*reference.version);
  }
  return found;
}

std::string rewrite(std::string_view whole, const Reference& reference, const Version& version,
                    const std::string& file, const std::optional<Digest>& digest) {
  if (!file.empty()) return reference.folder + escaped_like(reference.file, file);
  struct Part {
    Span span;
    std::string text;
  };
  std::vector<Part> parts;
  if (reference.version_span.size() > 0) {
    parts.push_back({reference.version_span, new_version_text(reference, version)});
  }
  if (reference.digest_span.size() > 0) {
    if (!digest) throw Error(ErrorCode::internal, "a reference by digest is rewritten without one");
    parts.push_back({reference.digest_span, digest->str()});
  }
  std::string out;
  size_t done = reference.span.begin;
  for (const auto& part : parts) {
    out += whole.substr(done, part.span.begin - done);
    out += part.text;
    done = part.span.end;
  }
  return out += whole.substr(done, reference.span.end - done);
}

namespace forms {

Found search_plain(std::string_view text, const Grammar& grammar) {
  std::map<size_t, Reference> taken;  // by begin; disjoint
  for (const auto find : recognisers) {
    Found found;
    find(text, grammar, found);
    for (auto& reference : found) {
      const auto next = taken.lower_bound(reference.span.begin);
      const bool free_after = next == taken.end() || next->first >= reference.span.end;
      const bool free_before =
          next == taken.begin() || std::prev(next)->second.span.end <= reference.span.begin;
      if (free_after && free_before) taken.emplace_hint(next, reference.span.begin, std::move(reference));
    }
  }
  Found out;
  out.reserve(taken.size());
  for (auto& [begin, reference] : taken) out.push_back(std::move(reference));
  return out;
}

std::string percent_decoded(std::string_view text) {
  const auto nibble = [](char c) {
    if (digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = nibble(at(text, i + 1)), low = nibble(at(text, i + 2));
    if (text[i] != '%' || high < 0 || low < 0) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string_view without_scala(std::string_view name) {
  for (const std::string_view suffix : {"_2.10", "_2.11", "_2.12", "_2.13", "_3"}) {
    if (name.size() > suffix.size() && name.ends_with(suffix))
      return name.substr(0, name.size() - suffix.size());
  }
  return name;
}

namespace {

constexpr auto marker_words = std::to_array<std::string_view>(
    {"python_version", "python_full_version", "os_name", "sys_platform", "platform_release",
     "platform_system", "platform_version", "platform_machine", "platform_python_implementation",
     "implementation_name", "implementation_version", "extra", "extras", "dependency_groups", "and", "or",
     "not", "in"});

}  // namespace

bool marker_word(std::string_view word) {
  return std::find(marker_words.begin(), marker_words.end(), word) != marker_words.end();
}

namespace {

// One token of a marker from `i` on; `i` when there is none.
size_t marker_token(std::string_view text, size_t i) {
  const char c = at(text, i);
  if (one_of(c, "()<>=!~,")) return i + 1;
  if (c == '\'' || c == '"') {
    const size_t close = text.substr(0, std::min(text.size(), i + longest)).find(c, i + 1);
    return close == std::string_view::npos ? i : close + 1;
  }
  size_t end = i;
  while (end < text.size() && (letter(text[end]) || text[end] == '_')) ++end;
  return marker_word(text.substr(i, end - i)) ? end : i;
}

size_t skip_marker(std::string_view text, size_t i) {
  for (size_t next = marker_token(text, i); next != i; next = marker_token(text, i)) {
    i = skip_joined(text, next);
  }
  return i;
}

}  // namespace

size_t skip_joined(std::string_view text, size_t i) {
  while (i < text.size()) {
    if (blank(text[i])) {
      ++i;
    } else if (text.substr(i, 2) == "\\\n") {
      i += 2;
    } else if (text.substr(i, 3) == "\\\r\n") {
      i += 3;
    } else {
      break;
    }
  }
  return i;
}

size_t marker_end(std::string_view text, size_t from) {
  const size_t i = skip_joined(text, from);
  if (at(text, i) != ';') return from;
  size_t word = skip_joined(text, i + 1);
  while (at(text, word) == '(') word = skip_joined(text, word + 1);
  // A text in quotes is a marker's when it is compared with something.
  const size_t next = skip_joined(text, marker_token(text, word));
  const bool compared =
      one_of(at(text, next), "<>=!~") || text.substr(next, 3) == "in " || text.substr(next, 4) == "not ";
  return next != word && compared ? skip_marker(text, word) : from;
}

bool hash_follows(std::string_view text, size_t from) {
  constexpr int most_options = 64;
  constexpr std::string_view hash = "--hash";
  while (from < text.size() && one_of(text[from], ")]")) ++from;
  size_t i = skip_joined(text, from);
  if (at(text, i) == ';') i = skip_marker(text, skip_joined(text, i + 1));
  for (int option = 0; option < most_options && text.substr(i, 2) == "--"; ++option) {
    if (i > 0 && !blank(text[i - 1]) && text[i - 1] != '\n') return false;
    if (text.substr(i).starts_with(hash) && one_of(at(text, i + hash.size()), "= \t")) return true;
    while (i < text.size() && !one_of(text[i], " \t\r\n;&|'\"")) ++i;
    i = skip_joined(text, i);
  }
  return false;
}

size_t after_userinfo(std::string_view text, size_t authority) {
  const size_t end = std::min(text.find_first_of("/?# \t\r\n'\"", authority), text.size());
  const size_t user = text.substr(authority, end - std::min(authority, end)).rfind('@');
  return user == std::string_view::npos ? authority : authority + user + 1;
}

}  // namespace forms
}  // namespace mlship
