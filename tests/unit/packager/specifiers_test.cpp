// PEP 440 §Version specifiers. The random comparison with `packaging` is tests/e2e/selection_test.py.
#include <stdexcept>

#include <gtest/gtest.h>

#include "packager/markers.h"

namespace mlship {
namespace {

struct Case {
  const char* specifier;
  const char* version;
  bool matches;
};

// The examples of PEP 440, section by section, and the corners where implementations differed.
constexpr Case cases[] = {
    // §Compatible release
    {"~=2.2", "2.2", true},
    {"~=2.2", "2.9.post1", true},
    {"~=2.2", "3.0", false},
    {"~=1.4.5", "1.4.9", true},
    {"~=1.4.5", "1.5.0", false},
    {"~=2.2.post3", "2.2.post2", false},
    {"~=2.2.post3", "2.3", true},
    {"~=1.4.5a4", "1.4.5a3", false},
    {"~=1.4.5a4", "1.4.6", true},
    {"~=2.2.0", "2.2.99", true},
    {"~=2.2.0", "2.3", false},
    {"~=1!2.2", "2.3", false},
    {"~=1.4.c4", "1.5", true},
    // §Version matching
    {"==1.1", "1.1.0", true},
    {"==1.1", "1.1.post1", false},
    {"==1.1.post1", "1.1.post1", true},
    {"==1.1.*", "1.1.post1", true},
    {"==1.1", "1.1a1", false},
    {"==1.1.*", "1.1a1", true},
    {"==1.1.*", "1.1", true},
    {"==1.1.*", "1.10", false},
    {"==1.0", "1.0+ubuntu.1", true},
    {"==1.0+ubuntu-1", "1.0+UBUNTU.1", true},
    {"==1.0+a", "1.0", false},
    {"==1!1.*", "1.0", false},
    {"== 1.0", "1.0", true},
    // §Version exclusion
    {"!=1.1", "1.1.post1", true},
    {"!=1.1.post1", "1.1.post1", false},
    {"!=1.1.*", "1.1.post1", false},
    {"!=1.1", "1.1+x", false},
    // §Inclusive ordered comparison: local parts do not count
    {"<=1.0", "1.0+x", true},
    {">=1.0", "1.0+x", true},
    {">=1.10", "1.9", false},
    {">=1.0", "1.0rc1", false},
    // §Exclusive ordered comparison
    {">1.7", "1.7.1", true},
    {">1.7", "1.7.0.post1", false},
    {">1.7.post2", "1.7.1", true},
    {">1.7.post2", "1.7.0.post3", true},
    {">1.7.post2", "1.7.0", false},
    {">1.0", "1.0+x", false},
    {">1.0a1", "1.0a2+x", true},
    {">1.0.dev1", "1.0.post1", true},
    {"<3.1", "3.1.dev0", false},
    {"<3.1", "3.1rc1", false},
    {"<3.1", "3.0.9", true},
    {"<3.1rc2", "3.1rc1", true},
    {"<1.0.post1", "1.0a1", true},
    {"<1.0.post1", "1.0", true},
    // §Arbitrary equality
    {"===1.0", "1.0", true},
    {"===1.0", "1.0.0", false},
    {"===foobar", "FooBar", true},
    // Sets, and what is not a version
    {">=1.0,<2.0,!=1.5", "1.4", true},
    {">=1.0, <2.0, !=1.5", "1.5", false},
    {"", "1.0", true},
    {">=1.0", "5.10.0-17-amd64", false},
    {">=1.0", "", false},
};

TEST(Specifiers, AgreeWithPep440) {
  for (const auto& c : cases) {
    EXPECT_EQ(specifier_matches(c.specifier, c.version), c.matches) << c.specifier << " on " << c.version;
  }
}

TEST(Specifiers, TakePreReleasesOnlyWhenNamed) {
  EXPECT_FALSE(specifier_matches(">=1.0", "1.1a1", false));
  EXPECT_TRUE(specifier_matches(">=1.1a0", "1.1a1", false));
  EXPECT_TRUE(specifier_matches(">=1.1a0,<2", "1.2.dev1", false));
  EXPECT_FALSE(specifier_matches("<2.0a1", "1.1a1", false));
  EXPECT_TRUE(specifier_matches(">=1.0", "1.1", false));
}

TEST(Specifiers, RefuseBadSyntax) {
  for (const auto* bad : {"1.0", "=1.0", "~=1", ">=1.0.*", "~=1.*", "==1.0a1.*", ">1.0+x", "==", "==1.0 2.0",
                          "><1", ">=1.0;", "==1.0,banana"}) {
    EXPECT_THROW(specifier_matches(bad, "1.0"), std::invalid_argument) << bad;
  }
}

}  // namespace
}  // namespace mlship
