// A version belongs to whoever was told that it is published, however slow, late or asleep the others are.

#include "registry/oci_claim.h"

#include "core/json_library.h"
#include "tests/support/fakes.h"
#include "tests/support/oci_server.h"
#include "tests/support/registry_fixture.h"

namespace mlship {
namespace {

using std::chrono::seconds;
using test::error_of;
using test::fact;
using testing::reply;
using testing::Reply;
using testing::WireRequest;

class Claims : public ::testing::Test {
 protected:
  [[nodiscard]] static bool writes_version(const WireRequest& r) {
    return r.method == "PUT" && r.target.ends_with("/manifests/1.4.0");
  }
  // The tag of somebody else's claim of 1.4.0.
  [[nodiscard]] static std::string rival(const Digest& digest) {
    return std::string(claim_prefix) + sha256("1.4.0").hex().substr(0, 16) + "-" + digest.hex() +
           "-0123456789ab";
  }
  void set(const std::string& tag, const std::string& bytes, const std::string& type) {
    const std::string digest = sha256(bytes).str();
    server_.manifests[digest] = {bytes, type};
    server_.tags[tag] = digest;
  }
  void claim(const Digest& digest, const std::string& state, const std::string& renewal = "0") {
    set(rival(digest),
        canonical_json(
            {{"schemaVersion", 2},
             {"mediaType", oci::media::index},
             {"manifests", Json::array()},
             {"annotations", {{"dev.mlship.claim.state", state}, {"dev.mlship.claim.renewal", renewal}}}}),
        oci::media::index);
  }
  PutResult publish() {
    const auto b = test::small_bundle(around_.folder() / "dist", {"ours"});
    return registry_->put_if_absent("churn", "1.4.0", b.layout, b.manifest, around_.diagnostics);
  }
  [[nodiscard]] Digest ours() const { return *Digest::parse(server_.tags.at("1.4.0")); }

  test::Surroundings around_;
  testing::ManualClock clock_;
  std::unique_ptr<Http> http_ = curl_http(around_.env, clock_);
  Host host_{around_.env, clock_, *http_, *around_.process};
  testing::OciServer server_;
  std::unique_ptr<Registry> registry_ = open_registry("oci://" + server_.host() + "/ml", host_);
  // Somebody else's manifest of the same version, and its one blob.
  const std::string other_ = [this] {
    const std::string config = "{}";
    server_.blobs[sha256(config).str()] = config;
    oci::Manifest manifest;
    manifest.config = {oci::media::empty, sha256(config), config.size(), {}, ""};
    return oci::serialize(manifest);
  }();
};

TEST_F(Claims, AClaimThatIsRenewedIsWaitedForHoweverLongItTakes) {
  const Digest theirs = sha256(other_);
  std::chrono::milliseconds written{0};
  server_.instead = [&](const WireRequest& r) -> std::optional<Reply> {
    const auto now = std::chrono::duration_cast<seconds>(clock_.monotonic());
    if (now < seconds(600)) {
      claim(theirs, "claimed", std::to_string(now.count() / 20));
    } else {
      server_.tags.erase(rival(theirs));
    }
    if (writes_version(r)) written = clock_.monotonic();
    return std::nullopt;
  };
  EXPECT_TRUE(publish().published);
  EXPECT_GE(written, seconds(600));
}

TEST_F(Claims, AClaimThatNobodyRenewsIsPassedOverAndThatStaysOnRecord) {
  const Digest theirs = sha256(other_);
  claim(theirs, "claimed");
  EXPECT_TRUE(publish().published);
  EXPECT_GE(clock_.monotonic(), OciClaim::patience);
  EXPECT_LT(clock_.monotonic(), OciClaim::patience + seconds(5));
  int records = 0;
  for (const auto& [tag, digest] : server_.tags) {
    if (tag.find(ours().hex()) == std::string::npos) continue;
    ++records;
    EXPECT_NE(server_.manifests.at(digest).bytes.find("\"published\""), std::string::npos);
  }
  EXPECT_EQ(records, 1);
  EXPECT_EQ(server_.names(), std::vector<std::string>{"1.4.0"}) << "no record is a version";
}

TEST_F(Claims, AWithdrawnClaimHoldsNobodyUp) {
  claim(sha256(other_), "withdrawn");
  EXPECT_TRUE(publish().published);
  EXPECT_LT(clock_.monotonic(), seconds(5));
}

// This process slept while its write was under way; somebody else published meanwhile, and the late write
// replaced it.
TEST_F(Claims, ALateWriteIsPutBackAndIsAConflict) {
  const Digest theirs = sha256(other_);
  server_.instead = [&](const WireRequest& r) -> std::optional<Reply> {
    if (!writes_version(r) || r.body == other_) return std::nullopt;
    clock_.advance(OciClaim::patience * 2);
    server_.manifests[theirs.str()] = {other_, oci::media::manifest};
    claim(theirs, "published");
    return server_.honest(r);
  };
  const auto error = error_of([&] { publish(); });
  EXPECT_EQ(error.code(), ErrorCode::version_exists);
  EXPECT_EQ(fact(error, "remote"), theirs.str());
  EXPECT_EQ(server_.tags.at("1.4.0"), theirs.str()) << "what somebody was told is published stays";
}

TEST_F(Claims, ALateWriteThatNobodyMissedIsASuccess) {
  int writes = 0;
  server_.instead = [&](const WireRequest& r) -> std::optional<Reply> {
    if (writes_version(r) && writes++ == 0) clock_.advance(OciClaim::patience * 2);
    return std::nullopt;
  };
  EXPECT_TRUE(publish().published);
  EXPECT_EQ(writes, 1) << "the version is looked at, not written again";
}

TEST_F(Claims, SleepingBetweenTheLookAndTheWriteMeansLookingAgain) {
  const Digest theirs = sha256(other_);
  bool slept = false;
  server_.instead = [&](const WireRequest& r) -> std::optional<Reply> {
    if (r.method != "HEAD" || !r.target.ends_with("/manifests/1.4.0") || slept) return std::nullopt;
    if (server_.tags.empty()) return std::nullopt;  // the first look, before any claim
    slept = true;
    clock_.advance(OciClaim::patience * 2);
    auto absent = server_.honest(r);
    set("1.4.0", other_, oci::media::manifest);
    return absent;
  };
  EXPECT_EQ(error_of([&] { publish(); }).code(), ErrorCode::version_exists);
  EXPECT_TRUE(slept);
  EXPECT_EQ(server_.tags.at("1.4.0"), theirs.str());
}

}  // namespace
}  // namespace mlship
