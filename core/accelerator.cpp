#include "core/accelerator.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "core/letters.h"

namespace mlship {
namespace {

using letters::digit;
using letters::letter;

bool hex(char c) {
  return digit(c) || (c >= 'a' && c <= 'f');
}
bool all(std::string_view text, bool (*like)(char)) {
  return !text.empty() && std::all_of(text.begin(), text.end(), like);
}

enum class Number { always, perhaps };
struct Row {
  std::string_view word;
  Number number;  // whether the word needs digits behind it: cu118, but cpu
};
constexpr auto accelerators = std::to_array<Row>({
    {"cpu", Number::perhaps},
    {"gpu", Number::perhaps},
    {"cuda", Number::perhaps},
    {"cu", Number::always},
    {"rocm", Number::perhaps},
    {"hip", Number::always},
    {"xpu", Number::perhaps},
    {"npu", Number::perhaps},
    {"hpu", Number::perhaps},
    {"tpu", Number::perhaps},
    {"mps", Number::perhaps},
    {"metal", Number::perhaps},
    {"dcu", Number::perhaps},
    {"musa", Number::perhaps},
    {"vulkan", Number::perhaps},
    {"sycl", Number::perhaps},
    {"neuron", Number::perhaps},
    {"openvino", Number::perhaps},
});

// Words of labels that count builds: build.7, ci123, git1a2b3c.
constexpr auto stamps = std::to_array<std::string_view>(
    {"build", "ci", "commit", "d", "date", "dev", "dirty", "git", "nightly", "post", "rev", "run", "sha"});

bool names(std::string_view identifier, const Row& row) {
  for (size_t i = identifier.find(row.word); i != std::string_view::npos;
       i = identifier.find(row.word, i + 1)) {
    if (i > 0 && letter(identifier[i - 1])) continue;
    const std::string_view rest = identifier.substr(i + row.word.size());
    if (row.number == Number::perhaps ? rest.empty() || !letter(rest[0]) : !rest.empty() && digit(rest[0]))
      return true;
  }
  return false;
}

// Also where it is glued to something: pt20cu118, cu118torch2.
bool accelerator(std::string_view identifier) {
  return std::any_of(accelerators.begin(), accelerators.end(),
                     [&](const Row& row) { return names(identifier, row); });
}

bool stamp(std::string_view identifier) {
  constexpr size_t shortest_hash = 6, shortest_date = 5;
  const std::string_view hash = identifier.substr(identifier.starts_with('g') ? 1 : 0);
  if (hash.size() >= shortest_hash && all(hash, hex)) return true;
  if (identifier.size() >= shortest_date && all(identifier, digit)) return true;
  return std::any_of(stamps.begin(), stamps.end(), [&](std::string_view word) {
    const std::string_view rest = identifier.substr(std::min(word.size(), identifier.size()));
    return identifier.starts_with(word) && (rest.empty() || all(rest, hex));
  });
}

struct Label {
  std::string base;         // "1.4.0"
  std::string accelerator;  // "cu118"
  std::string rest;         // "g1a2b3c"
};

// Version::str() separates the identifiers of a local label by dots.
std::vector<std::string_view> identifiers(std::string_view label) {
  std::vector<std::string_view> out;
  for (size_t end = 0; end != std::string_view::npos; label.remove_prefix(std::min(end + 1, label.size()))) {
    end = label.find('.');
    out.push_back(label.substr(0, end));
  }
  return out;
}

// The number behind a word belongs to it: build.7.
std::vector<bool> stamped_parts(const std::vector<std::string_view>& parts) {
  std::vector<bool> out;
  for (const auto& part : parts) {
    const bool number = !out.empty() && out.back() && all(part, digit);
    out.push_back(!accelerator(part) && (number || stamp(part)));
  }
  return out;
}

std::string joined(const std::vector<std::string_view>& parts, size_t begin, size_t end) {
  std::string out;
  for (size_t i = begin; i < end; ++i) {
    if (!out.empty()) out += '.';
    out += parts[i];
  }
  return out;
}

Label label_of(const Version& version) {
  const std::string text = version.str();
  const size_t plus = text.find('+');
  if (plus == std::string::npos) return {text, "", ""};
  const auto parts = identifiers(std::string_view(text).substr(plus + 1));
  const auto named = std::find_if(parts.begin(), parts.end(), accelerator);
  if (named == parts.end()) return {text.substr(0, plus), "", text.substr(plus + 1)};
  const auto stamped = stamped_parts(parts);
  const auto first = static_cast<size_t>(named - parts.begin());
  size_t begin = first;
  while (begin > 0 && !stamped[begin - 1]) --begin;
  size_t end = first + 1;
  while (end < parts.size() && !stamped[end]) ++end;
  std::string rest = joined(parts, 0, begin);
  if (begin > 0 && end < parts.size()) rest += '.';
  return {text.substr(0, plus), joined(parts, begin, end), rest + joined(parts, end, parts.size())};
}

Version composed(const Label& label, const Version& like) {
  const bool both = !label.accelerator.empty() && !label.rest.empty();
  const std::string local = label.accelerator + (both ? "." : "") + label.rest;
  const auto version = Version::parse(label.base + (local.empty() ? "" : "+" + local), like.scheme());
  return version.value_or(like);
}

}  // namespace

std::string accelerator_of(const Version& version) {
  return version.local() ? label_of(version).accelerator : "";
}

Version without_accelerator(const Version& version) {
  return version.local() ? with_accelerator(version, "") : version;
}

Version with_accelerator(const Version& version, const std::string& accelerator) {
  Label label = label_of(version);
  label.accelerator = accelerator;
  return composed(label, version);
}

}  // namespace mlship
