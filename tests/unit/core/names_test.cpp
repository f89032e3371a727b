#include "core/names.h"

#include <vector>

#include <gtest/gtest.h>

namespace mlship {
namespace {

TEST(Names, NormalFormIsPep503) {
  EXPECT_EQ(normalize_name("My_Lib"), "my-lib");
  EXPECT_EQ(normalize_name("my.lib"), "my-lib");
  EXPECT_EQ(normalize_name("my-._lib"), "my-lib");
  EXPECT_NE(normalize_name("churn"), normalize_name("churn-plus"));
}

TEST(Names, ValidNames) {
  for (const auto* good : {"a", "churn", "My.Lib_2", "a-b"}) EXPECT_TRUE(valid_name(good)) << good;
  for (const auto* bad : {"", "-a", "a-", "a b", "a/b", "ä"}) EXPECT_FALSE(valid_name(bad)) << bad;
  EXPECT_TRUE(valid_name(std::string(128, 'a')));
  EXPECT_FALSE(valid_name(std::string(129, 'a')));
}

TEST(Names, DidYouMeanWithinTwoEdits) {
  const std::vector<std::string> known{"version", "scheme", "owner"};
  EXPECT_EQ(closest("verison", known), "version");
  EXPECT_EQ(closest("shceme", known), "scheme");
  EXPECT_EQ(closest("license", known), std::nullopt);
  EXPECT_EQ(closest("ab", known), std::nullopt);
  EXPECT_EQ(did_you_mean("ownr", known), " (did you mean 'owner'?)");
}

TEST(Glob, SegmentsStarsAndClasses) {
  EXPECT_TRUE(glob_match("churn/**", "churn/a/b.py"));
  EXPECT_TRUE(glob_match("**/*.py", "a.py"));
  EXPECT_TRUE(glob_match("**/*.py", "x/y/a.py"));
  EXPECT_TRUE(glob_match("*.py", "a.py"));
  EXPECT_FALSE(glob_match("*.py", "x/a.py"));
  EXPECT_TRUE(glob_match("job-[0-9]?", "job-1x"));
  EXPECT_FALSE(glob_match("job-[!0-9]", "job-1"));
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_FALSE(glob_match("a", ""));
  EXPECT_TRUE(glob_match("[", "["));
  EXPECT_TRUE(glob_match("\\[dev*\\]", "[dev ada]"));
  EXPECT_FALSE(glob_match("\\[dev\\]", "d"));
  EXPECT_TRUE(glob_match("a\\*b", "a*b"));
  EXPECT_FALSE(glob_match("a\\*b", "axb"));
  EXPECT_TRUE(glob_match("\\\\x", "\\x"));
  EXPECT_TRUE(glob_match("a\\x2d*", "a\\x2db"));  // as systemd writes names
  EXPECT_FALSE(glob_match("ETL*", "ETL / churn"));
}

TEST(Names, GlobsOverNamesGoAcrossSlashesAndNamesMatchThemselves) {
  EXPECT_TRUE(name_match("*churn*", "ETL / churn / daily"));
  EXPECT_TRUE(name_match("ETL?/?churn", "ETL / churn"));
  EXPECT_TRUE(name_match("[dev ada] churn", "[dev ada] churn"));
  EXPECT_TRUE(name_match("*] churn", "[dev ada] churn"));
  EXPECT_FALSE(name_match("churn*", "ETL / churn"));
}

}  // namespace
}  // namespace mlship
