#include "deployers/reference.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>

#include "core/error.h"
#include "deployers/reference_forms.h"

namespace mlship {
namespace {

constexpr auto form_words = std::to_array<std::string_view>(
    {"wheel", "egg", "jar", "zip", "pin", "range", "vcs", "image", "maven", "bundle", "folder"});

// Where two overlap the earlier row wins: a wheel inside an installed folder is a wheel.
using Recogniser = void (*)(std::string_view, const Grammar&, forms::Found&);
constexpr auto recognisers =
    std::to_array<Recogniser>({forms::find_vcs, forms::find_files, forms::find_folders,
                               forms::find_coordinates, forms::find_pins, forms::find_bare});

std::string escaped_like(std::string_view before, std::string_view text) {
  const bool escaped =
      before.find("%2B") != std::string_view::npos || before.find("%2b") != std::string_view::npos;
  std::string out;
  for (const char c : text) out += escaped && c == '+' ? "%2B" : std::string(1, c);
  return out;
}

std::string new_version_text(const Reference& reference, const Version& version) {
  const bool tag = reference.form == Form::image || reference.form == Form::bundle;
  return escaped_like(reference.version_text, tag ? version.oci_tag() : version.str());
}

}  // namespace

std::string_view to_string(Form form) {
  return form_words.at(static_cast<size_t>(form));
}

std::vector<Reference> find_references(std::string_view text, const Grammar& grammar) {
  std::map<size_t, Reference> taken;  // by begin; disjoint
  for (const auto find : recognisers) {
    forms::Found found;
    find(text, grammar, found);
    for (auto& reference : found) {
      const auto next = taken.lower_bound(reference.span.begin);
      const bool free_after = next == taken.end() || next->first >= reference.span.end;
      const bool free_before =
          next == taken.begin() || std::prev(next)->second.span.end <= reference.span.begin;
      if (free_after && free_before) taken.emplace_hint(next, reference.span.begin, std::move(reference));
    }
  }
  std::vector<Reference> out;
  out.reserve(taken.size());
  for (auto& [begin, reference] : taken) out.push_back(std::move(reference));
  return out;
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

bool hash_follows(std::string_view text, size_t from) {
  size_t end = from;
  while (true) {
    end = std::min(text.find('\n', end), text.size());
    const size_t last = end > from && text[end - 1] == '\r' ? end - 1 : end;
    if (end == text.size() || last == from || text[last - 1] != '\\') break;
    ++end;
  }
  const std::string_view rest = text.substr(from, end - from);
  return rest.find("--hash=") != std::string_view::npos || rest.find("--hash ") != std::string_view::npos;
}

size_t after_userinfo(std::string_view text, size_t authority) {
  const size_t end = std::min(text.find_first_of("/?# \t\r\n'\"", authority), text.size());
  const size_t user = text.substr(0, end).rfind('@');
  return user == std::string_view::npos || user < authority ? authority : user + 1;
}

}  // namespace forms
}  // namespace mlship
