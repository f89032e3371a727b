#include "core/oci.h"

#include <fstream>

#include <gtest/gtest.h>

#include "core/json_library.h"

namespace mlship::oci {
namespace {

Manifest sample() {
  Manifest m;
  m.artifact_type = media::model_manifest;
  m.config = {media::model_config, sha256("{}"), 2, {}, ""};
  m.layers = {{media::code_tar, sha256("x"), 1, {{annotation::title, "code.tar"}}, ""}};
  m.annotations = {{"a", "b"}};
  return m;
}

TEST(Manifest, BytesComeBackTheSame) {
  const std::string bytes = serialize(sample());
  EXPECT_EQ(serialize(parse_manifest(bytes, "m")), bytes);
  EXPECT_EQ(parse_manifest(bytes, "m").layers.at(0).title(), "code.tar");
}

TEST(Manifest, RefusesWhatIsNotOne) {
  Json json = Json::parse(serialize(sample()));
  const auto refused = [](Json value) {
    try {
      parse_manifest(value.dump(), "m");
    } catch (const Error& e) {
      return e.code() == ErrorCode::bundle;
    }
    return false;
  };
  const auto with = [&json](const char* pointer, const Json& value) {
    Json copy = json;
    copy[Json::json_pointer(pointer)] = value;
    return copy;
  };
  EXPECT_FALSE(refused(json));
  EXPECT_TRUE(refused(with("/manifests", Json::array())));
  EXPECT_TRUE(refused(with("/schemaVersion", 1)));
  EXPECT_TRUE(refused(with("/mediaType", media::index)));
  EXPECT_TRUE(refused(with("/layers/0/size", -1)));
  EXPECT_TRUE(refused(with("/layers/0/digest", "md5:abc")));
  EXPECT_TRUE(refused(with("/layers", "x")));
  EXPECT_TRUE(refused(with("/annotations/a", 1)));
  EXPECT_TRUE(refused(Json::array()));
}

TEST(Layout, AFolderNobodySeesYetEndsAsAnyOther) {
  const fs::TempFolder folder(std::filesystem::temp_directory_path());
  fs::write_atomic(folder.path() / "adopted", "adopted");
  const auto fill = [&](const Layout& layout) {
    layout.write_index({layout.write_blob("hello", "text/plain"), layout.write_blob("hello", "text/plain")});
  };
  const Layout hidden = Layout::create_private(folder.path() / "hidden");
  const Layout open = Layout::create(folder.path() / "open");
  fill(hidden);
  fill(open);
  const auto files = fs::walk(open.folder());
  EXPECT_EQ(fs::walk(hidden.folder()), files);
  EXPECT_EQ(files.size(), 3U);
  for (const auto& file : files) {
    EXPECT_EQ(fs::read_file(hidden.folder() / file), fs::read_file(open.folder() / file)) << file;
  }
  hidden.adopt_blob(folder.path() / "adopted", sha256("adopted"));
  EXPECT_EQ(Layout::open(hidden.folder()).read_blob(sha256("adopted")), "adopted");
}

TEST(Layout, BlobsAreVerifiedWhenRead) {
  const fs::TempFolder folder(std::filesystem::temp_directory_path());
  const Layout layout = Layout::create(folder.path() / "l");
  const Descriptor blob = layout.write_blob("hello", "text/plain");
  EXPECT_EQ(layout.read_blob(blob.digest), "hello");
  std::ofstream(layout.blob_path(blob.digest)) << "jello";
  try {
    (void)layout.read_blob(blob.digest);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::verification);
  }
}

TEST(Layout, IndexRoundTripAndOpen) {
  const fs::TempFolder folder(std::filesystem::temp_directory_path());
  const Layout layout = Layout::create(folder.path() / "l");
  EXPECT_TRUE(layout.index().empty());
  layout.write_index({{media::manifest, sha256("m"), 1, {{annotation::ref_name, "1.0"}}, "t"}});
  const auto index = Layout::open(folder.path() / "l").index();
  ASSERT_EQ(index.size(), 1U);
  EXPECT_EQ(index[0].annotations.at(annotation::ref_name), "1.0");
  EXPECT_THROW(Layout::open(folder.path()), Error);
  EXPECT_THROW(Layout::open(folder.path() / "none"), Error);
}

}  // namespace
}  // namespace mlship::oci
