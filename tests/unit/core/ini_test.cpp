#include "core/ini.h"

#include <gtest/gtest.h>

namespace mlship {
namespace {

TEST(Ini_, SectionsKeysAndComments) {
  const IniFile file = parse_ini(
      "; a comment\nbefore = 1\n[DEFAULT]\nhost = https://a.test/?o=1\r\n Token: dapi=x \n# token = "
      "no\n\n[two words]\n"
      "nonsense\nhost=\n");
  EXPECT_EQ(file.at("").at("before"), "1");
  EXPECT_EQ(file.at("DEFAULT").at("host"), "https://a.test/?o=1");
  EXPECT_EQ(file.at("DEFAULT").at("token"), "dapi=x");
  EXPECT_EQ(file.at("two words").size(), 1U);
  EXPECT_EQ(file.at("two words").at("host"), "");
}

}  // namespace
}  // namespace mlship
