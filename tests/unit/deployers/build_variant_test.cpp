// Old file × files of the new version -> the one that takes its place. From PEP 425 (tags), 600 (manylinux),
// 656 (musllinux), 440 (local labels) and Maven's names of jars.
#include "deployers/build_variant.h"

#include <gtest/gtest.h>

namespace mlship {
namespace {

std::string_view kind_of(const std::string& file) {
  if (file.ends_with(".whl")) return "wheel";
  if (file.ends_with(".egg")) return "egg";
  return file.ends_with(".jar") ? "jar" : "pyfiles";
}

Release release(const std::vector<std::string>& files, Scheme scheme = Scheme::pep440) {
  Release out;
  out.package = "churn";
  out.version = Version::require("1.4.0", scheme, "test");
  for (const auto& file : files) out.outputs.push_back({std::string(kind_of(file)), file, sha256(file), 1});
  return out;
}

Reference reference(const std::string& text, Scheme scheme = Scheme::pep440) {
  const auto found = find_references(text, {scheme, {}});
  EXPECT_EQ(found.size(), 1U) << text;
  return found.empty() ? Reference{} : found.front();
}

std::string chosen(const std::string& text, const std::vector<std::string>& files,
                   Scheme scheme = Scheme::pep440) {
  const Release with = release(files, scheme);
  const Output* output = fitting_output(with, reference(text, scheme), text);
  return output == nullptr ? "" : output->filename;
}

struct WheelRow {
  std::string old;                 // tags of the old wheel
  std::vector<std::string> files;  // tags of the new ones
  std::string taken;               // of them; "": none
};
const std::vector<WheelRow> wheel_rows = {
    // A pure wheel serves everywhere where its Python does.
    {"py3-none-any", {"py3-none-any"}, "py3-none-any"},
    {"py2.py3-none-any", {"py3-none-any"}, "py3-none-any"},
    {"py3-none-any", {"py2.py3-none-any"}, "py2.py3-none-any"},
    {"cp310-cp310-manylinux_2_17_aarch64", {"py3-none-any"}, "py3-none-any"},
    {"cp39-cp39-win_amd64", {"py3-none-any"}, "py3-none-any"},
    {"cp39-abi3-macosx_11_0_arm64", {"py3-none-any"}, "py3-none-any"},
    {"pp310-pypy310_pp73-manylinux_2_17_x86_64", {"py3-none-any"}, "py3-none-any"},
    {"cp27-cp27mu-manylinux1_x86_64", {"py3-none-any"}, ""},
    {"cp27-cp27mu-manylinux1_x86_64", {"py2.py3-none-any"}, "py2.py3-none-any"},
    {"py2-none-any", {"py3-none-any"}, ""},
    {"py3-none-any", {"cp312-cp312-manylinux_2_17_x86_64"}, ""},
    {"py3-none-any", {"py3-none-manylinux_2_17_x86_64"}, ""},
    {"py3-none-any", {"py310-none-any"}, ""},
    {"py38-none-any", {"py36-none-any"}, "py36-none-any"},
    {"cp311-cp311-linux_x86_64", {"py310-none-any"}, "py310-none-any"},
    {"cp39-cp39-linux_x86_64", {"py310-none-any"}, ""},
    {"cp310-cp310-linux_x86_64", {"cp310-none-any"}, "cp310-none-any"},
    {"cp311-cp311-linux_x86_64", {"cp310-none-any"}, ""},
    // The same interpreter and the same machine.
    {"cp310-cp310-manylinux_2_17_x86_64",
     {"cp310-cp310-manylinux_2_17_x86_64"},
     "cp310-cp310-manylinux_2_17_x86_64"},
    {"cp310-cp310-manylinux_2_17_x86_64", {"cp312-cp312-manylinux_2_17_x86_64"}, ""},
    {"cp310-cp310-manylinux_2_17_aarch64", {"cp310-cp310-manylinux_2_17_x86_64"}, ""},
    {"cp310-cp310-manylinux_2_17_aarch64",
     {"cp310-cp310-manylinux_2_17_x86_64", "cp312-cp312-manylinux_2_17_aarch64",
      "cp310-cp310-manylinux_2_17_aarch64"},
     "cp310-cp310-manylinux_2_17_aarch64"},
    {"cp310-cp310-win_amd64", {"cp310-cp310-win32"}, ""},
    {"cp310-cp310-win_amd64", {"cp310-cp310-win_arm64", "cp310-cp310-win_amd64"}, "cp310-cp310-win_amd64"},
    {"CP310-CP310-Manylinux_2_17_X86_64",
     {"cp310-cp310-manylinux_2_17_x86_64"},
     "cp310-cp310-manylinux_2_17_x86_64"},
    // Without the lock, in debug, on PyPy: other ABIs.
    {"cp313-cp313t-manylinux_2_17_x86_64", {"cp313-cp313-manylinux_2_17_x86_64"}, ""},
    {"cp313-cp313-manylinux_2_17_x86_64", {"cp313-cp313t-manylinux_2_17_x86_64"}, ""},
    {"cp37-cp37m-manylinux2014_x86_64", {"cp37-cp37dm-manylinux2014_x86_64"}, ""},
    {"pp39-pypy39_pp73-win_amd64", {"pp310-pypy310_pp73-win_amd64", "cp39-cp39-win_amd64"}, ""},
    // PEP 600: that or an older glibc. PEP 513, 571, 599: older names.
    {"cp310-cp310-manylinux_2_17_x86_64",
     {"cp310-cp310-manylinux_2_12_x86_64"},
     "cp310-cp310-manylinux_2_12_x86_64"},
    {"cp310-cp310-manylinux_2_17_x86_64", {"cp310-cp310-manylinux_2_28_x86_64"}, ""},
    {"cp310-cp310-manylinux2014_x86_64",
     {"cp310-cp310-manylinux_2_17_x86_64"},
     "cp310-cp310-manylinux_2_17_x86_64"},
    {"cp310-cp310-manylinux_2_28_x86_64",
     {"cp310-cp310-manylinux1_x86_64", "cp310-cp310-manylinux2014_x86_64",
      "cp310-cp310-manylinux_2_31_x86_64"},
     "cp310-cp310-manylinux2014_x86_64"},
    {"cp310-cp310-manylinux1_x86_64", {"cp310-cp310-manylinux2010_x86_64"}, ""},
    {"cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64",
     {"cp310-cp310-manylinux2014_x86_64"},
     "cp310-cp310-manylinux2014_x86_64"},
    {"cp310-cp310-manylinux_2_17_x86_64",
     {"cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64"},
     "cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64"},
    {"cp310-cp310-linux_x86_64", {"cp310-cp310-manylinux_2_17_x86_64"}, "cp310-cp310-manylinux_2_17_x86_64"},
    {"cp310-cp310-linux_x86_64", {"cp310-cp310-manylinux_2_28_x86_64"}, ""},
    {"cp310-cp310-linux_x86_64",
     {"cp310-cp310-linux_aarch64", "cp310-cp310-linux_x86_64"},
     "cp310-cp310-linux_x86_64"},
    // PEP 656: musl is no glibc.
    {"cp310-cp310-musllinux_1_1_x86_64", {"cp310-cp310-manylinux_2_17_x86_64"}, ""},
    {"cp310-cp310-manylinux_2_17_x86_64", {"cp310-cp310-musllinux_1_1_x86_64"}, ""},
    {"cp310-cp310-musllinux_1_2_x86_64",
     {"cp310-cp310-musllinux_1_1_x86_64"},
     "cp310-cp310-musllinux_1_1_x86_64"},
    {"cp310-cp310-musllinux_1_1_x86_64", {"cp310-cp310-musllinux_1_2_x86_64"}, ""},
    {"cp310-cp310-manylinux_2_17_x86_64.musllinux_1_1_x86_64", {"cp310-cp310-manylinux_2_17_x86_64"}, ""},
    // The stable ABI: from its version on.
    {"cp310-cp310-manylinux_2_17_x86_64",
     {"cp39-abi3-manylinux_2_17_x86_64"},
     "cp39-abi3-manylinux_2_17_x86_64"},
    {"cp310-cp310-manylinux_2_17_x86_64", {"cp311-abi3-manylinux_2_17_x86_64"}, ""},
    {"cp37-cp37m-manylinux2014_x86_64", {"cp36-abi3-manylinux2014_x86_64"}, "cp36-abi3-manylinux2014_x86_64"},
    {"cp39-abi3-manylinux_2_17_x86_64", {"cp39-cp39-manylinux_2_17_x86_64"}, ""},
    {"cp39-abi3-manylinux_2_17_x86_64",
     {"cp38-abi3-manylinux_2_17_x86_64"},
     "cp38-abi3-manylinux_2_17_x86_64"},
    {"cp39-abi3-manylinux_2_17_x86_64", {"cp310-abi3-manylinux_2_17_x86_64"}, ""},
    {"cp313-cp313t-manylinux_2_17_x86_64", {"cp39-abi3-manylinux_2_17_x86_64"}, ""},
    {"cp310-cp310-manylinux_2_17_x86_64",
     {"py3-none-any", "cp39-abi3-manylinux_2_17_x86_64", "cp310-cp310-manylinux_2_12_x86_64"},
     "cp310-cp310-manylinux_2_12_x86_64"},
    {"cp310-cp310-manylinux_2_17_x86_64",
     {"py3-none-any", "py3-none-manylinux_2_17_x86_64", "cp38-abi3-manylinux_2_17_x86_64",
      "cp39-abi3-manylinux_2_17_x86_64"},
     "cp39-abi3-manylinux_2_17_x86_64"},
    {"py3-none-manylinux_2_17_x86_64", {"cp310-cp310-manylinux_2_17_x86_64"}, ""},
    {"py3-none-manylinux_2_17_x86_64", {"py3-none-manylinux_2_17_aarch64", "py3-none-any"}, "py3-none-any"},
    // Compressed tag sets: each of the old ones has to be served.
    {"cp39.cp310-cp39.cp310-win_amd64", {"cp39-cp39-win_amd64"}, ""},
    {"cp39.cp310-cp39.cp310-win_amd64",
     {"cp39.cp310.cp311-cp39.cp310.cp311-win_amd64"},
     "cp39.cp310.cp311-cp39.cp310.cp311-win_amd64"},
    {"cp39.cp310-cp39.cp310-win_amd64", {"cp38-abi3-win_amd64"}, "cp38-abi3-win_amd64"},
    // macOS: that or an older system, and every machine of a universal file.
    {"cp310-cp310-macosx_11_0_arm64",
     {"cp310-cp310-macosx_10_9_universal2"},
     "cp310-cp310-macosx_10_9_universal2"},
    {"cp310-cp310-macosx_10_9_universal2", {"cp310-cp310-macosx_11_0_arm64"}, ""},
    {"cp310-cp310-macosx_10_9_universal2",
     {"cp310-cp310-macosx_10_9_x86_64.macosx_11_0_arm64"},
     "cp310-cp310-macosx_10_9_x86_64.macosx_11_0_arm64"},
    {"cp310-cp310-macosx_11_0_x86_64", {"cp310-cp310-macosx_12_0_x86_64"}, ""},
    {"cp310-cp310-macosx_10_16_x86_64", {"cp310-cp310-macosx_11_0_x86_64"}, "cp310-cp310-macosx_11_0_x86_64"},
    {"cp310-cp310-macosx_11_0_arm64", {"cp310-cp310-manylinux_2_17_aarch64"}, ""},
    // Nothing that anybody knows: the very same one.
    {"cp312-cp312-pyodide_2024_0_wasm32",
     {"cp312-cp312-pyodide_2024_0_wasm32"},
     "cp312-cp312-pyodide_2024_0_wasm32"},
    {"cp312-cp312-pyodide_2024_0_wasm32", {"cp312-cp312-pyodide_2025_0_wasm32"}, ""},
    {"cp313-cp313-android_24_arm64_v8a",
     {"cp313-cp313-android_21_arm64_v8a"},
     "cp313-cp313-android_21_arm64_v8a"},
    {"cp310-cp310-manylinux_99999999999_1_x86_64", {"cp310-cp310-manylinux_2_17_x86_64"}, ""},
};

TEST(BuildVariant, AWheelRunsWhereverTheOldOneRan) {
  for (const auto& row : wheel_rows) {
    std::vector<std::string> files;
    for (const auto& tags : row.files) files.push_back("churn-1.4.0-" + tags + ".whl");
    const std::string taken = row.taken.empty() ? "" : "churn-1.4.0-" + row.taken + ".whl";
    EXPECT_EQ(chosen("/libs/churn-1.3.0-" + row.old + ".whl", files), taken) << row.old << " -> " << files[0];
  }
}

struct FileRow {
  std::string old;
  std::vector<std::string> files;
  std::string taken;
};
const std::vector<FileRow> file_rows = {
    // Scala's version and the classifier are equal.
    {"my/churn_2.12-1.2.9.jar", {"churn_2.12-1.4.0.jar", "churn_2.13-1.4.0.jar"}, "churn_2.12-1.4.0.jar"},
    {"my/churn_2.11-1.2.9.jar", {"churn_2.12-1.4.0.jar", "churn_2.13-1.4.0.jar"}, ""},
    {"my/churn_2.12-1.2.9.jar", {"churn-1.4.0.jar"}, ""},
    {"my/churn-1.2.9.jar", {"churn_2.12-1.4.0.jar"}, ""},
    {"my/churn_3-1.2.9.jar", {"churn_2.13-1.4.0.jar", "churn_3-1.4.0.jar"}, "churn_3-1.4.0.jar"},
    {"my/churn-1.2.9-sources.jar", {"churn-1.4.0.jar"}, ""},
    {"my/churn-1.2.9.jar", {"churn-1.4.0-sources.jar"}, ""},
    {"my/churn-1.2.9-tests.jar",
     {"churn-1.4.0-sources.jar", "churn-1.4.0-tests.jar"},
     "churn-1.4.0-tests.jar"},
    {"my/churn_2.12-1.2.9-spark33.jar", {"churn_2.12-1.4.0-spark34.jar", "churn_2.12-1.4.0.jar"}, ""},
    {"my/churn_2.12-1.2.9-spark-3.3.jar",
     {"churn_2.12-1.4.0-spark-3.3.jar"},
     "churn_2.12-1.4.0-spark-3.3.jar"},
    {"my/churn-1.2.9-jar-with-dependencies.jar",
     {"churn-1.4.0.jar", "churn-1.4.0-jar-with-dependencies.jar"},
     "churn-1.4.0-jar-with-dependencies.jar"},
    {"my/churn-1.4.0-SNAPSHOT-sources.jar", {"churn-1.4.0.jar"}, ""},
    {"my/churn-1.4.0-SNAPSHOT.jar", {"churn-1.4.0.jar"}, "churn-1.4.0.jar"},
    {"my/churn-1.4.0-20261126.040000-7-tests.jar",
     {"churn-1.4.0.jar", "churn-1.4.0-tests.jar"},
     "churn-1.4.0-tests.jar"},
    {"my/churn-1.3.0-rc1-linux-x86_64.jar", {"churn-1.4.0-linux-x86_64.jar"}, "churn-1.4.0-linux-x86_64.jar"},
    {"my/churn-1.3.0.zip", {"churn-1.4.0-sources.zip", "churn-1.4.0.zip"}, "churn-1.4.0.zip"},
    // Eggs: the Python and the machine; one that names none runs on all.
    {"e/churn-1.3.0-py3.9.egg", {"churn-1.4.0-py3.8.egg"}, ""},
    {"e/churn-1.3.0-py3.9.egg", {"churn-1.4.0-py3.8.egg", "churn-1.4.0-py3.9.egg"}, "churn-1.4.0-py3.9.egg"},
    {"e/churn-1.3.0-py3.9-linux-x86_64.egg", {"churn-1.4.0-py3.9.egg"}, "churn-1.4.0-py3.9.egg"},
    {"e/churn-1.3.0-py3.9-linux-x86_64.egg", {"churn-1.4.0-py3.9-linux-aarch64.egg"}, ""},
    {"e/churn-1.3.0-py3.9.egg", {"churn-1.4.0-py3.9-linux-x86_64.egg"}, ""},
    // An accelerator is kept; other labels are builds of their version.
    {"churn-1.3.0+cpu-py3-none-any.whl",
     {"churn-1.4.0+cu118-py3-none-any.whl", "churn-1.4.0+cpu-py3-none-any.whl"},
     "churn-1.4.0+cpu-py3-none-any.whl"},
    {"churn-1.3.0+cu121-py3-none-any.whl",
     {"churn-1.4.0+cu118-py3-none-any.whl", "churn-1.4.0-py3-none-any.whl"},
     ""},
    {"churn-1.3.0%2Brocm6.1-py3-none-any.whl",
     {"churn-1.4.0+rocm6.1-py3-none-any.whl"},
     "churn-1.4.0+rocm6.1-py3-none-any.whl"},
    {"churn-1.3.0-py3-none-any.whl", {"churn-1.4.0+xpu-py3-none-any.whl"}, ""},
    {"churn-1.3.0+xpu-py3-none-any.whl", {"churn-1.4.0-py3-none-any.whl"}, ""},
    {"churn-1.3.0+cu118-cp310-cp310-linux_x86_64.whl",
     {"churn-1.4.0+cu118-cp312-cp312-linux_x86_64.whl", "churn-1.4.0-cp310-cp310-linux_x86_64.whl"},
     ""},
    {"churn-1.3.0+build.7-py3-none-any.whl",
     {"churn-1.4.0-py3-none-any.whl"},
     "churn-1.4.0-py3-none-any.whl"},
    {"churn-1.3.0+g1a2b3c-py3-none-any.whl",
     {"churn-1.4.0+g9f8e7d-py3-none-any.whl"},
     "churn-1.4.0+g9f8e7d-py3-none-any.whl"},
    {"churn-1.3.0+20250318-py3-none-any.whl",
     {"churn-1.4.0-py3-none-any.whl"},
     "churn-1.4.0-py3-none-any.whl"},
    {"churn-1.3.0+cu118.g1a2b3c-py3-none-any.whl",
     {"churn-1.4.0+cu118.g9f8e7d-py3-none-any.whl"},
     "churn-1.4.0+cu118.g9f8e7d-py3-none-any.whl"},
    // Coordinates and pins.
    {"com.acme:churn_2.12:1.2.9", {"churn_2.13-1.4.0.jar", "churn_2.12-1.4.0.jar"}, "churn_2.12-1.4.0.jar"},
    {"com.acme:churn_2.11:1.2.9", {"churn_2.13-1.4.0.jar", "churn_2.12-1.4.0.jar"}, ""},
    {"com.acme:churn:1.2.9", {"churn-1.4.0-sources.jar", "churn-1.4.0.jar"}, "churn-1.4.0.jar"},
    {"churn==1.2.0+cu118", {"churn-1.4.0-py3-none-any.whl"}, ""},
    {"churn==1.2.0+cu118",
     {"churn-1.4.0+cu118-cp310-cp310-win_amd64.whl"},
     "churn-1.4.0+cu118-cp310-cp310-win_amd64.whl"},
    {"churn==1.2.0", {"churn-1.4.0+cu118-cp310-cp310-win_amd64.whl"}, ""},
};

TEST(BuildVariant, OtherFilesKeepWhatTheirNameSays) {
  for (const auto& row : file_rows)
    EXPECT_EQ(chosen(row.old, row.files), row.taken) << row.old << " -> " << row.files[0];
}

TEST(BuildVariant, SemVersPreReleasesAreNoClassifiers) {
  const std::vector<FileRow> rows = {
      {"my/churn-1.3.0-sources.jar", {"churn-1.4.0.jar"}, ""},
      {"my/churn-1.3.0-spark33.jar", {"churn-1.4.0-spark33.jar"}, "churn-1.4.0-spark33.jar"},
      {"my/churn-1.3.0-rc.1.jar", {"churn-1.4.0.jar"}, "churn-1.4.0.jar"},
      {"my/churn-1.3.0-rc.1-tests.jar", {"churn-1.4.0.jar"}, ""},
      {"my/churn_2.12-1.3.0-SNAPSHOT.jar", {"churn_2.12-1.4.0.jar"}, "churn_2.12-1.4.0.jar"},
      {"my/churn-1.3.0-feature.2.jar", {"churn-1.4.0.jar"}, "churn-1.4.0.jar"},
  };
  for (const auto& row : rows) EXPECT_EQ(chosen(row.old, row.files, Scheme::semver), row.taken) << row.old;
  EXPECT_EQ(reference("my/churn-1.3.0-sources.jar", Scheme::semver).version->str(), "1.3.0");
  EXPECT_EQ(reference("my/churn-1.3.0-rc.1-tests.jar", Scheme::semver).version->str(), "1.3.0-rc.1");
}

TEST(BuildVariant, AnAcceleratorStaysInItsPlace) {
  const std::string text = "churn[gpu]==1.3.0+cu118 ; python_version > '3.8'";
  const Reference pin = reference(text);
  EXPECT_EQ(pin.version->str(), "1.3.0+cu118");
  EXPECT_EQ(pin.accelerator, "cu118");
  EXPECT_EQ(rewrite(text, pin, Version::require("1.4.0", Scheme::pep440, "test")), "churn[gpu]==1.4.0+cu118");
  EXPECT_EQ(reference("churn==1.3.0+build.7").version->str(), "1.3.0+build.7");
}

TEST(BuildVariant, WhatThereIsInsteadIsSaid) {
  const std::string text = "/libs/churn_2.11-1.3.0.jar";
  const Destination out =
      other_build({"1:1", text, reference(text)}, release({"churn_2.12-1.4.0.jar", "churn_2.13-1.4.0.jar"}));
  EXPECT_EQ(out.skip, Reason::other_build);
  EXPECT_EQ(out.detail,
            "churn 1.4.0 has no build in place of churn_2.11-1.3.0.jar, it has churn_2.12-1.4.0.jar, "
            "churn_2.13-1.4.0.jar");
  EXPECT_FALSE(fell_short(Reason::other_build));
  EXPECT_EQ(to_string(Reason::other_build), "other-build");
}

}  // namespace
}  // namespace mlship
