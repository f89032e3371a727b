#include "core/text.h"

#include <gtest/gtest.h>

#include "core/letters.h"

namespace mlship {
namespace {

using Views = std::vector<std::string_view>;
using Texts = std::vector<std::string>;

TEST(Text, SplitKeepsEmptyPiecesAndPiecesDoesNot) {
  EXPECT_EQ(split("", ","), Views{""});
  EXPECT_EQ(split("a", ","), Views{"a"});
  EXPECT_EQ(split(",a,,b;", ",;"), (Views{"", "a", "", "b", ""}));
  EXPECT_EQ(pieces("", "|"), Texts{});
  EXPECT_EQ(pieces("a|bc|d", "|"), (Texts{"a", "bc", "d"}));
  EXPECT_EQ(pieces(" a\t\r\n b\xc3\xa4  "), (Texts{"a", "b\xc3\xa4"}));
}

TEST(Text, OnlyLettersOfAsciiAreLowered) {
  EXPECT_EQ(letters::lowered("AZ[@`az\xc3\x84"), "az[@`az\xc3\x84");
}

}  // namespace
}  // namespace mlship
