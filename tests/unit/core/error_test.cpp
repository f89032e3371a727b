#include "core/error.h"

#include <set>

#include <gtest/gtest.h>

namespace mlship {
namespace {

TEST(ErrorCodes, RowsStandInTheOrderOfTheEnumerationAndWordsAreUnique) {
  std::set<std::string_view> words;
  for (size_t i = 0; i < error_codes().size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(error_codes()[i].code), i) << error_codes()[i].word;
    EXPECT_TRUE(words.insert(error_codes()[i].word).second) << error_codes()[i].word;
    EXPECT_NE(error_codes()[i].exit, ExitCode::done);
  }
  EXPECT_EQ(row_of(ErrorCode::interrupted).exit, ExitCode::interrupted);
}

TEST(Error, AFactAddedInPlaceKeepsTheRest) {
  Error error = Error(ErrorCode::network, "cannot reach x: refused").hint("try again");
  error = std::move(error).fact("tries", "5");
  EXPECT_EQ(error.message(), "cannot reach x: refused");
  EXPECT_EQ(error.hint_text(), "try again");
  ASSERT_EQ(error.facts().size(), 1U);
  EXPECT_EQ(error.facts()[0].value, "5");
}

}  // namespace
}  // namespace mlship
