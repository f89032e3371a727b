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

TEST(Ini_, IndentedLinesGoOnWhereTheProgramReadsThemSo) {
  const std::string text = "[a]\nlist =\n    x = y:z\n    # no\n\n\tu = v\nnext = 1\n    [b]\n";
  const IniFile continued = parse_ini(text, Indented::continued);
  EXPECT_EQ(continued.at("a").at("list"), "\nx = y:z\nu = v");
  EXPECT_EQ(continued.at("a").at("next"), "1\n[b]");
  EXPECT_EQ(parse_ini(text).at("a").at("x"), "y:z");
}

}  // namespace
}  // namespace mlship
