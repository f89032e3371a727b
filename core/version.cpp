#include "core/version.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "core/error.h"
#include "core/letters.h"
#include "core/text.h"

namespace mlship {
namespace {

using letters::digit;
using letters::letter;

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), digit);
}

// Reads a text from left to right.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool done() const { return rest_.empty(); }
  [[nodiscard]] std::string_view rest() const { return rest_; }

  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  bool separator() { return take('.') || take('-') || take('_'); }
  std::optional<Natural> digits() {
    size_t n = 0;
    while (n < rest_.size() && digit(rest_[n])) ++n;
    if (n == 0) return std::nullopt;
    Natural value(rest_.substr(0, n));
    rest_.remove_prefix(n);
    return value;
  }

 private:
  std::string_view rest_;
};

struct Label {
  std::string_view spelling;
  char normal;
};

// PEP 440 §Pre-release spelling, §Post release spelling. Longer spellings first.
constexpr auto pre_labels = std::to_array<Label>({{"preview", 'c'},
                                                  {"alpha", 'a'},
                                                  {"beta", 'b'},
                                                  {"pre", 'c'},
                                                  {"rc", 'c'},
                                                  {"a", 'a'},
                                                  {"b", 'b'},
                                                  {"c", 'c'}});
constexpr auto post_labels = std::to_array<Label>({{"post", 'p'}, {"rev", 'p'}, {"r", 'p'}});
constexpr auto dev_labels = std::to_array<Label>({{"dev", 'd'}});

using Segment = std::optional<std::pair<char, Natural>>;

// `[-_.]?LABEL[-_.]?N?`; the number is 0 when left out (§Implicit pre-release number). Takes nothing when the
// label is absent.
Segment segment(Scanner& in, std::span<const Label> labels) {
  Scanner ahead = in;
  ahead.separator();
  for (const auto& label : labels) {
    if (!ahead.take(label.spelling)) continue;
    ahead.separator();
    const auto n = ahead.digits();
    in = ahead;
    return std::pair{label.normal, n.value_or(Natural())};
  }
  return std::nullopt;
}

// §Implicit post releases: `1.0-1`.
std::optional<Natural> implicit_post(Scanner& in) {
  Scanner ahead = in;
  if (!ahead.take('-')) return std::nullopt;
  const auto n = ahead.digits();
  if (n) in = ahead;
  return n;
}

// PEP 440 §Leading and Trailing Whitespace, §Case sensitivity.
std::string folded(std::string_view text) {
  constexpr std::string_view space = " \t\n\v\f\r";
  const size_t first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return "";
  std::string out(text.substr(first, text.find_last_not_of(space) - first + 1));
  std::transform(out.begin(), out.end(), out.begin(), letters::lower);
  return out;
}

std::string dotted(std::span<const Natural> numbers) {
  std::string out;
  for (const auto& n : numbers) out += (out.empty() ? "" : ".") + n.str();
  return out;
}

std::span<const Natural> without_trailing_zeros(std::span<const Natural> release) {
  while (!release.empty() && release.back().zero()) release = release.first(release.size() - 1);
  return release;
}

template <typename T, typename Compare>
std::strong_ordering compare_lists(const T& a, const T& b, Compare compare) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end(), compare);
}

}  // namespace

std::optional<Scheme> parse_scheme(std::string_view text) {
  if (text == "pep440") return Scheme::pep440;
  if (text == "semver") return Scheme::semver;
  return std::nullopt;
}

std::string_view to_string(Scheme scheme) {
  return scheme == Scheme::pep440 ? "pep440" : "semver";
}

std::optional<Version> Version::parse(std::string_view text, Scheme scheme) {
  return scheme == Scheme::pep440 ? parse_pep440(text) : parse_semver(text);
}

Version Version::require(std::string_view text, Scheme scheme, std::string_view what) {
  if (auto version = parse(text, scheme)) return *version;
  const std::string_view standard = scheme == Scheme::pep440 ? "PEP 440" : "SemVer 2.0.0";
  throw Error(ErrorCode::version, "cannot use " + std::string(what) + ": '" + std::string(text) +
                                      "' is not a " + std::string(standard) + " version")
      .hint(scheme == Scheme::pep440 ? "write it like 1.4.0, 1.4.0rc1 or 1.4.0.post1"
                                     : "write it like 1.4.0 or 1.4.0-rc.1");
}

// PEP 440 Appendix B, read from left to right.
std::optional<Version> Version::parse_pep440(std::string_view text) {
  const std::string lowered = folded(text);
  Scanner in(lowered);
  Version v;
  in.take('v');
  auto first = in.digits();
  if (!first) return std::nullopt;
  if (in.take('!')) {
    v.epoch_ = *first;
    first = in.digits();
    if (!first) return std::nullopt;
  }
  v.release_.push_back(*first);
  for (Scanner ahead = in; ahead.take('.'); in = ahead) {
    const auto part = ahead.digits();
    if (!part) break;
    v.release_.push_back(*part);
  }
  v.pre_ = segment(in, pre_labels);
  v.post_ = implicit_post(in);
  if (!v.post_) {
    if (const auto post = segment(in, post_labels)) v.post_ = post->second;
  }
  if (const auto dev = segment(in, dev_labels)) v.dev_ = dev->second;
  if (in.done()) return v;
  if (!in.take('+')) return std::nullopt;
  // §Local version segments: `-` and `_` are `.`; integers normalise only when the whole part is one.
  for (const auto part : split(in.rest(), "-_.")) {
    if (part.empty() || !std::all_of(part.begin(), part.end(), [](char c) { return digit(c) || letter(c); }))
      return std::nullopt;
    const bool numeric = all_digits(part);
    v.local_.push_back({numeric, numeric ? Natural(part) : Natural(), std::string(part)});
  }
  return v;
}

std::optional<Version> Version::parse_semver(std::string_view text) {
  Version v;
  v.scheme_ = Scheme::semver;
  if (text.starts_with('v')) text.remove_prefix(1);
  const size_t plus = text.find('+');
  const auto identifier = [](std::string_view part) {
    return !part.empty() &&
           std::all_of(part.begin(), part.end(), [](char c) { return digit(c) || letter(c) || c == '-'; });
  };
  if (plus != std::string_view::npos) {
    // §10: build metadata keeps its leading zeros, so it is words throughout.
    for (const auto part : split(text.substr(plus + 1), ".")) {
      if (!identifier(part)) return std::nullopt;
      v.local_.push_back({false, {}, std::string(part)});
    }
    text = text.substr(0, plus);
  }
  const auto canonical = [](std::string_view part) { return part.size() == 1 || part.front() != '0'; };
  const size_t dash = text.find('-');
  for (const auto part : split(text.substr(0, dash), ".")) {
    if (!all_digits(part) || !canonical(part)) return std::nullopt;
    v.release_.emplace_back(part);
  }
  if (v.release_.size() != 3) return std::nullopt;
  if (dash == std::string_view::npos) return v;
  for (const auto part : split(text.substr(dash + 1), ".")) {
    const bool numeric = all_digits(part);
    if (!identifier(part) || (numeric && !canonical(part))) return std::nullopt;
    v.labels_.push_back({numeric, numeric ? Natural(part) : Natural(), std::string(part)});
  }
  return v;
}

std::string Version::str() const {
  std::string out = epoch_.zero() ? "" : epoch_.str() + "!";
  out += dotted(release_);
  const auto append = [&out](const std::vector<Identifier>& parts, char first) {
    char before = first;
    for (const auto& part : parts) {
      out += before + (part.numeric ? part.number.str() : part.word);
      before = '.';
    }
  };
  append(labels_, '-');
  if (pre_) out += (pre_->first == 'c' ? "rc" : std::string(1, pre_->first)) + pre_->second.str();
  if (post_) out += ".post" + post_->str();
  if (dev_) out += ".dev" + dev_->str();
  append(local_, '+');
  return out;
}

std::string Version::oci_tag() const {
  std::string out;
  for (const char c : str()) out += c == '+' ? "_" : c == '!' ? "__" : std::string(1, c);
  return out;
}

std::optional<Version> Version::from_oci_tag(std::string_view tag, Scheme scheme) {
  std::string text(tag);
  if (const size_t epoch = text.find("__"); epoch != std::string::npos) text.replace(epoch, 2, "!");
  if (const size_t local = text.find('_'); local != std::string::npos) text[local] = '+';
  auto version = parse(text, scheme);
  // Only the normal form was ever written as a tag; `v1.4` is somebody's name for it.
  if (version && version->oci_tag() != tag) return std::nullopt;
  return version;
}

bool Version::prerelease() const {
  return pre_.has_value() || dev_.has_value() || !labels_.empty();
}

Version Version::without_local() const {
  Version out = *this;
  out.local_.clear();
  return out;
}

bool Version::same_major(const Version& other) const {
  return scheme_ == other.scheme_ && epoch_ == other.epoch_ && release_[0] == other.release_[0] &&
         (!release_[0].zero() || same_minor(other));
}

bool Version::same_minor(const Version& other) const {
  const auto minor = [](const Version& v) { return v.release_.size() > 1 ? v.release_[1] : Natural(); };
  return scheme_ == other.scheme_ && epoch_ == other.epoch_ && release_[0] == other.release_[0] &&
         minor(*this) == minor(other);
}

std::strong_ordering Version::operator<=>(const Version& other) const {
  if (scheme_ != other.scheme_) return scheme_ <=> other.scheme_;
  if (epoch_ != other.epoch_) return epoch_ <=> other.epoch_;
  const auto plain = [](const Natural& a, const Natural& b) { return a <=> b; };
  auto order = compare_lists(without_trailing_zeros(release_), without_trailing_zeros(other.release_), plain);
  if (order != 0) return order;
  if (scheme_ == Scheme::semver) {
    // SemVer §11.3: a pre-release comes before the release; §11.4: numbers before words.
    if (labels_.empty() || other.labels_.empty()) return labels_.empty() <=> other.labels_.empty();
    return compare_lists(labels_, other.labels_, [](const Identifier& a, const Identifier& b) {
      if (a.numeric != b.numeric) return b.numeric <=> a.numeric;
      return a.numeric ? a.number <=> b.number : a.word <=> b.word;
    });
  }
  // PEP 440: within one release .devN, aN, bN, rcN, <none>, .postN; an absent pre-release is last unless only
  // .devN follows; each absent .devN is after every present one.
  const auto pre_key = [](const Version& v) {
    if (v.pre_) return std::pair{int{v.pre_->first}, v.pre_->second};
    return std::pair{!v.post_ && v.dev_ ? 0 : 127, Natural()};
  };
  const auto dev_key = [](const Version& v) { return std::pair{!v.dev_, v.dev_.value_or(Natural())}; };
  if (order = pre_key(*this) <=> pre_key(other); order != 0) return order;
  if (order = post_ <=> other.post_; order != 0) return order;
  if (order = dev_key(*this) <=> dev_key(other); order != 0) return order;
  // §Local version identifiers: none first, words before numbers.
  return compare_lists(local_, other.local_, [](const Identifier& a, const Identifier& b) {
    if (a.numeric != b.numeric) return a.numeric <=> b.numeric;
    return a.numeric ? a.number <=> b.number : a.word <=> b.word;
  });
}

}  // namespace mlship
