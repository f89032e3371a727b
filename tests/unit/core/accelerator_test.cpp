#include "core/accelerator.h"

#include <gtest/gtest.h>

namespace mlship {
namespace {

struct Row {
  std::string_view written, accelerator, version;
};
constexpr Row rows[] = {
    {"1.4.0", "", "1.4.0"},
    {"1.4.0+cpu", "cpu", "1.4.0"},
    {"1.4.0+cu118", "cu118", "1.4.0"},
    {"1.4.0+cuda12", "cuda12", "1.4.0"},
    {"1.4.0+rocm6.1", "rocm6.1", "1.4.0"},
    {"1.4.0+ROCm6-1", "rocm6.1", "1.4.0"},
    {"1.4.0+xpu", "xpu", "1.4.0"},
    {"1.4.0rc1+hpu", "hpu", "1.4.0rc1"},
    {"1!1.4.0.post2+npu", "npu", "1!1.4.0.post2"},
    // Two ABIs of one accelerator are two builds.
    {"2.0.0+cpu.cxx11.abi", "cpu.cxx11.abi", "2.0.0"},
    {"1.4.0+pt20cu118", "pt20cu118", "1.4.0"},
    {"2.5.8+cu118torch2.3", "cu118torch2.3", "2.5.8"},
    // What counts builds stays with the version.
    {"1.4.0+build.7", "", "1.4.0+build.7"},
    {"1.4.0+g1a2b3c", "", "1.4.0+g1a2b3c"},
    {"1.4.0+20250318", "", "1.4.0+20250318"},
    {"1.4.0+computed", "", "1.4.0+computed"},
    {"1.4.0+cu", "", "1.4.0+cu"},
    {"1.4.0+cpus", "", "1.4.0+cpus"},
    {"1.4.0+focus3", "", "1.4.0+focus3"},
    {"1.4.0+cu118.g1a2b3c", "cu118", "1.4.0+g1a2b3c"},
    {"1.4.0+cu118.build.7", "cu118", "1.4.0+build.7"},
    {"1.4.0+build.7.cu118", "cu118", "1.4.0+build.7"},
    {"1.4.0+20250318.cpu.d20250319", "cpu", "1.4.0+20250318.d20250319"},
};

TEST(Accelerator, ALabelThatNamesOneIsNoPartOfTheVersion) {
  for (const auto& row : rows) {
    const Version version = Version::require(row.written, Scheme::pep440, "test");
    EXPECT_EQ(accelerator_of(version), row.accelerator) << row.written;
    EXPECT_EQ(without_accelerator(version).str(), row.version) << row.written;
    const Version again = with_accelerator(without_accelerator(version), accelerator_of(version));
    EXPECT_EQ(accelerator_of(again), row.accelerator) << row.written;
    EXPECT_EQ(without_accelerator(again), without_accelerator(version)) << row.written;
  }
}

TEST(Accelerator, OneTakesThePlaceOfAnother) {
  const auto version = [](std::string_view text, Scheme scheme) {
    return Version::require(text, scheme, "test");
  };
  EXPECT_EQ(with_accelerator(version("1.4.0+cpu", Scheme::pep440), "cu118").str(), "1.4.0+cu118");
  EXPECT_EQ(with_accelerator(version("1.4.0+cpu.g1a2b3c", Scheme::pep440), "cu118").str(),
            "1.4.0+cu118.g1a2b3c");
  EXPECT_EQ(with_accelerator(version("1.4.0", Scheme::pep440), "").str(), "1.4.0");
  EXPECT_EQ(with_accelerator(version("1.4.0-rc.1+cpu", Scheme::semver), "rocm6.1").str(),
            "1.4.0-rc.1+rocm6.1");
  EXPECT_EQ(without_accelerator(version("1.4.0+cpu", Scheme::semver)).str(), "1.4.0");
}

}  // namespace
}  // namespace mlship
