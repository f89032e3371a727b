// What a run says of itself, as words that may be versions.
#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "deployers/proof.h"
#include "deployers/reference.h"

namespace mlship {
namespace {

constexpr auto file_ends = std::to_array<std::string_view>({".whl", ".egg", ".jar", ".zip"});

// What words are made of; paths, quotes, `=`, `:` and `@` stand between them.
bool in_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         (c != '\0' && std::string_view(".!+-_").find(c) != std::string_view::npos);
}

bool digit(char c) {
  return c >= '0' && c <= '9';
}

bool parses_as(std::string_view text, const Version& wanted) {
  if (text.size() > 1 && (text[0] == 'v' || text[0] == 'V') && digit(text[1])) text.remove_prefix(1);
  if (text.empty() || !digit(text[0])) return false;
  const auto version = Version::parse(text, wanted.scheme());
  if (!version || *version != wanted) return false;
  return wanted.scheme() == Scheme::pep440 || version->str() == wanted.str();  // SemVer orders without builds
}

// "1.4.0", "v1.4.0", "churn-1.4.0", "release_v1.4.0".
bool is_version(std::string_view word, const Version& wanted) {
  while (!word.empty() && std::isalnum(static_cast<unsigned char>(word.back())) == 0) word.remove_suffix(1);
  for (const std::string_view archive : {".tar.gz", ".tgz"}) {
    if (word.ends_with(archive)) word.remove_suffix(archive.size());
  }
  if (word.empty()) return false;
  if (parses_as(word, wanted)) return true;
  if (digit(word[0])) return false;  // the rest of a version is none
  for (size_t at = word.find_first_of("-_"); at != std::string_view::npos;
       at = word.find_first_of("-_", at + 1)) {
    if (parses_as(word.substr(at + 1), wanted)) return true;
  }
  return false;
}

bool word_says(std::string_view text, const Version& wanted) {
  for (size_t begin = 0; begin < text.size();) {
    if (!in_word(text[begin])) {
      ++begin;
      continue;
    }
    size_t end = begin;
    while (end < text.size() && in_word(text[end])) ++end;
    const std::string_view word = text.substr(begin, end - begin);
    begin = end;
    const auto ends = [&](std::string_view suffix) { return word.ends_with(suffix); };
    // Names of files are the grammar's: what stands behind the version in them is no part of it.
    if (std::any_of(file_ends.begin(), file_ends.end(), ends)) continue;
    if (is_version(word, wanted)) return true;
  }
  return false;
}

}  // namespace

bool reports_new(const std::string& text, const Plan& plan) {
  if (text.empty()) return false;
  if (plan.digest != Digest{} && text.find(plan.digest.hex()) != std::string::npos) return true;
  if (!plan.to) return false;
  const auto names_it = [&](const Reference& r) {
    return r.package == plan.package && r.version && *r.version == *plan.to;
  };
  const auto references = find_references(text, {plan.to->scheme(), {}});
  return std::any_of(references.begin(), references.end(), names_it) || word_says(text, *plan.to);
}

}  // namespace mlship
