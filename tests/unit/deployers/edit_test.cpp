#include <random>

#include <gtest/gtest.h>

#include "core/error.h"
#include "deployers/document/document.h"

namespace mlship {
namespace {

TEST(Edit, ReplacesSpansInAnyOrder) {
  EXPECT_EQ(apply_edits("0123456789", {{{8, 9}, "X"}, {{0, 2}, ""}, {{4, 4}, "++"}}), "23++4567X9");
  EXPECT_EQ(apply_edits("abc", {}), "abc");
}

TEST(Edit, RefusesOverlapsAndPlacesOutside) {
  EXPECT_THROW(apply_edits("abcdef", {{{0, 3}, ""}, {{2, 4}, ""}}), Error);
  EXPECT_THROW(apply_edits("abc", {{{2, 4}, ""}}), Error);
}

TEST(Position, CountsLinesAndBytes) {
  const std::string text = "ab\ncd\r\n\xff x";
  EXPECT_EQ(position(text, 0).line, 1U);
  EXPECT_EQ(position(text, 4).line, 2U);
  EXPECT_EQ(position(text, 4).column, 2U);
  EXPECT_EQ(position(text, 9).line, 3U);
  EXPECT_EQ(position(text, 9).column, 3U);
}

// Random documents of references, look-alikes and junk bytes: every byte outside the references to churn
// stays, the references found again hold the new version, and rewriting once more changes nothing.
class Documents {
 public:
  explicit Documents(unsigned seed) : dice_(seed) {}
  std::string make() {
    static const std::vector<std::string> pieces = {
        "churn==1.3.0",      "churn-plus==1.3.0",       "/opt/mlship/churn/1.0.10/bin/x",
        "churn>=1,<2",       "h/ml/churn:1.2.0",        "my_churn==1.0.9",
        "Churn[a] == 1.0.9", "/opt/mlship/churn2/1.0/", "# churn==1.3.0rc1",
        "'churn==1.2.10'",   "com.acme:churn:1.3.0",    "churn"};
    std::string out;
    for (size_t i = 0, n = dice_() % 12; i < n; ++i) {
      out += pieces[dice_() % pieces.size()];
      out += std::vector<std::string>{" ", "\n", "\r\n", ", ", " \xff ", "\t", "\" \""}[dice_() % 7];
      if (dice_() % 3 == 0) out += std::string(1, static_cast<char>(dice_() % 255 + 1));
    }
    return out;
  }

 private:
  std::mt19937 dice_;
};

TEST(Edit, UntouchedBytesStayAndRewritingIsIdempotent) {
  const Grammar grammar{Scheme::pep440, {"/opt/mlship"}};
  const Version to = *Version::parse("1.4.0");
  size_t moved = 0;
  for (unsigned seed = 0; seed < 2000; ++seed) {
    const std::string text = Documents(seed).make();
    const auto rewrite_all = [&](const std::string& document) {
      std::vector<Edit> edits;
      for (const auto& r : find_references(document, grammar)) {
        if (r.package == "churn" && r.version) edits.push_back({r.span, rewrite(document, r, to)});
      }
      moved += edits.size();
      return apply_edits(document, edits);
    };
    // What stands between the references, which no rewriting may touch.
    const auto between = [&](const std::string& document) {
      std::vector<std::string> rest;
      size_t done = 0;
      for (const auto& r : find_references(document, grammar)) {
        rest.push_back(document.substr(done, r.version_span.begin - done));
        done = r.version_span.size() > 0 ? r.version_span.end : done;
      }
      rest.push_back(document.substr(done));
      return rest;
    };
    const std::string once = rewrite_all(text);
    const auto before = find_references(text, grammar);
    const auto after = find_references(once, grammar);
    ASSERT_EQ(before.size(), after.size()) << text;
    for (size_t i = 0; i < before.size(); ++i) {
      const bool ours = before[i].package == "churn" && before[i].version;
      EXPECT_EQ(after[i].version, ours ? std::optional(to) : before[i].version) << text;
    }
    bool all_ours = true;
    for (const auto& r : before) all_ours = all_ours && r.version.has_value();
    if (all_ours) {
      EXPECT_EQ(between(text).back(), between(once).back()) << text;
      EXPECT_EQ(between(text), between(once)) << text;
    }
    EXPECT_EQ(rewrite_all(once), once) << text;
  }
  EXPECT_GT(moved, 4000U);
}

}  // namespace
}  // namespace mlship
