#include "registry/publish.h"

#include "registry/list.h"
#include "tests/support/registry_fixture.h"

namespace mlship {
namespace {

using test::error_of;
using test::fact;

class Publish : public ::testing::Test {
 protected:
  PublishRequest request(const std::string& version, const std::string& content) {
    const auto b = test::small_bundle(around_.folder() / ("dist-" + version + content), {content});
    Provenance provenance;
    provenance.builder = "urn:mlship:builder:local";
    provenance.published = 1'700'000'000;
    return {"churn", Version::require(version, Scheme::pep440, "version"), b.layout, b.manifest, provenance,
            ""};
  }
  PublishResult publish(const PublishRequest& r) {
    return publish_bundle(*registry_, r, around_.diagnostics);
  }
  std::vector<VersionRow> rows() { return list_versions(*registry_, "churn", Scheme::pep440); }

  test::Surroundings around_;
  std::unique_ptr<Registry> registry_ =
      open_registry("layout:" + (around_.folder() / "registry").string(), around_.host);
};

TEST_F(Publish, AddsProvenanceThatSaysWhereTheBundleIs) {
  const auto r = request("1.4.0", "a");
  const auto result = publish(r);
  EXPECT_TRUE(result.put.published);
  EXPECT_TRUE(result.provenance_added);
  const auto p = get_provenance(*registry_, "churn", r.manifest.digest);
  ASSERT_TRUE(p);
  EXPECT_EQ(p->published, 1'700'000'000);
  ASSERT_EQ(p->placements.size(), 1U);
  EXPECT_EQ(p->placements[0].kind, "bundle");
  EXPECT_EQ(p->placements[0].where, registry_->url());
  EXPECT_EQ(p->placements[0].digest, r.manifest.digest);
}

TEST_F(Publish, AgainAddsNothing) {
  auto r = request("1.4.0", "a");
  publish(r);
  r.provenance.published += 60;
  const auto again = publish(r);
  EXPECT_FALSE(again.put.published);
  EXPECT_FALSE(again.provenance_added);
  EXPECT_EQ(registry_->referrers("churn", r.manifest.digest).size(), 1U);
}

TEST_F(Publish, ANewVersionCanBeRefusedBeforeAnythingIsSent) {
  auto r = request("1.4.0", "a");
  int asked = 0;
  r.when_new = [&] {
    ++asked;
    if (asked == 1) throw Error(ErrorCode::version, "not this one");
  };
  EXPECT_EQ(error_of([&] { publish(r); }).message(), "not this one");
  EXPECT_TRUE(registry_->tag_names("churn").empty());
  publish(r);
  publish(r);  // it is there: nothing new
  EXPECT_EQ(asked, 2);
}

TEST_F(Publish, FinishesOneThatWasKilledBeforeItsProvenance) {
  const auto r = request("1.4.0", "a");
  registry_->put_if_absent("churn", "1.4.0", r.layout, r.manifest, around_.diagnostics);
  const auto result = publish(r);
  EXPECT_FALSE(result.put.published);
  EXPECT_TRUE(result.provenance_added);
}

TEST_F(Publish, VersionsAreEqualWhenTheyParseEqual) {
  const auto first = request("1.4.0", "a");
  publish(first);
  const auto other = request("1.4", "b");
  const auto error = error_of([&] { publish(other); });
  EXPECT_EQ(error.code(), ErrorCode::version_exists);
  EXPECT_EQ(fact(error, "local"), other.manifest.digest.str());
  EXPECT_EQ(fact(error, "remote"), first.manifest.digest.str());
  EXPECT_EQ(rows().size(), 1U);
  const auto found = find_version(*registry_, "churn", other.version);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->digest, first.manifest.digest);
  EXPECT_EQ(find_version(*registry_, "churn", Version::require("1.5", Scheme::pep440, "version")),
            std::nullopt);
}

TEST_F(Publish, MovesTheTagThatWasAskedFor) {
  auto old = request("1.3.0", "a");
  old.tag = "stable";
  EXPECT_EQ(publish(old).tag_before, std::nullopt);
  auto next = request("1.4.0", "b");
  publish(next);
  EXPECT_EQ(registry_->resolve_tag("churn", "stable"), old.manifest.digest);
  next.tag = "stable";
  EXPECT_EQ(publish(next).tag_before, old.manifest.digest);
  EXPECT_EQ(registry_->resolve_tag("churn", "stable"), next.manifest.digest);
  next.tag = "not a tag";
  EXPECT_EQ(error_of([&] { publish(next); }).code(), ErrorCode::reference);
}

TEST_F(Publish, RowsAreInTheOrderOfVersionsWithTagsSizesAndDates) {
  for (const std::string version : {"1.10.0", "1.9.0", "2!0.1", "1.10.0rc1", "1.9.0+cu118"}) {
    publish(request(version, version));
  }
  auto tagged = request("1.9.0", "1.9.0");
  for (const std::string tag : {"stable", "canary"}) {
    tagged.tag = tag;
    publish(tagged);
  }
  const auto found = rows();
  std::vector<std::string> versions;
  for (const auto& row : found) versions.push_back(row.version.str());
  EXPECT_EQ(versions, (std::vector<std::string>{"1.9.0", "1.9.0+cu118", "1.10.0rc1", "1.10.0", "2!0.1"}));
  EXPECT_EQ(found[0].tags, (std::vector<std::string>{"canary", "stable"}));
  EXPECT_TRUE(found[1].tags.empty());
  EXPECT_EQ(found[0].published, 1'700'000'000);
  const auto parsed = oci::parse_manifest(registry_->get_manifest("churn", found[0].manifest.digest), "m");
  EXPECT_EQ(found[0].size, found[0].manifest.size + parsed.config.size + 5U);
  const auto tags = list_tags(*registry_, "churn", Scheme::pep440);
  ASSERT_EQ(tags.size(), 2U);
  EXPECT_EQ(tags[1].tag, "stable");
}

TEST_F(Publish, AVersionWithoutProvenanceHasNoDate) {
  const auto r = request("1.4.0", "a");
  registry_->put_if_absent("churn", "1.4.0", r.layout, r.manifest, around_.diagnostics);
  ASSERT_EQ(rows().size(), 1U);
  EXPECT_EQ(rows()[0].published, std::nullopt);
}

}  // namespace
}  // namespace mlship
