// The rules every registry keeps (registry/registry.h), over every row of registry_factories(). A new backend
// joins by existing: add its rows to `places`, which say how an empty one is made for a test.

#include <algorithm>
#include <iostream>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "registry/further.h"
#include "registry/promote.h"
#include "registry/provenance.h"
#include "tests/support/docker_registry.h"
#include "tests/support/registry_fixture.h"

namespace mlship {
namespace {

using test::error_of;
using test::fact;
using test::small_bundle;
using test::SmallBundle;

// An empty registry of one kind, with what has to run for it.
struct Place {
  std::string url;
  std::unique_ptr<testing::DockerRegistry> server;
};

Place docker_place(const Path& folder, bool basic_auth) {
  auto server = std::make_unique<testing::DockerRegistry>(folder / "server", basic_auth);
  if (basic_auth) {
    testing::write_docker_login(folder / "home/.docker", server->host(), testing::DockerRegistry::user,
                                testing::DockerRegistry::password);
  }
  const std::string url = "oci://" + server->host() + "/ml/team";
  return {url, std::move(server)};
}

struct PlaceRow {
  std::string_view name, scheme;
  Place (*make)(const Path& folder);
};
const std::vector<PlaceRow> places = {
    {"layout", "layout",
     [](const Path& folder) { return Place{"layout:" + (folder / "registry").string(), nullptr}; }},
    {"oci", "oci", [](const Path& folder) { return docker_place(folder, false); }},
    {"oci_with_password", "oci", [](const Path& folder) { return docker_place(folder, true); }},
};

Provenance provenance_by(std::string builder, std::int64_t published) {
  Provenance p;
  p.builder = std::move(builder);
  p.published = published;
  return p;
}

class RegistryContract : public ::testing::TestWithParam<PlaceRow> {
 protected:
  void SetUp() override {
    place_ = GetParam().make(around_.folder());
    registry_ = open_registry(place_.url, host_);
  }

  [[nodiscard]] Path at(const std::string& name) const { return around_.folder() / name; }
  SmallBundle bundle(const std::string& name, const std::vector<std::string>& contents) {
    return small_bundle(at(name), contents);
  }
  PutResult put(const std::string& tag, const SmallBundle& b) {
    return registry_->put_if_absent("churn", tag, b.layout, b.manifest, around_.diagnostics);
  }
  std::vector<std::string> tags() {
    std::vector<std::string> out;
    for (const auto& info : registry_->list("churn")) out.push_back(info.tag);
    return out;
  }

  // Runs `work` in `count` processes at once, each with a registry of its own; the exit status of each.
  template <typename Work>
  std::vector<int> in_processes(int count, Work&& work) {
    std::vector<pid_t> children;
    for (int i = 0; i < count; ++i) {
      const pid_t pid = fork();
      if (pid == 0) _exit(run_child(i, work));
      children.push_back(pid);
    }
    std::vector<int> statuses;
    for (const pid_t pid : children) {
      int status = 0;
      waitpid(pid, &status, 0);
      statuses.push_back(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
    return statuses;
  }
  // 0: work() was true; 1: it was false; 100 + exit code of an Error.
  template <typename Work>
  int run_child(int i, Work&& work) {
    try {
      // Connections must not be shared with the parent.
      const auto http = curl_http(around_.env, *around_.clock);
      Host host{around_.env, *around_.clock, *http, *around_.process};
      const auto own = open_registry(place_.url, host);
      return work(*own, i) ? 0 : 1;
    } catch (const Error& e) {
      if (e.exit_code() != ExitCode::conflict) std::cerr << "child " << i << ": " << e.message() << '\n';
      return 100 + static_cast<int>(e.exit_code());
    }
  }

  test::Surroundings around_;
  std::unique_ptr<Http> http_ = curl_http(around_.env, *around_.clock);
  Host host_{around_.env, *around_.clock, *http_, *around_.process};
  Place place_;
  std::unique_ptr<Registry> registry_;
};

TEST_P(RegistryContract, WhatWasNeverPublishedIsAbsent) {
  EXPECT_EQ(registry_->stat("churn", "1.4.0"), std::nullopt);
  EXPECT_EQ(registry_->stat("churn", sha256("x").str()), std::nullopt);
  EXPECT_EQ(registry_->resolve_tag("churn", "stable"), std::nullopt);
  EXPECT_TRUE(registry_->list("churn").empty());
  EXPECT_TRUE(registry_->packages().empty());
  EXPECT_TRUE(registry_->referrers("churn", sha256("x")).empty());
  EXPECT_EQ(error_of([&] { registry_->get_manifest("churn", sha256("x")); }).code(), ErrorCode::not_found);
}

TEST_P(RegistryContract, PublishedBytesComeBack) {
  const auto b = bundle("a", {"one", std::string(3'000'000, 'm')});
  const auto result = put("1.4.0", b);
  EXPECT_TRUE(result.published);
  EXPECT_EQ(result.uploaded_blobs, 3U);
  EXPECT_EQ(result.uploaded_bytes, 3U + 3'000'000U + b.parsed.config.size);
  EXPECT_EQ(result.reused_blobs, 0U);

  const auto found = registry_->stat("churn", "1.4.0");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->digest, b.manifest.digest);
  EXPECT_EQ(found->size, b.manifest.size);
  EXPECT_EQ(found->media_type, oci::media::manifest);
  EXPECT_EQ(registry_->stat("churn", b.manifest.digest.str())->digest, b.manifest.digest);
  EXPECT_EQ(registry_->get_manifest("churn", b.manifest.digest), oci::serialize(b.parsed));
  registry_->get_blob("churn", b.parsed.layers[1], at("out"));
  EXPECT_EQ(fs::hash_file(at("out")), b.parsed.layers[1].digest);
  EXPECT_EQ(registry_->read_blob("churn", b.parsed.layers[0]), "one");
  EXPECT_EQ(registry_->packages(), std::vector<std::string>{"churn"});
}

TEST_P(RegistryContract, PublishingTheSameAgainIsNoOperation) {
  const auto b = bundle("a", {"one", "two"});
  put("1.4.0", b);
  const auto again = put("1.4.0", b);
  EXPECT_FALSE(again.published);
  EXPECT_EQ(again.uploaded_blobs, 0U);
  EXPECT_EQ(again.reused_blobs, 3U);
  EXPECT_EQ(again.reused_bytes, 6U + b.parsed.config.size);
  EXPECT_EQ(tags(), std::vector<std::string>{"1.4.0"});
}

TEST_P(RegistryContract, AVersionIsImmutable) {
  const auto first = bundle("a", {"one"});
  const auto other = bundle("b", {"another"});
  put("1.4.0", first);
  const auto error = error_of([&] { put("1.4.0", other); });
  EXPECT_EQ(error.code(), ErrorCode::version_exists);
  EXPECT_EQ(error.message(),
            "cannot publish churn 1.4.0 to " + registry_->url() + ": version exists with another digest");
  EXPECT_EQ(fact(error, "local"), other.manifest.digest.str());
  EXPECT_EQ(fact(error, "remote"), first.manifest.digest.str());
  EXPECT_EQ(registry_->resolve_tag("churn", "1.4.0"), first.manifest.digest);
  EXPECT_EQ(registry_->stat("churn", other.manifest.digest.str()), std::nullopt);
}

TEST_P(RegistryContract, OnlyNewBlobsAreSent) {
  put("1.4.0", bundle("a", {"model", "old code"}));
  const auto result = put("1.5.0", bundle("b", {"model", "new code"}));
  EXPECT_EQ(result.uploaded_blobs, 1U);
  EXPECT_EQ(result.uploaded_bytes, 8U);
  EXPECT_EQ(result.reused_blobs, 2U);
}

TEST_P(RegistryContract, TwoVersionsMayHaveOneManifest) {
  const auto b = bundle("a", {"one"});
  put("1.4.0", b);
  EXPECT_TRUE(put("1.4.0-copy", b).published);
  EXPECT_EQ(tags(), (std::vector<std::string>{"1.4.0", "1.4.0-copy"}));
}

TEST_P(RegistryContract, ASourceThatChangedIsRefusedAndNothingIsVisible) {
  const auto b = bundle("a", {"one", "the model"});
  const Path blob = b.layout.blob_path(b.parsed.layers[1].digest);
  fs::write_atomic(blob, "the mOdel");
  const auto error = error_of([&] { put("1.4.0", b); });
  EXPECT_EQ(error.code(), ErrorCode::verification);
  EXPECT_NE(error.message().find(blob.string()), std::string::npos) << error.message();
  EXPECT_TRUE(registry_->list("churn").empty());
  EXPECT_TRUE(registry_->packages().empty());
  fs::remove_file(blob);
  EXPECT_EQ(error_of([&] { put("1.4.0", b); }).code(), ErrorCode::bundle);
  b.layout.write_blob("the model", oci::media::code_raw);
  EXPECT_TRUE(put("1.4.0", b).published);
}

TEST_P(RegistryContract, NoUnverifiedByteGetsAName) {
  const auto b = bundle("a", {"one"});
  put("1.4.0", b);
  auto lie = b.parsed.layers[0];
  lie.size += 1;
  EXPECT_EQ(error_of([&] { registry_->get_blob("churn", lie, at("out")); }).code(), ErrorCode::verification);
  EXPECT_EQ(error_of([&] { registry_->read_blob("churn", lie); }).code(), ErrorCode::verification);
  EXPECT_FALSE(fs::exists(at("out")));
  lie.digest = sha256("not there");
  EXPECT_EQ(error_of([&] { registry_->get_blob("churn", lie, at("out")); }).code(), ErrorCode::not_found);
  EXPECT_FALSE(fs::exists(at("out")));
}

TEST_P(RegistryContract, AFileThatExistsIsNotReplaced) {
  const auto b = bundle("a", {"one"});
  put("1.4.0", b);
  fs::write_atomic(at("out"), "mine");
  EXPECT_EQ(error_of([&] { registry_->get_blob("churn", b.parsed.layers[0], at("out")); }).code(),
            ErrorCode::io);
  EXPECT_EQ(fs::read_file(at("out")), "mine");
}

TEST_P(RegistryContract, TagsMoveOnlyFromWhereTheyWereExpected) {
  const auto a = bundle("a", {"one"});
  const auto b = bundle("b", {"two"});
  put("1.4.0", a);
  put("1.5.0", b);
  registry_->move_tag("churn", "stable", a.manifest, std::nullopt);
  EXPECT_EQ(registry_->resolve_tag("churn", "stable"), a.manifest.digest);
  EXPECT_EQ(tags(), (std::vector<std::string>{"1.4.0", "1.5.0", "stable"}));

  auto error = error_of([&] { registry_->move_tag("churn", "stable", b.manifest, std::nullopt); });
  EXPECT_EQ(error.code(), ErrorCode::tag_moved);
  EXPECT_EQ(fact(error, "expected"), "absent");
  EXPECT_EQ(fact(error, "actual"), a.manifest.digest.str());
  error = error_of([&] { registry_->move_tag("churn", "stable", a.manifest, b.manifest.digest); });
  EXPECT_EQ(error.code(), ErrorCode::tag_moved);
  error = error_of([&] { registry_->move_tag("churn", "new", a.manifest, b.manifest.digest); });
  EXPECT_EQ(fact(error, "actual"), "absent");

  registry_->move_tag("churn", "stable", b.manifest, a.manifest.digest);
  EXPECT_EQ(registry_->resolve_tag("churn", "stable"), b.manifest.digest);
  registry_->move_tag("churn", "stable", b.manifest, b.manifest.digest);
  EXPECT_EQ(tags(), (std::vector<std::string>{"1.4.0", "1.5.0", "stable"}));
  EXPECT_EQ(registry_->resolve_tag("churn", "1.4.0"), a.manifest.digest);
}

TEST_P(RegistryContract, AManifestThatLostItsLastNameCanStillBeRead) {
  const auto a = bundle("a", {"one"});
  const auto b = bundle("b", {"two"});
  put("edge", a);
  put("1.5.0", b);
  registry_->move_tag("churn", "edge", b.manifest, a.manifest.digest);
  EXPECT_EQ(registry_->get_manifest("churn", a.manifest.digest), oci::serialize(a.parsed));
}

TEST_P(RegistryContract, ATagPointsToSomethingPublished) {
  const auto a = bundle("a", {"one"});
  const auto move = [&] { registry_->move_tag("churn", "stable", a.manifest, std::nullopt); };
  EXPECT_EQ(error_of(move).code(), ErrorCode::not_found);
  put("1.5.0", bundle("b", {"two"}));
  EXPECT_EQ(error_of(move).code(), ErrorCode::not_found);
  EXPECT_EQ(registry_->resolve_tag("churn", "stable"), std::nullopt);
}

TEST_P(RegistryContract, NamesThatCouldBePathsAreRefused) {
  const auto b = bundle("a", {"one"});
  for (const std::string tag : {"", ".", "..", "-x", "a/b", "a:b", "a b", "\n", "é"}) {
    EXPECT_EQ(error_of([&] { put(tag, b); }).code(), ErrorCode::reference) << tag;
    EXPECT_EQ(error_of([&] { registry_->stat("churn", tag); }).code(), ErrorCode::reference) << tag;
    EXPECT_EQ(error_of([&] { registry_->move_tag("churn", tag, b.manifest, std::nullopt); }).code(),
              ErrorCode::reference);
  }
  EXPECT_EQ(error_of([&] { put(std::string(129, 'a'), b); }).code(), ErrorCode::reference);
  EXPECT_TRUE(put(std::string(128, 'a'), b).published);
  for (const std::string package : {"", "..", "../up", "a/b", "Churn", "churn_x", ".hidden", "a\n"}) {
    EXPECT_EQ(error_of([&] { registry_->list(package); }).code(), ErrorCode::reference) << package;
  }
  EXPECT_EQ(error_of([&] { registry_->stat("churn", "sha256:abc"); }).code(), ErrorCode::reference);
}

TEST_P(RegistryContract, ListIsSortedByTagAndPackagesByName) {
  const auto b = bundle("a", {"one"});
  for (const std::string tag : {"1.4.0", "1.10.0", "stable", "1.2.0", "Beta"}) put(tag, b);
  EXPECT_EQ(tags(), (std::vector<std::string>{"1.10.0", "1.2.0", "1.4.0", "Beta", "stable"}));
  for (const std::string package : {"zeta", "alpha"}) {
    registry_->put_if_absent(package, "1.0", b.layout, b.manifest, around_.diagnostics);
  }
  EXPECT_EQ(registry_->packages(), (std::vector<std::string>{"alpha", "churn", "zeta"}));
}

TEST_P(RegistryContract, ReferrersAreFoundBySubjectAndAreNoVersions) {
  const auto a = bundle("a", {"one"});
  const auto b = bundle("b", {"two"});
  put("1.4.0", a);
  put("1.5.0", b);
  const auto late = provenance_by("urn:late", 200);
  const auto early = provenance_by("urn:early", 100);
  const auto undated = provenance_by("urn:undated", 0);
  put_provenance(*registry_, "churn", a.manifest, undated);
  EXPECT_EQ(get_provenance(*registry_, "churn", a.manifest.digest)->builder, "urn:undated");
  put_provenance(*registry_, "churn", a.manifest, late);
  put_provenance(*registry_, "churn", a.manifest, early);
  put_provenance(*registry_, "churn", a.manifest, early);

  const auto found = registry_->referrers("churn", a.manifest.digest);
  ASSERT_EQ(found.size(), 3U);
  for (const auto& referrer : found) {
    EXPECT_EQ(referrer.descriptor.artifact_type, oci::media::in_toto);
    EXPECT_EQ(referrer.descriptor.annotations.count(oci::annotation::predicate_type), 1U);
    EXPECT_EQ(sha256(referrer.manifest), referrer.descriptor.digest);
    EXPECT_EQ(oci::parse_manifest(referrer.manifest, "it").subject->digest, a.manifest.digest);
  }
  EXPECT_TRUE(registry_->referrers("churn", b.manifest.digest).empty());
  EXPECT_EQ(get_provenance(*registry_, "churn", a.manifest.digest)->builder, "urn:early");
  EXPECT_EQ(get_provenance(*registry_, "churn", b.manifest.digest), std::nullopt);
  EXPECT_EQ(tags(), (std::vector<std::string>{"1.4.0", "1.5.0"}));
}

TEST_P(RegistryContract, AReferrerBringsAllItsBlobs) {
  const auto a = bundle("a", {"one"});
  put("1.4.0", a);
  oci::Manifest referrer;
  referrer.artifact_type = "application/x";
  referrer.config = a.parsed.config;
  referrer.subject = a.manifest;
  referrer.layers.push_back({"text/plain", sha256("text"), 4, {}, ""});
  EXPECT_EQ(error_of([&] { registry_->put_referrer("churn", referrer, {}); }).code(), ErrorCode::bundle);
  EXPECT_TRUE(registry_->referrers("churn", a.manifest.digest).empty());
  registry_->put_referrer("churn", referrer, {"text"});
  EXPECT_EQ(registry_->referrers("churn", a.manifest.digest).size(), 1U);
}

TEST_P(RegistryContract, ManyProcessesPublishTheSameVersion) {
  const auto b = bundle("a", {"one", std::string(500'000, 'm')});
  const auto statuses = in_processes(6, [&](Registry& registry, int) {
    test::Recorder quiet;
    return registry.put_if_absent("churn", "1.4.0", b.layout, b.manifest, quiet).published;
  });
  const auto published = std::count(statuses.begin(), statuses.end(), 0);
  // Without compare-and-swap two may write the same bytes under the same name; that is no harm.
  EXPECT_TRUE(registry_->atomic() ? published == 1 : published >= 1) << published;
  EXPECT_EQ(std::count(statuses.begin(), statuses.end(), 1), 6 - published) << "the others find it there";
  EXPECT_EQ(registry_->resolve_tag("churn", "1.4.0"), b.manifest.digest);
}

// docker-registry reads the links of a manifest half-written while another stores it: one publish in twenty
// was refused.
TEST_P(RegistryContract, TwoPublishersOfTheSameBytesBothSucceed) {
  constexpr int rounds = 20;
  for (int round = 0; round < rounds; ++round) {
    const std::string version = "1.4." + std::to_string(round);
    const auto b = bundle(version, {"code of " + version});
    const auto statuses = in_processes(2, [&](Registry& registry, int) {
      test::Recorder quiet;
      Provenance provenance;
      provenance.commit = version;
      registry.put_if_absent("churn", version, b.layout, b.manifest, quiet);
      put_provenance(registry, "churn", b.manifest, provenance);
      return true;
    });
    ASSERT_EQ(statuses, (std::vector<int>{0, 0})) << "round " << round;
    ASSERT_EQ(registry_->referrers("churn", b.manifest.digest).size(), 1U) << "round " << round;
  }
}

TEST_P(RegistryContract, ManyProcessesPublishDifferentContentAsOneVersion) {
  std::vector<SmallBundle> bundles;
  for (int i = 0; i < 6; ++i)
    bundles.push_back(bundle("b" + std::to_string(i), {"content " + std::to_string(i)}));
  const auto statuses = in_processes(6, [&](Registry& registry, int i) {
    test::Recorder quiet;
    const auto& b = bundles[static_cast<size_t>(i)];
    return registry.put_if_absent("churn", "1.4.0", b.layout, b.manifest, quiet).published;
  });
  EXPECT_EQ(std::count(statuses.begin(), statuses.end(), 0), 1);
  EXPECT_EQ(std::count(statuses.begin(), statuses.end(), 100 + static_cast<int>(ExitCode::conflict)), 5);
  const auto winner = static_cast<size_t>(std::find(statuses.begin(), statuses.end(), 0) - statuses.begin());
  ASSERT_LT(winner, bundles.size());
  EXPECT_EQ(registry_->resolve_tag("churn", "1.4.0"), bundles[winner].manifest.digest);
}

TEST_P(RegistryContract, ManyProcessesLoseNothing) {
  std::vector<SmallBundle> bundles;
  for (int i = 0; i < 6; ++i)
    bundles.push_back(bundle("b" + std::to_string(i), {"shared", std::to_string(i)}));
  const auto statuses = in_processes(6, [&](Registry& registry, int i) {
    test::Recorder quiet;
    const auto& b = bundles[static_cast<size_t>(i)];
    const std::string version = "1." + std::to_string(i);
    registry.put_if_absent("churn", version, b.layout, b.manifest, quiet);
    put_provenance(registry, "churn", b.manifest, provenance_by("urn:" + version, 1));
    registry.move_tag("churn", "tag-" + version, b.manifest, std::nullopt);
    return true;
  });
  EXPECT_EQ(std::count(statuses.begin(), statuses.end(), 0), 6);
  EXPECT_EQ(registry_->list("churn").size(), 12U);
  for (int i = 0; i < 6; ++i) {
    const auto& b = bundles[static_cast<size_t>(i)];
    EXPECT_EQ(registry_->resolve_tag("churn", "1." + std::to_string(i)), b.manifest.digest);
    EXPECT_EQ(get_provenance(*registry_, "churn", b.manifest.digest)->builder, "urn:1." + std::to_string(i));
  }
}

TEST_P(RegistryContract, OneOfManyWinsATag) {
  const auto b = bundle("a", {"one"});
  put("1.4.0", b);
  const auto statuses = in_processes(6, [&](Registry& registry, int) {
    registry.move_tag("churn", "stable", b.manifest, std::nullopt);
    return true;
  });
  const auto won = std::count(statuses.begin(), statuses.end(), 0);
  EXPECT_TRUE(registry_->atomic() ? won == 1 : won >= 1) << won;
  EXPECT_EQ(std::count(statuses.begin(), statuses.end(), 100 + static_cast<int>(ExitCode::conflict)),
            6 - won);
  EXPECT_EQ(registry_->resolve_tag("churn", "stable"), b.manifest.digest);
}

TEST_P(RegistryContract, AKilledPublishIsInvisibleAndIsFinishedByTheNext) {
  put("1.3.0", bundle("old", {"one"}));
  const auto b = bundle("a", {"one", "two", std::string(2'500'000, 'm')});
  int kills = 0;
  for (int at_event = 0;; ++at_event) {
    const auto status = in_processes(1, [&](Registry& registry, int) {
      test::Recorder killer;
      killer.at_event = [at_event](int event) {
        if (event == at_event) kill(getpid(), SIGKILL);
      };
      return registry.put_if_absent("churn", "1.4.0", b.layout, b.manifest, killer).published;
    });
    if (status[0] != 128 + SIGKILL) {
      EXPECT_EQ(status[0], 0);
      break;
    }
    ++kills;
    EXPECT_EQ(tags(), std::vector<std::string>{"1.3.0"}) << "killed at event " << at_event;
    EXPECT_EQ(registry_->stat("churn", b.manifest.digest.str()), std::nullopt);
  }
  EXPECT_GE(kills, 4);
  EXPECT_EQ(tags(), (std::vector<std::string>{"1.3.0", "1.4.0"}));
  for (const auto& layer : b.parsed.layers) {
    registry_->get_blob("churn", layer, at("out"));
    EXPECT_EQ(fs::hash_file(at("out")), layer.digest);
    fs::remove_file(at("out"));
  }
}

FurtherFile further(const SmallBundle& version, const SmallBundle& file) {
  return {"churn", version.manifest.digest, file.layout, file.manifest, [](const auto&) { return false; }};
}

std::vector<Digest> digests_of(const std::vector<oci::Descriptor>& entries) {
  std::vector<Digest> out;
  for (const auto& entry : entries) out.push_back(entry.digest);
  return out;
}

TEST_P(RegistryContract, FurtherFilesStandBehindAVersionThatStays) {
  const auto version = bundle("version", {"x86_64"}), arm = bundle("arm", {"aarch64"}),
             old = bundle("old", {"cp310"});
  put("1.4.0", version);
  EXPECT_TRUE(further_files(*registry_, "churn", version.manifest.digest).empty());
  for (const auto* file : {&arm, &old}) {
    const auto sent = add_further_file(*registry_, further(version, *file), around_.diagnostics);
    EXPECT_TRUE(sent && sent->published);
  }
  const std::vector<Digest> both{arm.manifest.digest, old.manifest.digest};
  EXPECT_EQ(digests_of(further_files(*registry_, "churn", version.manifest.digest)), both);
  const auto again = add_further_file(*registry_, further(version, old), around_.diagnostics);
  EXPECT_TRUE(again && !again->published && again->uploaded_blobs == 0);
  EXPECT_EQ(digests_of(further_files(*registry_, "churn", version.manifest.digest)), both);
  EXPECT_EQ(registry_->resolve_tag("churn", "1.4.0"), version.manifest.digest);
  EXPECT_EQ(tags(), std::vector<std::string>{"1.4.0"});
  EXPECT_EQ(registry_->tag_names("churn"), std::vector<std::string>{"1.4.0"});
  for (const auto& layer : old.parsed.layers) {
    registry_->get_blob("churn", layer, at("out"));
    EXPECT_EQ(fs::hash_file(at("out")), layer.digest);
    fs::remove_file(at("out"));
  }
}

TEST_P(RegistryContract, AFileThatCannotStandBesideAnotherIsNotAdded) {
  const auto version = bundle("version", {"x86_64"}), arm = bundle("arm", {"aarch64"}),
             other = bundle("other", {"arm"});
  put("1.4.0", version);
  add_further_file(*registry_, further(version, arm), around_.diagnostics);
  FurtherFile file = further(version, other);
  file.is_it = [](const auto&) -> bool { throw Error(ErrorCode::version_exists, "cannot publish"); };
  EXPECT_EQ(error_of([&] { add_further_file(*registry_, file, around_.diagnostics); }).code(),
            ErrorCode::version_exists);
  file.is_it = [](const auto&) { return true; };
  EXPECT_EQ(add_further_file(*registry_, file, around_.diagnostics), std::nullopt);
  EXPECT_EQ(digests_of(further_files(*registry_, "churn", version.manifest.digest)),
            std::vector<Digest>{arm.manifest.digest});
}

TEST_P(RegistryContract, ManyProcessesAddFilesAndNoneIsLostOrThereTwice) {
  const auto version = bundle("version", {"x86_64"}), shared = bundle("shared", {"win32"});
  put("1.4.0", version);
  std::vector<SmallBundle> files;
  for (int i = 0; i < 4; ++i)
    files.push_back(bundle("file" + std::to_string(i), {"platform " + std::to_string(i)}));
  const auto statuses = in_processes(4, [&](Registry& registry, int i) {
    for (const SmallBundle* file :
         std::vector<const SmallBundle*>{&files.at(static_cast<size_t>(i)), &shared})
      add_further_file(registry, further(version, *file), around_.diagnostics);
    return true;
  });
  for (const int status : statuses) EXPECT_EQ(status, 0);
  auto there = digests_of(further_files(*registry_, "churn", version.manifest.digest));
  std::vector<Digest> expected{shared.manifest.digest};
  for (const auto& file : files) expected.push_back(file.manifest.digest);
  std::sort(there.begin(), there.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(there, expected);
}

TEST_P(RegistryContract, AKilledAdditionIsInvisibleAndIsFinishedByTheNext) {
  const auto version = bundle("version", {"x86_64"}), file = bundle("file", {"aarch64", "more"});
  put("1.4.0", version);
  int kills = 0;
  for (int at_event = 0;; ++at_event) {
    const auto status = in_processes(1, [&](Registry& registry, int) {
      test::Recorder killer;
      killer.at_event = [at_event](int event) {
        if (event == at_event) kill(getpid(), SIGKILL);
      };
      return add_further_file(registry, further(version, file), killer)->published;
    });
    if (status[0] != 128 + SIGKILL) {
      EXPECT_EQ(status[0], 0);
      break;
    }
    ++kills;
    EXPECT_TRUE(further_files(*registry_, "churn", version.manifest.digest).empty())
        << "killed at " << at_event;
  }
  EXPECT_GE(kills, 3);
  EXPECT_EQ(digests_of(further_files(*registry_, "churn", version.manifest.digest)),
            std::vector<Digest>{file.manifest.digest});
}

TEST_P(RegistryContract, APromotionBringsTheFurtherFiles) {
  const auto version = bundle("version", {"x86_64"}), arm = bundle("arm", {"aarch64"});
  put("1.4.0", version);
  add_further_file(*registry_, further(version, arm), around_.diagnostics);
  put_provenance(*registry_, "churn", arm.manifest, provenance_by("ci", 7));
  const auto to = open_registry("layout:" + at("prod").string(), host_);
  const auto request = [&](const std::string& scratch) {
    return PromoteRequest{"churn", Version::require("1.4.0", Scheme::pep440, "test"), version.manifest,
                          oci::Layout::create(at(scratch))};
  };
  EXPECT_TRUE(promote(*registry_, *to, request("scratch1"), around_.diagnostics).put.published);
  EXPECT_EQ(digests_of(further_files(*to, "churn", version.manifest.digest)),
            std::vector<Digest>{arm.manifest.digest});
  EXPECT_EQ(get_provenance(*to, "churn", arm.manifest.digest)->builder, "ci");
  const auto again = promote(*registry_, *to, request("scratch2"), around_.diagnostics);
  EXPECT_FALSE(again.put.published);
  EXPECT_EQ(again.copied, 0U);
}

INSTANTIATE_TEST_SUITE_P(Rows, RegistryContract, ::testing::ValuesIn(places),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Places, CoverEveryBackend) {
  for (const auto* factory : registry_factories()) {
    EXPECT_TRUE(std::any_of(places.begin(), places.end(),
                            [&](const auto& row) { return row.scheme == factory->scheme; }))
        << "no test place for " << factory->scheme << ": add one to `places`";
  }
}

TEST(OpenRegistry, SuggestsTheSchemeThatWasMeant) {
  test::Surroundings around;
  const auto error = error_of([&] { open_registry("layuot:/srv/registry", around.host); });
  EXPECT_EQ(error.code(), ErrorCode::project_file);
  EXPECT_EQ(error.message(),
            "cannot open registry layuot:/srv/registry: unknown scheme 'layuot' (did you mean 'layout'?)");
}

}  // namespace
}  // namespace mlship
