#include "core/version.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace mlship {
namespace {

std::string normal(std::string_view text, Scheme scheme = Scheme::pep440) {
  const auto version = Version::parse(text, scheme);
  return version ? version->str() : "invalid";
}

struct Case {
  std::string_view written;
  std::string_view expected;
};

// PEP 440 §Normalization, each paragraph.
constexpr Case pep440_cases[] = {
    {"1.4.0", "1.4.0"},
    {"  1.4.0\n", "1.4.0"},
    {"v1.0", "1.0"},
    {"V1.0", "1.0"},
    {"00", "0"},
    {"09000", "9000"},
    {"1.0.01", "1.0.1"},
    {"2012.04", "2012.4"},
    {"1.1RC1", "1.1rc1"},
    {"1.1.a1", "1.1a1"},
    {"1.1-a1", "1.1a1"},
    {"1.1_a1", "1.1a1"},
    {"1.1a.1", "1.1a1"},
    {"1.1a-1", "1.1a1"},
    {"1.1a_1", "1.1a1"},
    {"1.1alpha1", "1.1a1"},
    {"1.1beta2", "1.1b2"},
    {"1.1c3", "1.1rc3"},
    {"1.1pre3", "1.1rc3"},
    {"1.1preview3", "1.1rc3"},
    {"1.2a", "1.2a0"},
    {"1.2.post2", "1.2.post2"},
    {"1.2-post2", "1.2.post2"},
    {"1.2_post2", "1.2.post2"},
    {"1.2post2", "1.2.post2"},
    {"1.2.post-2", "1.2.post2"},
    {"1.2.post.2", "1.2.post2"},
    {"1.0-r4", "1.0.post4"},
    {"1.0rev4", "1.0.post4"},
    {"1.2.post", "1.2.post0"},
    {"1.0-1", "1.0.post1"},
    {"1.0a1-2", "1.0a1.post2"},
    {"1.2-dev2", "1.2.dev2"},
    {"1.2dev2", "1.2.dev2"},
    {"1.2_dev-2", "1.2.dev2"},
    {"1.2.dev", "1.2.dev0"},
    {"1.0a1.post2.dev3", "1.0a1.post2.dev3"},
    {"1.0+ubuntu-1", "1.0+ubuntu.1"},
    {"1.0+Ubuntu_01", "1.0+ubuntu.1"},
    {"1.0+foo0100", "1.0+foo0100"},
    {"1!2.0", "1!2.0"},
    {"0!2.0", "2.0"},
    {"v01!1.0-RC.2_post-3.DEV4+A-B", "1!1.0rc2.post3.dev4+a.b"},
    {"18446744073709551615", "18446744073709551615"},
    {"18446744073709551616", "18446744073709551616"},
    {"1.0+018446744073709551616", "1.0+18446744073709551616"},
    {"1.2.dev20250318124512123456", "1.2.dev20250318124512123456"},
    {"99999999999999999999!1.0a100000000000000000000", "99999999999999999999!1.0a100000000000000000000"},
    {"", "invalid"},
    {"v", "invalid"},
    {"stable", "invalid"},
    {"1.", "invalid"},
    {"1..0", "invalid"},
    {"1.0.x", "invalid"},
    {"1.0-", "invalid"},
    {"1.0+", "invalid"},
    {"1.0+a..b", "invalid"},
    {"1.0+a+b", "invalid"},
    {"1.0+é", "invalid"},
    {"1.0 1", "invalid"},
    {"1.0.dev1.post2", "invalid"},
    {"1!", "invalid"},
    {"-1.0", "invalid"},
    {"1.0*", "invalid"},
};

TEST(Version, NormalisesAsPep440Says) {
  for (const auto& c : pep440_cases) EXPECT_EQ(normal(c.written), c.expected) << c.written;
}

TEST(Version, NormalFormsParseToThemselves) {
  for (const auto& c : pep440_cases) {
    if (c.expected != "invalid") {
      EXPECT_EQ(normal(c.expected), c.expected);
    }
  }
}

template <typename List>
void expect_ascending(const List& list, Scheme scheme) {
  for (size_t i = 0; i < std::size(list); ++i) {
    for (size_t j = 0; j < std::size(list); ++j) {
      const auto a = Version::parse(list[i], scheme).value();
      const auto b = Version::parse(list[j], scheme).value();
      EXPECT_EQ(a <=> b, i <=> j) << list[i] << " and " << list[j];
      EXPECT_EQ(a == b, i == j) << list[i] << " and " << list[j];
    }
  }
}

TEST(Version, OrderOfPep440) {
  // PEP 440 §Summary of permitted suffixes and relative ordering, with epochs, locals and 1.0.9 < 1.0.10.
  constexpr std::string_view ascending[] = {"0",
                                            "0.9.9",
                                            "1.dev0",
                                            "1.0.dev456",
                                            "1.0a1.dev2",
                                            "1.0a1",
                                            "1.0a1.post1.dev1",
                                            "1.0a1.post1",
                                            "1.0a2.dev456",
                                            "1.0a12.dev456",
                                            "1.0a12",
                                            "1.0b1.dev456",
                                            "1.0b2",
                                            "1.0b2.post345.dev456",
                                            "1.0b2.post345",
                                            "1.0rc1.dev456",
                                            "1.0rc1",
                                            "1.0rc10",
                                            "1.0",
                                            "1.0+abc",
                                            "1.0+abc.5",
                                            "1.0+abc.7",
                                            "1.0+5",
                                            "1.0+5.0",
                                            "1.0+10",
                                            "1.0.post456.dev34",
                                            "1.0.post456",
                                            "1.0.9",
                                            "1.0.10",
                                            "1.1.dev1",
                                            "1.1",
                                            "2013.10",
                                            "1!0.1",
                                            "1!1.0"};
  expect_ascending(ascending, Scheme::pep440);
}

TEST(Version, TrailingZerosDoNotCount) {
  EXPECT_EQ(Version::parse("1.4"), Version::parse("1.4.0"));
  EXPECT_EQ(Version::parse("1.4rc1"), Version::parse("1.4.0.0-RC.1"));
  EXPECT_EQ(Version::parse("0"), Version::parse("0.0"));
  EXPECT_NE(Version::parse("1.4"), Version::parse("1.4.0.1"));
}

TEST(Version, SemVer) {
  constexpr Case cases[] = {
      {"1.4.0", "1.4.0"},
      {"v1.4.0", "1.4.0"},
      {"1.0.0-alpha.1", "1.0.0-alpha.1"},
      {"1.0.0-0A.is.legal", "1.0.0-0A.is.legal"},
      {"1.0.0--", "1.0.0--"},
      {"1.0.0-x-y-z.4", "1.0.0-x-y-z.4"},
      {"1.0.0+001.a-b", "1.0.0+001.a-b"},
      {"1.0.0-beta+exp.sha.5114f85", "1.0.0-beta+exp.sha.5114f85"},
      {"1.4", "invalid"},
      {"1.4.0.0", "invalid"},
      {"01.4.0", "invalid"},
      {"1.4.0-01", "invalid"},
      {"1.4.0-", "invalid"},
      {"1.4.0+", "invalid"},
      {"1.4.0-a..b", "invalid"},
      {"1.4.0-é", "invalid"},
      {"1.4.0+a+b", "invalid"},
      {" 1.4.0", "invalid"},
      {"1.4.0rc1", "invalid"},
      {"99999999999999999999.0.0", "99999999999999999999.0.0"},
      {"1.0.0-rc.99999999999999999999", "1.0.0-rc.99999999999999999999"},
      {"", "invalid"},
  };
  for (const auto& c : cases) EXPECT_EQ(normal(c.written, Scheme::semver), c.expected) << c.written;
}

TEST(Version, OrderOfSemVer) {
  // SemVer §11.
  constexpr std::string_view ascending[] = {"0.9.0",      "1.0.0-1",      "1.0.0-2",       "1.0.0-10",
                                            "1.0.0-A",    "1.0.0-alpha",  "1.0.0-alpha.1", "1.0.0-alpha.beta",
                                            "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
                                            "1.0.0",      "1.0.1",        "1.2.0",         "1.10.0",
                                            "2.0.0"};
  expect_ascending(ascending, Scheme::semver);
  EXPECT_EQ(Version::parse("1.0.0+a", Scheme::semver), Version::parse("1.0.0+b", Scheme::semver));
}

TEST(Version, TagsOfOci) {
  constexpr Case cases[] = {
      {"1.4.0", "1.4.0"}, {"1!2.0+cu118.x", "1__2.0_cu118.x"}, {"2.0+cu118", "2.0_cu118"}, {"1!2", "1__2"}};
  for (const auto& c : cases) {
    const auto version = Version::parse(c.written).value();
    EXPECT_EQ(version.oci_tag(), c.expected);
    EXPECT_EQ(Version::from_oci_tag(c.expected, Scheme::pep440)->str(), c.written);
  }
  const auto built = Version::parse("1.4.0-rc.1+b.7", Scheme::semver).value();
  EXPECT_EQ(Version::from_oci_tag(built.oci_tag(), Scheme::semver)->str(), "1.4.0-rc.1+b.7");
  for (const std::string_view name : {"stable", "v1.4.0", "1.4.0-1", "1.4.0__1", "_1", ""}) {
    EXPECT_FALSE(Version::from_oci_tag(name, Scheme::pep440)) << name;
  }
}

TEST(Version, Prereleases) {
  for (const std::string_view text : {"1.0a1", "1.0b1", "1.0rc1", "1.0.dev1", "1.0.post1.dev1"}) {
    EXPECT_TRUE(Version::parse(text)->prerelease()) << text;
  }
  for (const std::string_view text : {"1.0", "1.0.post1", "1.0+dev"}) {
    EXPECT_FALSE(Version::parse(text)->prerelease()) << text;
  }
  EXPECT_TRUE(Version::parse("1.0.0-rc.1", Scheme::semver)->prerelease());
  EXPECT_FALSE(Version::parse("1.0.0+rc.1", Scheme::semver)->prerelease());
}

TEST(Version, CompatibilityRanges) {
  const auto same = [](std::string_view a, std::string_view b) {
    return Version::parse(a)->same_major(*Version::parse(b));
  };
  EXPECT_TRUE(same("1.4.0", "1.9"));
  EXPECT_FALSE(same("1.4.0", "2.0"));
  EXPECT_TRUE(same("0.4.0", "0.4.9"));
  EXPECT_FALSE(same("0.4.0", "0.5"));
  EXPECT_FALSE(same("1!1.0", "1.0"));
  EXPECT_TRUE(Version::parse("1.4.0")->same_minor(*Version::parse("1.4.9")));
  EXPECT_TRUE(Version::parse("1")->same_minor(*Version::parse("1.0.3")));
  EXPECT_FALSE(Version::parse("1.4")->same_minor(*Version::parse("1.5")));
}

TEST(Version, LocalPart) {
  const auto version = Version::parse("1.0+cu118").value();
  EXPECT_TRUE(version.local());
  EXPECT_EQ(version.without_local().str(), "1.0");
}

TEST(Version, RequireNamesWhatItReads) {
  try {
    (void)Version::require("1.x", Scheme::pep440, "version in mlship.toml:3");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::version);
    EXPECT_EQ(e.message(), "cannot use version in mlship.toml:3: '1.x' is not a PEP 440 version");
  }
}

}  // namespace
}  // namespace mlship
