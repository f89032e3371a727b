#include "registry/provenance.h"

#include "core/json.h"
#include "core/json_library.h"
#include "registry/builder.h"
#include "tests/support/registry_fixture.h"

namespace mlship {
namespace {

Provenance full() {
  Provenance p;
  p.builder = "urn:mlship:builder:jenkins";
  p.invocation = "https://ci.example.com/job/churn/7/";
  p.commit = "0123456789012345678901234567890123456789";
  p.remote = "https://bot:hunter2@git.example.com/ml/churn.git?token=hunter2";
  p.dirty = true;
  p.user = "ada";
  p.host = "laptop";
  p.started = 1'700'000'000;
  p.finished = 1'700'000'060;
  p.published = 1'700'000'120;
  p.placements.push_back({"wheel", "https://u:hunter2@index.example.com/ml/", sha256("wheel")});
  return p;
}

TEST(Provenance, IsAnInTotoStatementWithASlsaPredicate) {
  const auto text = provenance_statement(full(), "churn", sha256("manifest"));
  const Json json = parse_json(text, ErrorCode::internal, "statement");
  EXPECT_EQ(json["_type"], "https://in-toto.io/Statement/v1");
  EXPECT_EQ(json["predicateType"], "https://slsa.dev/provenance/v1");
  EXPECT_EQ(json["subject"],
            Json::parse(R"([{"name":"churn","digest":{"sha256":")" + sha256("manifest").hex() + "\"}}]"));
  const Json& definition = json["predicate"]["buildDefinition"];
  EXPECT_TRUE(definition["buildType"].is_string());
  EXPECT_EQ(definition["externalParameters"]["package"], "churn");
  EXPECT_EQ(definition["resolvedDependencies"][0]["digest"]["gitCommit"], full().commit);
  EXPECT_EQ(definition["resolvedDependencies"][0]["uri"], "git+https://git.example.com/ml/churn.git");
  const Json& run = json["predicate"]["runDetails"];
  EXPECT_EQ(run["builder"]["id"], "urn:mlship:builder:jenkins");
  EXPECT_EQ(run["metadata"]["startedOn"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(run["metadata"]["finishedOn"], "2023-11-14T22:14:20Z");
  EXPECT_EQ(run["metadata"]["invocationId"], "https://ci.example.com/job/churn/7/");
}

TEST(Provenance, SaysWhichFileABundleWasMadeOf) {
  Provenance p;
  p.builder = "urn:mlship:builder:local";
  p.artifact = "churn-1.4.0.jar";
  p.artifact_digest = sha256("jar");
  const auto text = provenance_statement(p, "churn", sha256("manifest"));
  const Json definition = parse_json(text, ErrorCode::internal, "statement")["predicate"]["buildDefinition"];
  EXPECT_EQ(definition["buildType"], "urn:mlship:artifact:v1");
  EXPECT_EQ(definition["externalParameters"]["artifact"], "churn-1.4.0.jar");
  EXPECT_EQ(definition["resolvedDependencies"][0]["name"], "churn-1.4.0.jar");
  EXPECT_EQ(definition["resolvedDependencies"][0]["digest"]["sha256"], sha256("jar").hex());
  const auto back = parse_provenance(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->artifact, "churn-1.4.0.jar");
  EXPECT_EQ(back->artifact_digest, sha256("jar"));
  EXPECT_EQ(back->commit, "");
  EXPECT_EQ(parse_provenance(provenance_statement(full(), "churn", sha256("manifest")))->artifact, "");
}

TEST(Provenance, ComesBackAsItWasWithoutSecrets) {
  const auto text = provenance_statement(full(), "churn", sha256("manifest"));
  EXPECT_EQ(text.find("hunter2"), std::string::npos);
  const auto p = parse_provenance(text);
  ASSERT_TRUE(p);
  EXPECT_EQ(p->builder, full().builder);
  EXPECT_EQ(p->invocation, full().invocation);
  EXPECT_EQ(p->commit, full().commit);
  EXPECT_EQ(p->remote, "https://git.example.com/ml/churn.git");
  EXPECT_TRUE(p->dirty);
  EXPECT_EQ(p->user, "ada");
  EXPECT_EQ(p->host, "laptop");
  EXPECT_EQ(p->started, full().started);
  EXPECT_EQ(p->finished, full().finished);
  EXPECT_EQ(p->published, full().published);
  ASSERT_EQ(p->placements.size(), 1U);
  EXPECT_EQ(p->placements[0].kind, "wheel");
  EXPECT_EQ(p->placements[0].where, "https://index.example.com/ml/");
  EXPECT_EQ(p->placements[0].digest, sha256("wheel"));
}

TEST(Provenance, WorksWithoutARepository) {
  Provenance p;
  p.builder = "urn:mlship:builder:local";
  const auto back = parse_provenance(provenance_statement(p, "churn", sha256("m")));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->commit, "");
  EXPECT_EQ(back->started, 0);
  p.commit = "abc";
  p.remote = "git@git.example.com:ml/churn.git";
  EXPECT_EQ(parse_provenance(provenance_statement(p, "churn", sha256("m")))->remote, p.remote);
}

TEST(Provenance, StatementsOfAnotherShapeAreNone) {
  const std::string head = R"({"_type":"https://in-toto.io/Statement/v1","predicateType":")";
  for (const std::string& text :
       {std::string(""), std::string("[]"), std::string("{"), std::string("null"),
        head + R"(https://other/v1"})", head + R"(https://slsa.dev/provenance/v1"})",
        head + R"(https://slsa.dev/provenance/v1","predicate":{"runDetails":{"builder":{"id":7}}}})"}) {
    EXPECT_EQ(parse_provenance(text), std::nullopt) << text;
  }
  // Wrong types below a valid head read as empty.
  const auto odd = parse_provenance(
      head + R"(https://slsa.dev/provenance/v1","predicate":{"buildDefinition":{"resolvedDependencies":[7],)"
             R"("internalParameters":[]},"runDetails":{"builder":{"id":"urn:x"},"byproducts":{"a":1},)"
             R"("metadata":{"startedOn":"yesterday","mlship_publishedOn":5}}}})");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->published, 0);
  EXPECT_EQ(odd->commit, "");
  EXPECT_TRUE(odd->placements.empty());
}

TEST(Provenance, AStatementAboutSomethingElseDoesNotCount) {
  test::Surroundings around;
  const auto b = test::small_bundle(around.folder() / "a", {"one"});
  const auto registry = open_registry("layout:" + (around.folder() / "r").string(), around.host);
  registry->put_if_absent("churn", "1.4.0", b.layout, b.manifest, around.diagnostics);
  const std::string statement = provenance_statement(full(), "churn", sha256("another manifest"));
  oci::Manifest referrer;
  referrer.artifact_type = oci::media::in_toto;
  referrer.config = {oci::media::empty, sha256("{}"), 2, {}, ""};
  referrer.layers.push_back({oci::media::in_toto, sha256(statement), statement.size(), {}, ""});
  referrer.subject = b.manifest;
  registry->put_referrer("churn", referrer, {"{}", statement});
  EXPECT_EQ(registry->referrers("churn", b.manifest.digest).size(), 1U);
  EXPECT_EQ(get_provenance(*registry, "churn", b.manifest.digest), std::nullopt);
}

// Whatever happened to one referrer, the others are read and nobody is stopped.
TEST(Provenance, AReferrerThatCannotBeReadIsPassedOverAndSaid) {
  test::Surroundings around;
  const auto b = test::small_bundle(around.folder() / "a", {"one"});
  const auto registry = open_registry("layout:" + (around.folder() / "r").string(), around.host);
  registry->put_if_absent("churn", "1.4.0", b.layout, b.manifest, around.diagnostics);
  Provenance first = full(), second = full();
  first.published = 100;
  first.commit = "first";
  second.published = 200;
  second.commit = "second";
  put_provenance(*registry, "churn", b.manifest, first);
  put_provenance(*registry, "churn", b.manifest, second);
  Path lost;
  for (const auto& referrer : registry->referrers("churn", b.manifest.digest)) {
    const auto layer = oci::parse_manifest(referrer.manifest, "it").layers.at(0);
    if (registry->read_blob("churn", layer).find("\"first\"") == std::string::npos) continue;
    lost = around.folder() / "r/churn/blobs/sha256" / layer.digest.hex();
  }
  const auto commit = [&](std::vector<std::string>& said) {
    const auto fresh = open_registry("layout:" + (around.folder() / "r").string(), around.host);
    const auto found = get_provenance(*fresh, "churn", b.manifest.digest,
                                      [&](const Error& why) { said.push_back(why.message()); });
    return found ? found->commit : "";
  };
  std::vector<std::string> said;
  EXPECT_EQ(commit(said), "first");
  EXPECT_TRUE(said.empty());
  const std::string content = fs::read_file(lost);
  const std::function<void()> damages[] = {
      [&] { fs::write_atomic(lost, "{"); }, [&] { fs::write_atomic(lost, ""); },
      [&] { fs::write_atomic(lost, content + " "); }, [&] { fs::remove_file(lost); }};
  for (const auto& damage : damages) {
    damage();
    said.clear();
    EXPECT_EQ(commit(said), "second");
    EXPECT_EQ(said.size(), 1U);
  }
}

struct BuilderCase {
  std::map<std::string, std::string, std::less<>> variables;
  std::string id, invocation;
};

TEST(Builder, LaptopsAndCiSystemsDiffer) {
  const BuilderCase cases[] = {
      {{}, "urn:mlship:builder:local", ""},
      {{{"CI", "true"}}, "urn:mlship:builder:local", ""},
      {{{"JENKINS_URL", "https://ci.example.com/"}, {"BUILD_URL", "https://a:b@ci.example.com/job/churn/7/"}},
       "urn:mlship:builder:jenkins",
       "https://ci.example.com/job/churn/7/"},
      {{{"GITHUB_ACTIONS", "true"},
        {"GITHUB_SERVER_URL", "https://github.example.com"},
        {"GITHUB_REPOSITORY", "ml/churn"},
        {"GITHUB_RUN_ID", "42"}},
       "urn:mlship:builder:github-actions",
       "https://github.example.com/ml/churn/actions/runs/42"},
      {{{"GITLAB_CI", "true"}, {"CI_JOB_URL", "https://gitlab.example.com/ml/churn/-/jobs/9"}},
       "urn:mlship:builder:gitlab-ci",
       "https://gitlab.example.com/ml/churn/-/jobs/9"},
      {{{"GITHUB_ACTIONS", "true"}, {"GITHUB_RUN_ID", "42"}}, "urn:mlship:builder:github-actions", ""},
  };
  for (const auto& c : cases) {
    const auto builder = detect_builder(Env(c.variables));
    EXPECT_EQ(builder.id, c.id);
    EXPECT_EQ(builder.invocation, c.invocation);
  }
}

}  // namespace
}  // namespace mlship
