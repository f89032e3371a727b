// What is the layout: backend's own: its files, and what a folder that others can reach may do to it.

#include <fstream>

#include <sys/stat.h>

#include "core/json_library.h"
#include "registry/provenance.h"
#include "tests/support/registry_fixture.h"

namespace mlship {
namespace {

using test::error_of;
using test::small_bundle;

class LayoutRegistry : public ::testing::Test {
 protected:
  [[nodiscard]] Path package() const { return around_.folder() / "registry/churn"; }
  std::unique_ptr<Registry> open() {
    return open_registry("layout:" + (around_.folder() / "registry").string(), around_.host);
  }
  PutResult put(const std::string& tag, const test::SmallBundle& b) {
    return open()->put_if_absent("churn", tag, b.layout, b.manifest, around_.diagnostics);
  }
  // Files of the package that are neither the layout's own nor the lock.
  std::vector<std::string> strangers() {
    std::vector<std::string> out;
    for (const auto& path : fs::walk(package())) {
      const std::string text = path.string();
      const bool blob = text.starts_with("blobs/sha256/") && path.filename().string().size() == 64;
      if (!blob && text != "index.json" && text != "oci-layout" && text != ".lock" &&
          text != ".blob-stats.json")
        out.push_back(text);
    }
    return out;
  }
  void write_index(const std::string& text) { fs::write_atomic(package() / "index.json", text); }

  test::Surroundings around_;
  test::SmallBundle bundle_ = small_bundle(around_.folder() / "dist", {"code", "the model"});
};

TEST_F(LayoutRegistry, OwnsItsBlobs) {
  put("1.4.0", bundle_);
  const Path source = bundle_.layout.blob_path(bundle_.parsed.layers[1].digest);
  const Path blob = package() / "blobs/sha256" / source.filename();
  EXPECT_EQ(fs::stat(blob)->mode, 0444U);
  EXPECT_EQ(fs::stat(blob)->links, 1U);
  EXPECT_NE(fs::stat(blob)->inode, fs::stat(source)->inode);
  // A training script that rewrites the model in place.
  std::ofstream(source) << "ANOTHER";
  EXPECT_EQ(fs::read_file(blob), "the model");
  EXPECT_EQ(strangers(), std::vector<std::string>{});
}

TEST_F(LayoutRegistry, PublishingAgainWritesNothing) {
  put("1.4.0", bundle_);
  const auto before = fs::stat(package() / "index.json");
  const auto folder = fs::stat(package());
  EXPECT_FALSE(put("1.4.0", bundle_).published);
  EXPECT_EQ(fs::stat(package() / "index.json")->ctime_ns, before->ctime_ns);
  EXPECT_EQ(fs::stat(package())->ctime_ns, folder->ctime_ns);
}

TEST_F(LayoutRegistry, ARefusedVersionWritesNothing) {
  put("1.4.0", bundle_);
  const auto files = fs::walk(package());
  const auto other = small_bundle(around_.folder() / "other", {"other code"});
  EXPECT_EQ(error_of([&] { put("1.4.0", other); }).code(), ErrorCode::version_exists);
  EXPECT_EQ(fs::walk(package()), files);
}

TEST_F(LayoutRegistry, SweepsWhatAKilledPublishLeft) {
  put("1.3.0", small_bundle(around_.folder() / "old", {"old"}));
  fs::make_folders(package() / ".incoming-abc");
  fs::write_atomic(package() / ".incoming-abc/half", "half a blob");
  fs::write_atomic(package() / ".index.json.mlship-abcdefghijkl", "half an index");
  put("1.4.0", bundle_);
  EXPECT_EQ(strangers(), std::vector<std::string>{});
}

TEST_F(LayoutRegistry, AFirstPublishThatWasKilledIsAbsent) {
  fs::make_folders(package() / "blobs/sha256");
  EXPECT_TRUE(open()->list("churn").empty());
  write_index(R"({"schemaVersion":2,"manifests":[]})");
  EXPECT_TRUE(open()->list("churn").empty());
  EXPECT_TRUE(open()->packages().empty());
  EXPECT_TRUE(put("1.4.0", bundle_).published);
}

TEST_F(LayoutRegistry, WhatIsHalfThereIsNotAbsent) {
  put("1.4.0", bundle_);
  fs::remove_file(package() / "oci-layout");
  EXPECT_EQ(error_of([&] { open()->stat("churn", "1.4.0"); }).code(), ErrorCode::bundle);
  fs::write_atomic(package() / "oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  fs::remove_file(package() / "index.json");
  EXPECT_EQ(error_of([&] { open()->stat("churn", "1.4.0"); }).code(), ErrorCode::bundle);
  write_index("{");
  EXPECT_EQ(error_of([&] { open()->stat("churn", "1.4.0"); }).code(), ErrorCode::bundle);
}

TEST_F(LayoutRegistry, AFileIsNoRegistry) {
  fs::write_atomic(around_.folder() / "registry", "a file");
  EXPECT_EQ(error_of([&] { open()->list("churn"); }).code(), ErrorCode::io);
}

TEST_F(LayoutRegistry, DamagedBytesNeverComeBack) {
  put("1.4.0", bundle_);
  const auto& layer = bundle_.parsed.layers[1];
  const Path blob = package() / "blobs/sha256" / layer.digest.hex();
  fs::remove_file(blob);
  fs::write_atomic(blob, "the mOdel");
  const Path out = around_.folder() / "out";
  EXPECT_EQ(error_of([&] { open()->get_blob("churn", layer, out); }).code(), ErrorCode::verification);
  EXPECT_FALSE(fs::exists(out));
  const Path manifest = package() / "blobs/sha256" / bundle_.manifest.digest.hex();
  fs::remove_file(manifest);
  fs::write_atomic(manifest, std::string(bundle_.manifest.size, ' '));
  EXPECT_EQ(error_of([&] { open()->get_manifest("churn", bundle_.manifest.digest); }).code(),
            ErrorCode::verification);
}

TEST_F(LayoutRegistry, PublishingAgainRestoresALostBlob) {
  put("1.4.0", bundle_);
  const auto& layer = bundle_.parsed.layers[1];
  const Path blob = package() / "blobs/sha256" / layer.digest.hex();
  fs::remove_file(blob);
  const auto result = put("1.4.0", bundle_);
  EXPECT_FALSE(result.published);
  EXPECT_EQ(result.uploaded_blobs, 1U);
  EXPECT_EQ(fs::read_file(blob), "the model");
}

TEST_F(LayoutRegistry, OneNameForTwoManifestsIsAnError) {
  put("1.4.0", bundle_);
  put("1.5.0", small_bundle(around_.folder() / "b", {"b"}));
  std::string index = fs::read_file(package() / "index.json");
  index.replace(index.find("\"1.5.0\""), 7, "\"1.4.0\"");
  write_index(index);
  EXPECT_EQ(error_of([&] { open()->stat("churn", "1.4.0"); }).code(), ErrorCode::bundle);
}

TEST_F(LayoutRegistry, KeepsWhatOtherToolsPutThere) {
  put("1.4.0", bundle_);
  std::string index = fs::read_file(package() / "index.json");
  const Digest foreign = sha256("an image index of another tool");
  index.insert(index.find('[') + 1,
               R"({"mediaType":"application/vnd.oci.image.index.v1+json","size":30,"digest":")" +
                   foreign.str() + R"("},)");
  write_index(index);
  put("1.5.0", small_bundle(around_.folder() / "b", {"b"}));
  EXPECT_NE(fs::read_file(package() / "index.json").find(foreign.str()), std::string::npos);
  EXPECT_EQ(open()->list("churn").size(), 2U);
  EXPECT_TRUE(open()->referrers("churn", bundle_.manifest.digest).empty());
}

// image-spec: `platform`, `data`, `urls` of a descriptor, `annotations` and `subject` of an index.
TEST_F(LayoutRegistry, KeepsTheFieldsThatOtherToolsGaveItsEntries) {
  put("1.4.0", bundle_);
  Json index = Json::parse(fs::read_file(package() / "index.json"));
  index["annotations"] = {{"org.example.owner", "team"}};
  index["x-new"] = 7;
  index["manifests"][0]["platform"] = {{"os", "linux"}};
  index["manifests"][0]["annotations"]["org.example.note"] = "keep";
  write_index(index.dump());
  open()->move_tag("churn", "stable", bundle_.manifest, std::nullopt);
  put("1.5.0", small_bundle(around_.folder() / "b", {"b"}));
  put_provenance(*open(), "churn", bundle_.manifest, {});
  const Json now = Json::parse(fs::read_file(package() / "index.json"));
  EXPECT_EQ(now["annotations"]["org.example.owner"], "team");
  EXPECT_EQ(now["x-new"], 7);
  int kept = 0;
  for (const auto& entry : now["manifests"]) {
    if (entry["digest"] != bundle_.manifest.digest.str()) continue;
    EXPECT_EQ(entry["platform"]["os"], "linux");
    EXPECT_EQ(entry["annotations"]["org.example.note"], "keep");
    ++kept;
  }
  EXPECT_EQ(kept, 2) << "the version and the tag";
  EXPECT_EQ(open()->list("churn").size(), 3U);
}

// Ways in which a disk or a copy changes a blob and keeps its size.
enum class Rot { flipped, zeroed, old_time };
class RottenBlob : public LayoutRegistry, public ::testing::WithParamInterface<Rot> {
 protected:
  void rot(const Path& file) {
    const auto before = std::filesystem::last_write_time(file);
    std::string text = fs::read_file(file);
    if (GetParam() == Rot::zeroed) text.assign(text.size(), '\0');
    text[text.size() / 2] = static_cast<char>(text[text.size() / 2] ^ 1);
    fs::set_mode(file, 0644);
    std::ofstream(file, std::ios::in | std::ios::out) << text;
    fs::set_mode(file, 0444);
    if (GetParam() == Rot::old_time) std::filesystem::last_write_time(file, before);
  }
  [[nodiscard]] Path blob(const Digest& digest) const { return package() / "blobs/sha256" / digest.hex(); }
};

TEST_P(RottenBlob, PublishingTheSameAgainMendsIt) {
  put("1.4.0", bundle_);
  for (const auto& digest :
       {bundle_.parsed.layers[1].digest, bundle_.parsed.config.digest, bundle_.manifest.digest}) {
    rot(blob(digest));
    EXPECT_EQ(open()->damage().size(), 1U);
    EXPECT_FALSE(put("1.4.0", bundle_).published);
    EXPECT_EQ(fs::hash_file(blob(digest)), digest);
    EXPECT_TRUE(open()->damage().empty());
  }
}

TEST_P(RottenBlob, AnotherVersionThatSharesItSendsItAgain) {
  put("1.4.0", bundle_);
  const Digest shared = bundle_.parsed.layers[1].digest;
  rot(blob(shared));
  const auto next = small_bundle(around_.folder() / "next", {"new code", "the model"});
  const auto result = put("1.5.0", next);
  EXPECT_EQ(result.uploaded_bytes, std::string("new code").size() + std::string("the model").size());
  EXPECT_EQ(fs::hash_file(blob(shared)), shared);
}

TEST_P(RottenBlob, IsNeverServed) {
  put("1.4.0", bundle_);
  rot(blob(bundle_.parsed.layers[1].digest));
  const Path out = around_.folder() / "out";
  EXPECT_EQ(error_of([&] { open()->get_blob("churn", bundle_.parsed.layers[1], out); }).code(),
            ErrorCode::verification);
  EXPECT_FALSE(fs::exists(out));
  EXPECT_EQ(open()->missing("churn", {bundle_.parsed.layers[1]}).size(), 1U) << "promote sends it";
}

INSTANTIATE_TEST_SUITE_P(Ways, RottenBlob, ::testing::Values(Rot::flipped, Rot::zeroed, Rot::old_time));

TEST_F(LayoutRegistry, ARecordOfBlobsThatCannotBeReadIsMadeAnew) {
  put("1.4.0", bundle_);
  const Path record = package() / ".blob-stats.json";
  const std::string sound = fs::read_file(record);
  for (const std::string text : {"", "{", "[]", R"({"zz": 1})"}) {
    fs::write_atomic(record, text);
    EXPECT_FALSE(put("1.4.0", bundle_).published);
    EXPECT_EQ(fs::read_file(record), sound) << text;
  }
}

TEST_F(LayoutRegistry, FilesOfAGroupAreMadeByTheUmask) {
  const auto before = umask(002);
  put("1.4.0", bundle_);
  umask(before);
  for (const char* name : {"index.json", "oci-layout", ".lock", ".blob-stats.json"})
    EXPECT_EQ(fs::stat(package() / name)->mode, 0664U) << name;
  put("1.5.0", small_bundle(around_.folder() / "b", {"b"}));
  EXPECT_EQ(fs::stat(package() / "index.json")->mode, 0664U) << "what is written anew keeps its mode";
}

TEST_F(LayoutRegistry, SeesWhatAnotherProcessPublishedMeanwhile) {
  const auto reader = open();
  EXPECT_TRUE(reader->list("churn").empty());
  put("1.4.0", bundle_);
  EXPECT_EQ(reader->list("churn").size(), 1U);
  put("1.5.0", small_bundle(around_.folder() / "b", {"b"}));
  EXPECT_EQ(reader->list("churn").size(), 2U);
}

TEST_F(LayoutRegistry, OnlyPackagesAreListed) {
  put("1.4.0", bundle_);
  fs::make_folders(around_.folder() / "registry/Notes");
  fs::make_folders(around_.folder() / "registry/empty");
  fs::write_atomic(around_.folder() / "registry/readme", "text");
  EXPECT_EQ(open()->packages(), std::vector<std::string>{"churn"});
}

TEST_F(LayoutRegistry, UrlsNameFolders) {
  const auto url = [this](const std::string& text) { return open_registry(text, around_.host)->url(); };
  const std::string home = (around_.folder() / "home").string();
  EXPECT_EQ(url("layout:~/registry"), "layout:" + home + "/registry");
  EXPECT_EQ(url("layout:~"), "layout:" + home);
  EXPECT_EQ(url("layout:/srv/a/../b/"), "layout:/srv/b");
  EXPECT_EQ(url("layout:here"), "layout:" + (std::filesystem::current_path() / "here").string());
  EXPECT_EQ(error_of([&] { url("layout:"); }).code(), ErrorCode::project_file);
}

}  // namespace
}  // namespace mlship
