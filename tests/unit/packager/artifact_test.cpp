#include "packager/artifact.h"

#include <gtest/gtest.h>

#include "packager/bundle_diff.h"
#include "tests/unit/packager/archive_fixture.h"

namespace mlship::test {
namespace {

// One member per "path=content" argument.
constexpr auto zip_script = R"(
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as z:
    for member in sys.argv[2:]:
        path, content = member.split("=", 1)
        z.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), content)
)";

class ArtifactTest : public ArchiveTest {
 protected:
  Path zip(const std::string& name, std::vector<std::string> members) const {
    fs::make_folders((folder() / name).parent_path());
    members.insert(members.begin(), name);
    ArchiveTest::python(zip_script, members);
    return folder() / name;
  }
  static std::string pom(const std::string& name, const std::string& version) {
    return "META-INF/maven/com.example/" + name + "/pom.properties=#by Maven\nversion=" + version +
           "\r\nartifactId=" + name + "\n";
  }
  Artifact read(const Path& file) {
    const Path scratch = folder() / fs::unique_name("scratch-");
    fs::make_folders(scratch);
    return read_artifact(file, scratch);
  }
  std::string claims(const Path& file) {
    std::string out;
    for (const auto& claim : read(file).claims) out += claim.name + " " + claim.version + "; ";
    return out;
  }
  std::string refusal(const Path& file) {
    const Error error = error_of([&] { read(file); });
    EXPECT_EQ(error.exit_code(), ExitCode::bad_input) << error.message();
    return error.message();
  }
  Bundle bundle(const Path& file, const std::string& version = "1.4.0", Scheme scheme = Scheme::pep440) {
    return bundle_artifact(read(file), "churn", Version::require(version, scheme, "test"),
                           folder() / fs::unique_name("layout-"));
  }
};

TEST_F(ArtifactTest, AnEggSaysNameAndVersionInPkgInfo) {
  const auto egg =
      zip("churn-1.4.0-py3.6.egg", {"EGG-INFO/PKG-INFO=Metadata-Version: 1.0\nName: churn\nVersion: "
                                    "1.4.0\nSummary: Predicts churn\nLicense: UNKNOWN\n\nName: not this\n"});
  const Artifact artifact = read(egg);
  EXPECT_EQ(artifact.kind, "egg");
  EXPECT_EQ(artifact.description, "Predicts churn");
  EXPECT_EQ(artifact.digest, fs::hash_file(egg));
  EXPECT_EQ(claims(egg), "churn 1.4.0; ");
}

TEST_F(ArtifactTest, AJarTellsEveryPomPropertiesAndNoOtherFile) {
  EXPECT_EQ(claims(zip("churn-1.4.0.jar", {"a/B.class=x"})), "");
  EXPECT_EQ(claims(zip("churn-1.4.0.jar", {pom("churn_2.12", "1.4.0"), pom("gson", "2.8.9"),
                                           "META-INF/maven/pom.properties=version=9",
                                           "x/META-INF/maven/a/b/pom.properties=version=9"})),
            "churn_2.12 1.4.0; gson 2.8.9; ");
}

TEST_F(ArtifactTest, MetadataThatSaysNothingOrTwoThingsIsRefused) {
  const auto egg = [&](const std::string& text) {
    return refusal(zip("churn-1.4.0-py3.6.egg", {"EGG-INFO/PKG-INFO=" + text}));
  };
  EXPECT_EQ(egg("Name: churn\n"), "cannot publish churn-1.4.0-py3.6.egg: EGG-INFO/PKG-INFO has no version");
  EXPECT_EQ(egg("Version: 1.4.0\n"), "cannot publish churn-1.4.0-py3.6.egg: EGG-INFO/PKG-INFO has no name");
  EXPECT_EQ(egg("Name: churn\nVersion: 1.4.0\nVersion: 1.5.0\n"),
            "cannot publish churn-1.4.0-py3.6.egg: EGG-INFO/PKG-INFO has two lines 'version'");
  EXPECT_EQ(refusal(zip("churn-1.4.0-py3.6.egg", {"churn/__init__.py="})),
            "cannot publish churn-1.4.0-py3.6.egg: it has no EGG-INFO/PKG-INFO");
  EXPECT_EQ(
      refusal(zip("churn-1.4.0.jar", {"META-INF/maven/a/b/pom.properties=version=1.4.0\n"})),
      "cannot publish churn-1.4.0.jar: META-INF/maven/a/b/pom.properties names no artifactId or no version");
}

TEST_F(ArtifactTest, WhatIsNoSoundArchiveIsRefused) {
  EXPECT_EQ(refusal(put("churn-1.4.0.jar", "not a zip")),
            "cannot read churn-1.4.0.jar: it does not end with the end record of a zip");
  EXPECT_EQ(refusal(put("churn-1.4.0.jar", "")),
            "cannot read churn-1.4.0.jar: it does not end with the end record of a zip");
  const auto good = fs::read_file(zip("churn-1.4.0.jar", {"a/B.class=some content that has a checksum"}));
  std::string bad = good;
  bad[40] ^= 1;  // in the deflated data
  EXPECT_NE(refusal(put("churn-1.4.0.jar", bad)), "");
  EXPECT_NE(refusal(put("churn-1.4.0.jar", good + "behind")), "");
  EXPECT_NE(refusal(put("churn-1.4.0.jar", good.substr(0, good.size() - 1))), "");
  ArchiveTest::python(R"(
import zipfile
with zipfile.ZipFile("bomb-1.4.0.jar", "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("zeros", b"\0" * (80 << 20))
link = zipfile.ZipInfo("link")
link.external_attr = 0o120777 << 16
with zipfile.ZipFile("link-1.4.0.jar", "w") as z:
    z.writestr(link, "/etc/passwd")
)");
  EXPECT_EQ(refusal(folder() / "bomb-1.4.0.jar"),
            "cannot read bomb-1.4.0.jar: 'zeros' unpacks to more than 50 times its size");
  EXPECT_NE(refusal(folder() / "link-1.4.0.jar").find("is a link"), std::string::npos);
}

TEST_F(ArtifactTest, WhatIsNoFileOfTheThreeKindsIsRefused) {
  put("churn-1.4.0.tar.gz", "x");
  put("churn 1.4.0.jar", "x");
  put("$(id)-1.4.0.jar", "x");
  const auto jar = zip("churn-1.4.0.jar", {"a/B.class=x"});
  std::filesystem::create_symlink(jar, folder() / "other-1.4.0.jar");
  fs::make_folders(folder() / "folder-1.4.0.egg");
  EXPECT_EQ(refusal(folder() / "churn-1.4.0.tar.gz"),
            "cannot publish churn-1.4.0.tar.gz: it is no .whl, .egg or .jar file");
  for (const std::string name : {"churn 1.4.0.jar", "$(id)-1.4.0.jar"}) {
    EXPECT_EQ(
        refusal(folder() / name),
        "cannot publish " + name + ": its name has other characters than letters, digits and . _ + ! -");
  }
  EXPECT_NE(refusal(folder() / "other-1.4.0.jar").find("it is a link"), std::string::npos);
  EXPECT_NE(refusal(folder() / "folder-1.4.0.egg").find("it is not a file"), std::string::npos);
  EXPECT_EQ(error_of([&] { read(folder() / "absent-1.jar"); }).code(), ErrorCode::not_found);
}

// Two METADATA, a RECORD that lies, a .dist-info of another name.
TEST_F(ArtifactTest, AWheelIsHeldToItsRecord) {
  constexpr auto script = R"(
import base64, hashlib, sys, zipfile
def wheel(file, info, extra=(), lie=False):
    members = {"churn/__init__.py": b"", info + "/WHEEL": b"Wheel-Version: 1.0\n",
               info + "/METADATA": b"Metadata-Version: 2.1\nName: churn\nVersion: 1.4.0\n", **dict(extra)}
    rows = ""
    for path, content in members.items():
        digest = hashlib.sha256(content + (b"x" if lie and path.endswith("METADATA") else b"")).digest()
        rows += f"{path},sha256={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()},{len(content)}\n"
    members[info + "/RECORD"] = (rows + info + "/RECORD,,\n").encode()
    with zipfile.ZipFile(file, "w") as z:
        for path, content in members.items():
            z.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), content)
name = "churn-1.4.0-py3-none-any.whl"
for folder in ("good", "lie", "two", "other"):
    import os; os.makedirs(folder)
wheel("good/" + name, "churn-1.4.0.dist-info")
wheel("lie/" + name, "churn-1.4.0.dist-info", lie=True)
wheel("two/" + name, "churn-1.4.0.dist-info", [("churn-1.5.0.dist-info/METADATA", b"Name: churn\nVersion: 1.5.0\n")])
wheel("other/" + name, "other-1.4.0.dist-info")
)";
  ArchiveTest::python(script);
  const std::string name = "churn-1.4.0-py3-none-any.whl";
  EXPECT_EQ(claims(folder() / "good" / name), "churn 1.4.0; ");
  EXPECT_EQ(
      refusal(folder() / "lie" / name),
      "cannot publish " + name + ": 'churn-1.4.0.dist-info/METADATA' has another sha256 than in its RECORD");
  EXPECT_EQ(refusal(folder() / "two" / name), "cannot publish " + name + ": it has two .dist-info folders");
  EXPECT_EQ(refusal(folder() / "other" / name),
            "cannot publish " + name + ": its .dist-info folder is that of 'other'");
}

TEST_F(ArtifactTest, TheBundleIsAFunctionOfTheFileAlone) {
  const auto jar = zip("churn-1.4.0.jar", {pom("churn", "1.4.0")});
  const Bundle first = bundle(jar);
  fs::make_folders(folder() / "else where");
  std::filesystem::copy_file(jar, folder() / "else where/churn-1.4.0.jar");
  std::filesystem::last_write_time(folder() / "else where/churn-1.4.0.jar",
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(9999));
  fs::set_mode(folder() / "else where/churn-1.4.0.jar", 0755);
  EXPECT_EQ(bundle(folder() / "else where/churn-1.4.0.jar").digest, first.digest);
  EXPECT_NE(bundle(zip("churn-1.4.0.jar", {pom("churn", "1.4.0"), "a=b"})).digest, first.digest);
  // The format's first version: this digest never changes.
  EXPECT_EQ(bundle(put("fixed/churn-1.4.0.jar", std::string("PK\5\6") + std::string(18, '\0'))).digest.hex(),
            "a589563452320cf4438d18e67fad8930523e837d70208cd194711be5e82a9c4a");
}

TEST_F(ArtifactTest, TheBundleHasOneOutputAndNoTree) {
  const auto jar = zip("churn-1.4.0-SNAPSHOT.jar", {"a/B.class=x"});
  const Bundle made = bundle(jar, "1.4.0-SNAPSHOT", Scheme::semver);
  EXPECT_EQ(verify_bundle(made).blobs, 3U);
  const Release release = made.release();
  EXPECT_FALSE(release.has_tree);
  EXPECT_TRUE(release.file_only);
  ASSERT_EQ(release.outputs.size(), 1U);
  EXPECT_EQ(release.output("jar")->filename, "churn-1.4.0-SNAPSHOT.jar");
  EXPECT_EQ(release.output("jar")->digest, fs::hash_file(jar));
  EXPECT_EQ(release.output("wheel"), nullptr);
  EXPECT_EQ(release.version.str(), "1.4.0-SNAPSHOT");
  const Error error = error_of([&] { make_tree(made, folder() / "tree", Env(), *system_process()); });
  EXPECT_EQ(error.message(), "cannot make a tree of churn 1.4.0-SNAPSHOT: it was published as a single file");
  EXPECT_EQ(error.hint_text(), "mlship pull churn:1.4.0-SNAPSHOT --kind jar");
  EXPECT_FALSE(fs::exists(folder() / "tree"));
}

}  // namespace
}  // namespace mlship::test
