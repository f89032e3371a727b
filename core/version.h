// Versions: PEP 440 and SemVer 2.0.0, compared as integers and identifiers, never as floats or text.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlship {

enum class Scheme { pep440, semver };
std::optional<Scheme> parse_scheme(std::string_view text);  // "pep440" | "semver"
std::string_view to_string(Scheme scheme);

// A whole number of any length, as PEP 440 and SemVer have them (stamps such as 20250318124512123456 are
// real): its digits, without leading zeros.
class Natural {
 public:
  Natural() = default;
  explicit Natural(std::string_view digits) {
    const size_t first = digits.find_first_not_of('0');
    if (first != std::string_view::npos) digits_ = digits.substr(first);
  }
  [[nodiscard]] const std::string& str() const { return digits_; }
  [[nodiscard]] bool zero() const { return digits_ == "0"; }

  std::strong_ordering operator<=>(const Natural& other) const {
    const auto order = digits_.size() <=> other.digits_.size();
    return order != 0 ? order : digits_.compare(other.digits_) <=> 0;
  }
  bool operator==(const Natural& other) const = default;

 private:
  std::string digits_ = "0";
};

// Two versions of different schemes never compare equal; ordering between schemes is arbitrary but total.
class Version {
 public:
  // PEP 440 §Public/Local version identifiers with every normalization the PEP allows, or SemVer §2-11 with
  // an optional leading `v`. nullopt when the text is not a version.
  static std::optional<Version> parse(std::string_view text, Scheme scheme = Scheme::pep440);
  // As parse, but throws Error(ErrorCode::version) that names `what` and the text.
  static Version require(std::string_view text, Scheme scheme, std::string_view what);
  // The inverse of oci_tag().
  static std::optional<Version> from_oci_tag(std::string_view tag, Scheme scheme);

  [[nodiscard]] Scheme scheme() const { return scheme_; }
  [[nodiscard]] std::string str() const;      // normal form: "1.4.0rc1", "1!2.0+cu118"
  [[nodiscard]] std::string oci_tag() const;  // `+` as `_`, the epoch's `!` as `__`
  [[nodiscard]] bool prerelease() const;      // a, b, rc, dev (PEP 440); any pre-release part (SemVer)
  [[nodiscard]] bool local() const { return !local_.empty(); }
  [[nodiscard]] Version without_local() const;
  // The release segment: {1,4,0}; never empty.
  [[nodiscard]] const std::vector<Natural>& release() const { return release_; }
  [[nodiscard]] const Natural& epoch() const { return epoch_; }
  // True when both stand within one compatibility range: same epoch and same major; for 0.x the same minor.
  [[nodiscard]] bool same_major(const Version& other) const;
  // Same epoch, major and minor.
  [[nodiscard]] bool same_minor(const Version& other) const;

  // PEP 440 §Summary of permitted suffixes and relative ordering (1.4 == 1.4.0); SemVer §11, where build
  // metadata does not count.
  std::strong_ordering operator<=>(const Version& other) const;
  bool operator==(const Version& other) const { return (*this <=> other) == 0; }

 private:
  // One dot-separated identifier of a SemVer pre-release or a PEP 440 local part: a number or a word.
  struct Identifier {
    bool numeric = false;
    Natural number = {};
    std::string word;
  };
  static std::optional<Version> parse_pep440(std::string_view text);
  static std::optional<Version> parse_semver(std::string_view text);

  Scheme scheme_ = Scheme::pep440;
  Natural epoch_;
  std::vector<Natural> release_;
  // PEP 440: the letter 'a', 'b' or 'c' (for rc) and its number.
  std::optional<std::pair<char, Natural>> pre_;
  std::optional<Natural> post_;
  std::optional<Natural> dev_;
  std::vector<Identifier> local_;   // PEP 440 local part; SemVer build metadata
  std::vector<Identifier> labels_;  // SemVer pre-release
};

}  // namespace mlship
