#include "packager/platform.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"

namespace mlship {
namespace {

size_t position(const Platform& platform, const std::string& tag) {
  const auto found = std::find(platform.tags.begin(), platform.tags.end(), tag);
  EXPECT_NE(found, platform.tags.end()) << tag;
  return static_cast<size_t>(found - platform.tags.begin());
}

bool takes(const Platform& platform, const std::string& tag) {
  return std::find(platform.tags.begin(), platform.tags.end(), tag) != platform.tags.end();
}

TEST(Platforms, FollowTheRuleOfTheirName) {
  const Platform p = load_platform("cp311-manylinux_2_28_x86_64", "");
  EXPECT_EQ(p.name, "cp311-manylinux_2_28_x86_64");
  EXPECT_EQ(p.python, "3.11");
  EXPECT_EQ(p.machine, "x86_64");
  EXPECT_EQ(p.environment.size(), 11U);
  EXPECT_EQ(p.environment.at("python_full_version"), "3.11.0");
  const char* order[] = {"cp311-cp311-manylinux_2_28_x86_64",
                         "cp311-cp311-manylinux_2_17_x86_64",
                         "cp311-cp311-manylinux2014_x86_64",
                         "cp311-cp311-manylinux_2_5_x86_64",
                         "cp311-cp311-manylinux1_x86_64",
                         "cp311-abi3-manylinux_2_28_x86_64",
                         "cp311-none-manylinux_2_28_x86_64",
                         "cp310-abi3-manylinux_2_28_x86_64",
                         "cp32-abi3-manylinux1_x86_64",
                         "py311-none-manylinux_2_28_x86_64",
                         "py3-none-manylinux_2_28_x86_64",
                         "py310-none-manylinux_2_28_x86_64",
                         "cp311-none-any",
                         "py311-none-any",
                         "py3-none-any",
                         "py310-none-any",
                         "py30-none-any"};
  for (size_t i = 1; i < std::size(order); ++i) {
    EXPECT_LT(position(p, order[i - 1]), position(p, order[i])) << order[i];
  }
  EXPECT_FALSE(takes(p, "cp311-cp311-manylinux_2_29_x86_64"));
  EXPECT_FALSE(takes(p, "cp311-cp311-macosx_11_0_arm64"));
  EXPECT_FALSE(takes(p, "cp311-cp311-musllinux_1_1_x86_64"));
  EXPECT_FALSE(takes(p, "cp310-cp310-manylinux_2_17_x86_64"));
}

TEST(Platforms, KnowEverySystem) {
  struct Case {
    const char *name, *machine, *sys_platform, *first, *also, *never;
  };
  const Case cases[] = {
      {"cp312-manylinux2014_aarch64", "aarch64", "linux", "cp312-cp312-linux_aarch64",
       "cp312-cp312-manylinux_2_17_aarch64", "cp312-cp312-manylinux_2_16_aarch64"},
      {"cp312-linux_x86_64", "x86_64", "linux", "cp312-cp312-linux_x86_64",
       "cp312-cp312-manylinux2014_x86_64", "cp312-cp312-manylinux_2_18_x86_64"},
      {"cp39-musllinux_1_2_x86_64", "x86_64", "linux", "cp39-cp39-linux_x86_64",
       "cp39-cp39-musllinux_1_0_x86_64", "cp39-cp39-manylinux1_x86_64"},
      {"cp310-win_amd64", "AMD64", "win32", "cp310-cp310-win_amd64", "py3-none-win_amd64",
       "cp310-cp310-win32"},
      {"cp313-macosx_12_0_arm64", "arm64", "darwin", "cp313-cp313-macosx_12_0_arm64",
       "cp313-cp313-macosx_10_9_universal2", "cp313-cp313-macosx_10_9_x86_64"},
      {"cp313-macosx_10_15_x86_64", "x86_64", "darwin", "cp313-cp313-macosx_10_15_x86_64",
       "cp313-cp313-macosx_10_9_intel", "cp313-cp313-macosx_11_0_x86_64"},
  };
  for (const auto& c : cases) {
    const Platform p = load_platform(c.name, "");
    EXPECT_EQ(p.machine, c.machine) << c.name;
    EXPECT_EQ(p.environment.at("platform_machine"), c.machine) << c.name;
    EXPECT_EQ(p.environment.at("sys_platform"), c.sys_platform) << c.name;
    EXPECT_EQ(p.tags.front(), c.first) << c.name;
    EXPECT_TRUE(takes(p, c.also)) << c.name;
    EXPECT_FALSE(takes(p, c.never)) << c.name;
  }
}

TEST(Platforms, HaveNamesForSystemsPeopleUse) {
  const Platform dbx = load_platform("databricks-15.4", "");
  EXPECT_EQ(dbx.python, "3.11");
  EXPECT_TRUE(takes(dbx, "cp311-cp311-manylinux_2_35_x86_64"));
  EXPECT_FALSE(takes(dbx, "cp311-cp311-manylinux_2_36_x86_64"));
  EXPECT_EQ(load_platform("databricks-13.3", "").environment.at("python_full_version"), "3.10.12");
  EXPECT_TRUE(takes(load_platform("aws-lambda-python3.12-arm64", ""), "cp312-cp312-manylinux_2_34_aarch64"));
  for (const auto& named : named_platforms()) {
    EXPECT_FALSE(load_platform(named.name, "").tags.empty()) << named.name;
    EXPECT_FALSE(named.summary.empty());
  }
}

std::string refusal(const std::string& name, const Path& folder = {}) {
  try {
    load_platform(name, folder);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::project_file);
    EXPECT_EQ(e.exit_code(), ExitCode::bad_input);
    return e.message();
  }
  return "no error";
}

TEST(Platforms, RefuseWhatTheyDoNotKnowWithTheNearestName) {
  EXPECT_EQ(
      refusal("databricks-15.5"),
      "cannot use platform 'databricks-15.5': there is none of that name (did you mean 'databricks-15.4'?)");
  EXPECT_EQ(refusal("cp311-manylinux_2_28_x86_46"),
            "cannot use platform 'cp311-manylinux_2_28_x86_46': there is none of that name (did you mean "
            "'cp311-manylinux_2_28_x86_64'?)");
  for (const auto* bad : {"", "cp311", "cp311-", "cp27-manylinux1_x86_64", "cp37-manylinux2014_x86_64",
                          "cp311-manylinux_2_4_x86_64", "cp311-manylinux_2_12_aarch64",
                          "cp311-manylinux_3_0_x86_64", "cp311-macosx_10_9_arm64", "cp311-win_amd64 ",
                          "cp3111-win_amd64", "cp311-manylinux_2_99999999999_x86_64", "pp310-win_amd64"}) {
    EXPECT_NE(refusal(bad).find("there is none of that name"), std::string::npos) << bad;
  }
}

class PlatformFile : public ::testing::Test {
 protected:
  std::string write(const std::string& text) {
    fs::remove_file(folder_.path() / "edge.json");
    fs::write_atomic(folder_.path() / "edge.json", text);
    return "edge.json";
  }
  fs::TempFolder folder_{::testing::TempDir()};
};

TEST_F(PlatformFile, IsReadInTheFormOfPex) {
  const auto name = write(R"({"path": "/usr/bin/python3.9", "compatible_tags": ["cp39-cp39-linux_armv7l",
    "py3-none-any"], "marker_environment": {"python_version": "3.9", "python_full_version": "3.9.2",
    "sys_platform": "linux", "platform_machine": "armv7l", "platform_release": null}})");
  const Platform p = load_platform(name, folder_.path());
  EXPECT_EQ(p.name, "edge.json");
  EXPECT_EQ(p.python, "3.9");
  EXPECT_EQ(p.machine, "armv7l");
  EXPECT_EQ(p.tags, (std::vector<std::string>{"cp39-cp39-linux_armv7l", "py3-none-any"}));
  EXPECT_FALSE(p.environment.contains("platform_release"));
}

TEST_F(PlatformFile, IsRefusedWhenItIsNotOne) {
  const std::string good_environment =
      R"("marker_environment": {"python_version": "3.9", "python_full_version": "3.9.2", "sys_platform": "linux",
         "platform_machine": "x86_64"})";
  const std::pair<std::string, const char*> cases[] = {
      {"[]", "not an object"},
      {"{}", "marker_environment"},
      {R"({"marker_environment": {"python_version": 3}})", "not a text"},
      {R"({"marker_environment": {"python_version": "3.9"}})", "is missing"},
      {"{" + good_environment + "}", "compatible_tags"},
      {"{" + good_environment + R"(, "compatible_tags": []})", "compatible_tags"},
      {"{" + good_environment + R"(, "compatible_tags": ["py3-none"]})", "'py3-none' is not a tag"},
      {"{" + good_environment + R"(, "compatible_tags": ["py2.py3-none-any"]})", "is not a tag"},
      {"{", "edge.json"},
  };
  for (const auto& [text, part] : cases) {
    EXPECT_NE(refusal(write(text), folder_.path()).find(part), std::string::npos) << text;
  }
  EXPECT_NE(refusal("absent.json", folder_.path()).find("no such file"), std::string::npos);
}

TEST(WheelNames, AreTakenApart) {
  const auto w = parse_wheel_name("Foo_Bar-1.0.post1-1abc-py2.py3-none-Any.whl");
  ASSERT_TRUE(w);
  EXPECT_EQ(w->name, "Foo_Bar");
  EXPECT_EQ(w->version, "1.0.post1");
  EXPECT_EQ(w->build, "1abc");
  EXPECT_EQ(w->tags, (std::vector<std::string>{"py2-none-any", "py3-none-any"}));
  EXPECT_EQ(parse_wheel_name("x-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")->tags.size(),
            2U);
}

TEST(WheelNames, AreRefusedWhenTheyAreNone) {
  for (const auto* bad :
       {"foo-1.0.tar.gz", "foo-1.0-py3-none-any.zip", "foo-1.0-py3-none.whl", "foo-1.0-a1-py3-none-any.whl",
        "foo-banana-py3-none-any.whl", "-1.0-py3-none-any.whl", "foo__bar-1.0-py3-none-any.whl",
        "foo-1.0-py3..py2-none-any.whl", "foo-1.0-1/../../x-py3-none-any.whl", "foo-1.0-py3-none-a\nny.whl",
        ".whl", "foo-1.0-1-2-py3-none-any.whl", "f oo-1.0-py3-none-any.whl"}) {
    EXPECT_FALSE(parse_wheel_name(bad)) << bad;
  }
  std::string bomb = "a";
  for (int i = 0; i < 12; ++i) bomb += "." + bomb;
  EXPECT_FALSE(parse_wheel_name("foo-1.0-" + bomb + "-" + bomb + "-" + bomb + ".whl"));
}

std::string chosen(const std::vector<const char*>& files, const char* platform) {
  std::vector<WheelName> names;
  for (const auto* file : files) names.push_back(*parse_wheel_name(file));
  const auto best = choose_wheel(names, load_platform(platform, ""));
  return best ? files[*best] : "none";
}

TEST(WheelChoice, TakesTheBestTagThenTheHigherBuild) {
  const char* linux_platform = "cp311-manylinux_2_28_x86_64";
  EXPECT_EQ(chosen({"a-1-py3-none-any.whl", "a-1-cp311-cp311-manylinux_2_17_x86_64.whl",
                    "a-1-cp311-cp311-manylinux_2_28_x86_64.whl", "a-1-cp38-abi3-manylinux_2_28_x86_64.whl"},
                   linux_platform),
            "a-1-cp311-cp311-manylinux_2_28_x86_64.whl");
  EXPECT_EQ(
      chosen({"a-1-cp311-cp311-manylinux_2_34_x86_64.whl", "a-1-cp311-cp311-win_amd64.whl"}, linux_platform),
      "none");
  EXPECT_EQ(chosen({"a-1-py3-none-any.whl", "a-1-2-py3-none-any.whl", "a-1-10-py3-none-any.whl",
                    "a-1-10a-py3-none-any.whl", "a-1-010-py3-none-any.whl"},
                   linux_platform),
            "a-1-10a-py3-none-any.whl");
  EXPECT_EQ(
      chosen({"a-1-99999999999999999999-py3-none-any.whl", "a-1-100000000000000000000-py3-none-any.whl"},
             linux_platform),
      "a-1-100000000000000000000-py3-none-any.whl");
  EXPECT_EQ(chosen({}, linux_platform), "none");
}

}  // namespace
}  // namespace mlship
