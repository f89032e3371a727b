#include "packager/lock_complete.h"

#include "packager/requirement_line.h"
#include "packager/wheel.h"
#include "tests/unit/packager/archive_fixture.h"

namespace mlship::test {
namespace {

class LockComplete : public ArchiveTest {
 protected:
  // A wheel for `platforms`, and its line in the lock.
  void add(const std::string& name, const std::vector<std::string>& requires_dist,
           const std::set<std::string>& extras = {},
           const std::vector<std::string>& platforms = {"cp311-manylinux_2_28_x86_64"}) {
    WheelMetadata metadata;
    metadata.name = name;
    metadata.version = "1.0";
    metadata.requires_dist = requires_dist;
    std::string bytes;
    WheelWriter writer([&](std::string_view data) { bytes += data; });
    writer.add(name + ".py", "", false);
    const std::string file = writer.finish(metadata);
    Dependency d;
    d.name = name;
    d.version = "1.0";
    d.file = file;
    d.platforms = platforms;
    d.cached = put(file, bytes);
    dependencies_.push_back(d);
    LockedRequirement requirement;
    requirement.name = requirement.normal = name;
    requirement.version = "1.0";
    requirement.origin = "requirements.txt:" + std::to_string(lock_.requirements.size() + 1);
    requirement.extras = extras;
    lock_.requirements.push_back(requirement);
  }
  void check(const std::vector<std::string>& provided = {}) const {
    std::vector<Platform> platforms;
    for (const char* name : {"cp311-manylinux_2_28_x86_64", "cp311-win_amd64"})
      platforms.push_back(load_platform(name, folder()));
    check_complete(lock_, dependencies_, platforms, provided);
  }
  [[nodiscard]] std::string missing(const std::vector<std::string>& provided = {}) const {
    try {
      check(provided);
      return "";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::lock);
      return e.message();
    }
  }
  Lock lock_;
  std::vector<Dependency> dependencies_;
};

TEST_F(LockComplete, WhatAWheelRequiresIsThere) {
  add("alpha", {"beta>=2", "Gamma.Delta (>=1,<3)"});
  EXPECT_NE(missing().find("alpha 1.0 requires beta>=2"), std::string::npos) << missing();
  add("beta", {});
  EXPECT_NE(missing().find("requires Gamma.Delta (>=1,<3), and gamma-delta is not in the lock"),
            std::string::npos)
      << missing();
  EXPECT_EQ(missing({"gamma_delta"}), "");
  add("gamma-delta", {});
  EXPECT_EQ(missing(), "");
}

TEST_F(LockComplete, MarkersAreThoseOfThePlatform) {
  add("alpha", {"pywin32; sys_platform == 'win32'", "tomli; python_version < '3.11'",
                "uvloop; platform_system == 'Linux' and python_version >= '3.9'"});
  EXPECT_NE(missing().find("uvloop"), std::string::npos) << missing();
  add("uvloop", {});
  EXPECT_EQ(missing(), "");
  add("beta", {"colorama; platform_system == 'Windows'"}, {}, {"cp311-win_amd64"});
  EXPECT_NE(missing().find("colorama is not in the lock for cp311-win_amd64"), std::string::npos)
      << missing();
}

TEST_F(LockComplete, ExtrasCountWhenTheyAreAskedFor) {
  add("alpha", {"delta; extra == 'plots'"});
  EXPECT_EQ(missing(), "");
  add("beta", {"alpha[Plots]; python_version > '3'"});
  EXPECT_NE(missing().find("requires delta"), std::string::npos) << missing();
  add("delta", {"epsilon; extra == 'fast'"});
  EXPECT_EQ(missing(), "");
  add("zeta", {"delta[fast,other] @ https://index.test/delta-1.0.whl ; os_name == 'posix'"});
  EXPECT_NE(missing().find("requires epsilon"), std::string::npos) << missing();
}

TEST_F(LockComplete, ExtrasOfTheLockItself) {
  add("alpha", {"delta; extra == 'plots'"}, {"plots"});
  EXPECT_NE(missing().find("delta"), std::string::npos);
}

TEST_F(LockComplete, ToolsAndWhatCannotBeReadAreNotMissed) {
  add("alpha", {"setuptools>=40", "pip", "wheel", "beta; nonsense ==", "=bad", ""});
  EXPECT_EQ(missing(), "");
}

TEST(RequirementLine, Parts) {
  const auto parts = parse_requirement("  Beta.X [ Plots , fast_math ]>=2 ;  os_name == 'nt; x' ");
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->normal, "beta-x");
  EXPECT_EQ(parts->extras, (std::set<std::string>{"fast-math", "plots"}));
  EXPECT_EQ(parts->marker, "os_name == 'nt; x'");
  EXPECT_EQ(parse_requirement("a@https://index.test/a;b.whl ;x")->marker, "x");
  EXPECT_FALSE(parse_requirement(""));
  EXPECT_FALSE(parse_requirement("; x"));
}

}  // namespace
}  // namespace mlship::test
