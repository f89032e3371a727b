// What a registry may send that it must not: each answer ends in an exit code and a message, leaves nothing
// under a final name, here or there, and no byte of a credential at another origin.

#include <algorithm>

#include "core/base64.h"
#include "core/host/clock.h"
#include "core/json_library.h"
#include "registry/provenance.h"
#include "tests/support/docker_registry.h"
#include "tests/support/fakes.h"
#include "tests/support/oci_server.h"
#include "tests/support/registry_fixture.h"

namespace mlship {
namespace {

using test::error_of;
using test::fact;
using test::small_bundle;
using test::SmallBundle;
using testing::OciServer;
using testing::reply;
using testing::Reply;
using testing::WireRequest;
using Answer = std::optional<Reply>;

constexpr auto user = "robot";
constexpr auto password = "s3cret-Pass";
const std::string basic = "Basic " + base64_encode(std::string(user) + ":" + password);
const std::string content = "the model's bytes";

bool is(const WireRequest& request, std::string_view method, std::string_view part) {
  return request.method == method && request.target.find(part) != std::string::npos;
}

class Hostile : public ::testing::Test {
 protected:
  Hostile() {
    server_.authorization = basic;
    testing::write_docker_login(around_.folder() / "home/.docker", server_.host(), user, password);
    registry_ = open_registry("oci://" + server_.host() + "/ml", host_);
  }
  ~Hostile() override {
    // Whatever the case was: the other host saw no credential.
    for (const auto& request : evil_.requests()) {
      EXPECT_FALSE(request.has("authorization")) << request.method << " " << request.target;
      EXPECT_EQ((request.target + request.body).find(password), std::string::npos) << request.target;
    }
  }

  SmallBundle bundle() { return small_bundle(around_.folder() / "dist", {content}); }
  PutResult publish() {
    const auto b = bundle();
    return registry_->put_if_absent("churn", "1.4.0", b.layout, b.manifest, around_.diagnostics);
  }
  void published() {
    publish();
    registry_ = open_registry("oci://" + server_.host() + "/ml", host_);
  }
  std::string pull() {
    const auto b = bundle();
    const Path file = around_.folder() / "out";
    const auto manifest = registry_->get_manifest("churn", registry_->stat("churn", "1.4.0")->digest);
    registry_->get_blob("churn", oci::parse_manifest(manifest, "it").layers.at(0), file);
    return fs::read_file(file);
  }
  int count(std::string_view method, std::string_view part) {
    const auto all = server_.requests();
    return static_cast<int>(
        std::count_if(all.begin(), all.end(), [&](const auto& r) { return is(r, method, part); }));
  }
  [[nodiscard]] std::vector<std::string> left() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::list(around_.folder())) names.push_back(entry);
    std::erase_if(names, [](const auto& name) { return name == "home" || name == "dist"; });
    return names;
  }

  test::Surroundings around_;
  testing::ManualClock clock_;
  std::unique_ptr<Http> http_ = curl_http(around_.env, clock_);
  Host host_{around_.env, clock_, *http_, *around_.process};
  OciServer server_;
  OciServer evil_;
  std::unique_ptr<Registry> registry_;
};

struct Attack {
  std::string name;
  // What the registry answers instead; evil: another server's origin.
  std::function<Answer(const WireRequest&, OciServer& self, OciServer& evil)> instead;
  ErrorCode code;
  std::string message;  // a part of it
};
void PrintTo(const Attack& attack, std::ostream* out) {
  *out << attack.name;
}

std::string layer() {
  return sha256(content).str();
}
Reply as_manifest(const std::string& bytes, const std::string& type = oci::media::manifest,
                  const std::string& extra = "") {
  return reply(200, bytes, "Content-Type: " + type + "\r\n" + extra);
}
// An answer to reading the manifest by its digest.
Answer manifest_is(const WireRequest& request, const Reply& answer) {
  return is(request, "GET", "/manifests/sha256:") ? Answer(answer) : std::nullopt;
}
Answer layer_is(const WireRequest& request, const Reply& answer) {
  return is(request, "GET", "/blobs/" + layer()) ? Answer(answer) : std::nullopt;
}
Answer manifest_with(const WireRequest& request, OciServer& self, const std::function<void(Json&)>& change) {
  if (!is(request, "GET", "/manifests/sha256:")) return std::nullopt;
  Json json = Json::parse(self.manifests.begin()->second.bytes);
  change(json);
  return as_manifest(json.dump());
}
std::string bearer(const std::string& realm) {
  return "WWW-Authenticate: Bearer realm=\"" + realm + "\",service=\"test\"\r\n";
}
// Everything wants a token; its own token server answers with `token`.
Answer token_is(const WireRequest& request, OciServer& self, const Reply& token) {
  if (is(request, "GET", "/token")) return token;
  return reply(401, "", bearer(self.origin() + "/token"));
}

const std::vector<Attack> pulls = {
    {"ManifestOfOtherBytes",
     [](const auto& r, auto&, auto&) { return manifest_is(r, as_manifest(R"({"schemaVersion":2})")); },
     ErrorCode::verification, "the registry gave something else"},
    {"ManifestWithOneMoreField",
     [](const auto& r, auto& self, auto&) {
       return manifest_with(r, self, [](Json& json) { json["x"] = 1; });
     },
     ErrorCode::verification, "the registry gave something else"},
    {"TagWithADigestThatIsNotItsContent",
     [](const auto& r, auto& self, auto&) -> Answer {
       if (is(r, "HEAD", "/manifests/1.4.0")) return testing::headless(reply(200, "x"));
       if (!is(r, "GET", "/manifests/1.4.0")) return std::nullopt;
       return as_manifest(self.manifests.begin()->second.bytes, oci::media::manifest,
                          "Docker-Content-Digest: " + sha256("other").str() + "\r\n");
     },
     ErrorCode::verification, "the registry gave something else"},
    {"TagThatPointsToNothing",
     [](const auto& r, auto&, auto&) -> Answer {
       if (!is(r, "HEAD", "/manifests/1.4.0")) return std::nullopt;
       return testing::headless(as_manifest("x", oci::media::manifest,
                                            "Docker-Content-Digest: " + sha256("other").str() + "\r\n"));
     },
     ErrorCode::not_found, "not there"},
    {"ManifestThatIsCutOff",
     [](const auto& r, auto&, auto&) {
       return manifest_is(r, {"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"schema", true, {}, {}});
     },
     ErrorCode::network, "cannot"},
    {"ManifestOfNineMebibytes",
     [](const auto& r, auto&, auto&) { return manifest_is(r, as_manifest(std::string(9U << 20U, ' '))); },
     ErrorCode::network, "cannot"},
    {"ManifestUnderAnotherMediaType",
     [](const auto& r, auto& self, auto&) -> Answer {
       return manifest_is(r, as_manifest(self.manifests.begin()->second.bytes, oci::media::index));
     },
     ErrorCode::verification, "its media type is not what the registry says"},
    {"BlobOfOtherBytes",
     [](const auto& r, auto&, auto&) { return layer_is(r, reply(200, "THE model's bytes")); },
     ErrorCode::verification, "its content is not what its name says"},
    {"BlobThatIsLonger", [](const auto& r, auto&, auto&) { return layer_is(r, reply(200, content + "x")); },
     ErrorCode::verification, "its content is not what its name says"},
    {"BlobThatIsShorter",
     [](const auto& r, auto&, auto&) { return layer_is(r, reply(200, content.substr(1))); },
     ErrorCode::verification, "its content is not what its name says"},
    {"BlobThatIsEmpty", [](const auto& r, auto&, auto&) { return layer_is(r, reply(200)); },
     ErrorCode::verification, "its content is not what its name says"},
    {"BlobThatIsCutOff",
     [](const auto& r, auto&, auto&) {
       return layer_is(r, {"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\nthe mod", true, {}, {}});
     },
     ErrorCode::network, "cannot"},
    {"BlobOfALoginPage",
     [](const auto& r, auto&, auto&) {
       return layer_is(r, reply(200, "<html>log in</html>", "Content-Type: text/html\r\n"));
     },
     ErrorCode::verification, "its content is not what its name says"},
    {"BlobThatIsGone", [](const auto& r, auto&, auto&) { return layer_is(r, reply(404)); },
     ErrorCode::not_found, "it is not there"},
    {"BlobFromAnotherHostThatLies",
     [](const auto& r, auto&, auto& evil) {
       evil.instead = [](const auto&) { return reply(200, "evil"); };
       return layer_is(r, reply(307, "", "Location: " + evil.origin() + "/x\r\n"));
     },
     ErrorCode::verification, "its content is not what its name says"},
    {"BlobThatIsAlwaysElsewhere",
     [](const auto& r, auto&, auto&) {
       return layer_is(r, reply(307, "", "Location: " + r.target + "\r\n"));
     },
     ErrorCode::network, "redirected more than"},
    {"BlobInALocalFile",
     [](const auto& r, auto&, auto&) {
       return layer_is(r, reply(307, "", "Location: file:///etc/passwd\r\n"));
     },
     ErrorCode::network, "cannot"},
    {"NoAnswer", [](const auto&, auto&, auto&) { return Answer(Reply{"", true, {}, {}}); },
     ErrorCode::network, "cannot"},
    {"NotHttp", [](const auto&, auto&, auto&) { return Answer(Reply{"SSH-2.0-x\r\n", true, {}, {}}); },
     ErrorCode::network, "cannot"},
    {"TooManyRequestsForEver",
     [](const auto&, auto&, auto&) { return Answer(reply(429, "", "Retry-After: 1\r\n")); },
     ErrorCode::rate_limited, "too many requests"},
    {"RetryAfterNextYear",
     [](const auto&, auto&, auto&) { return Answer(reply(429, "", "Retry-After: 31536000\r\n")); },
     ErrorCode::rate_limited, "too many requests"},
    {"BrokenForEver", [](const auto&, auto&, auto&) { return Answer(reply(500)); }, ErrorCode::server_error,
     "HTTP 500"},
    {"MaintenanceForEver", [](const auto&, auto&, auto&) { return Answer(reply(503)); },
     ErrorCode::server_error, "HTTP 503"},
    {"Forbidden", [](const auto&, auto&, auto&) { return Answer(reply(403)); }, ErrorCode::forbidden,
     "the credentials do not allow it"},
    {"WrongPasswordForEver",
     [](const auto&, auto&, auto&) {
       return Answer(reply(401, "", "WWW-Authenticate: Basic realm=\"x\"\r\n"));
     },
     ErrorCode::unauthorized, "the server wants other credentials"},
    {"NoChallengeAtAll", [](const auto&, auto&, auto&) { return Answer(reply(401)); },
     ErrorCode::unauthorized, "the server wants other credentials"},
    {"TokensOfAnotherHost",
     [](const auto&, auto&, auto& evil) {
       return Answer(reply(401, "", bearer("http://localhost" + evil.origin().substr(16) + "/token")));
     },
     ErrorCode::unauthorized,
     "it wants the credentials sent to localhost, which is not known to belong to it"},
    {"TokensOfAnotherHostByItsName",
     [](const auto&, auto&, auto&) {
       return Answer(reply(401, "", bearer("https://127.0.0.1.evil.test/token")));
     },
     ErrorCode::unauthorized, "it wants the credentials sent to 127.0.0.1.evil.test"},
    {"TokensByUserInfo",
     [](const auto&, auto& self, auto&) {
       return Answer(reply(401, "", bearer("http://" + self.host() + "@evil.test/token")));
     },
     ErrorCode::unauthorized, "is not the URL of a token server"},
    {"TokensFromAFile",
     [](const auto&, auto&, auto&) { return Answer(reply(401, "", bearer("file:///etc/passwd"))); },
     ErrorCode::unauthorized, "is not the URL of a token server"},
    {"TokenServerRedirects",
     [](const auto& r, auto& self, auto& evil) {
       evil.instead = [](const auto&) { return reply(200, R"({"token":"x"})"); };
       return token_is(r, self, reply(307, "", "Location: " + evil.origin() + "/token\r\n"));
     },
     ErrorCode::unauthorized, "the server wants other credentials"},
    {"TokenThatIsMissing",
     [](const auto& r, auto& self, auto&) { return token_is(r, self, reply(200, R"({"expires_in":60})")); },
     ErrorCode::unauthorized, "its token server answered without a token"},
    {"TokenThatIsNoJson",
     [](const auto& r, auto& self, auto&) { return token_is(r, self, reply(200, "<html>")); },
     ErrorCode::unauthorized, "cannot"},
    {"TokenThatWouldBeAnotherHeader",
     [](const auto& r, auto& self, auto&) {
       return token_is(r, self, reply(200, R"({"token":"a\r\nX-Evil: 1"})"));
     },
     ErrorCode::unauthorized, "its token server answered without a token"},
    {"TokenServerKnowsNobody", [](const auto& r, auto& self, auto&) { return token_is(r, self, reply(401)); },
     ErrorCode::unauthorized, "cannot log in to"},
    {"TokensThatAreNeverEnough",
     [](const auto& r, auto& self, auto&) {
       return token_is(r, self, reply(200, R"({"token":"t","expires_in":0})"));
     },
     ErrorCode::unauthorized, "the server wants other credentials"},
};

class HostilePull : public Hostile, public ::testing::WithParamInterface<Attack> {};

TEST_P(HostilePull, EndsInAnErrorAndLeavesNothing) {
  published();
  const size_t before = server_.requests().size();
  server_.instead = [&](const WireRequest& r) { return GetParam().instead(r, server_, evil_); };
  const auto error = error_of([&] { pull(); });
  EXPECT_EQ(error.code(), GetParam().code) << error.message();
  EXPECT_NE(error.message().find(GetParam().message), std::string::npos) << error.message();
  EXPECT_EQ(left(), std::vector<std::string>{});
  EXPECT_EQ(error.message().find(password), std::string::npos);
  EXPECT_LE(server_.requests().size() - before, 20U)
      << "an answer that does not change is not asked for for ever";
}
INSTANTIATE_TEST_SUITE_P(Answers, HostilePull, ::testing::ValuesIn(pulls),
                         [](const auto& row) { return row.param.name; });

Answer session_at(const WireRequest& request, const std::string& location) {
  return is(request, "POST", "/blobs/uploads/") ? Answer(reply(202, "", location)) : std::nullopt;
}

const std::vector<Attack> pushes = {
    {"UploadToAnotherHost",
     [](const auto& r, auto&, auto& evil) {
       evil.instead = [](const auto&) { return reply(201); };
       return session_at(r, "Location: " + evil.origin() + "/upload\r\n");
     },
     ErrorCode::not_found, "cannot store churn@"},
    {"UploadToNowhere", [](const auto& r, auto&, auto&) { return session_at(r, ""); }, ErrorCode::network,
     "it does not say where to"},
    {"UploadByUserInfo",
     [](const auto& r, auto& self, auto&) {
       return session_at(r, "Location: http://x:y@" + self.host() + "/u\r\n");
     },
     ErrorCode::network, "it does not say where to"},
    {"UploadByFtp",
     [](const auto& r, auto&, auto&) { return session_at(r, "Location: ftp://127.0.0.1/u\r\n"); },
     ErrorCode::network, "it does not say where to"},
    {"UploadIsForbidden",
     [](const auto& r, auto&, auto&) { return is(r, "POST", "uploads") ? Answer(reply(403)) : std::nullopt; },
     ErrorCode::forbidden, "the credentials do not allow it"},
    {"BlobStoredUnderAnotherDigest",
     [](const auto& r, auto&, auto&) -> Answer {
       if (!is(r, "PUT", "/blobs/uploads/")) return std::nullopt;
       return reply(201, "", "Docker-Content-Digest: " + sha256("other").str() + "\r\n");
     },
     ErrorCode::verification, "it was stored under another digest"},
    {"BlobNeverTaken",
     [](const auto& r, auto&, auto&) {
       return is(r, "PUT", "/blobs/uploads/") ? Answer(reply(400)) : std::nullopt;
     },
     ErrorCode::network, "the server answered HTTP 400"},
    {"BlobUploadCutOff",
     [](const auto& r, auto&, auto&) {
       return is(r, "PUT", "/blobs/uploads/") ? Answer(Reply{"", true, {}, {}}) : std::nullopt;
     },
     ErrorCode::network, "cannot upload the blob"},
    {"ChunksThatGetLost",
     [](const auto& r, auto&, auto&) -> Answer {
       if (is(r, "PUT", "/blobs/uploads/")) return reply(413);
       if (r.method == "PATCH")
         return reply(202, "", "Location: /v2/ml/churn/blobs/uploads/9\r\nRange: 0-3\r\n");
       return std::nullopt;
     },
     ErrorCode::network, "a chunk of it was not taken"},
    {"BlobsTakenAndForgotten",
     [](const auto& r, auto&, auto&) {
       return is(r, "PUT", "/blobs/uploads/") ? Answer(reply(201)) : std::nullopt;
     },
     ErrorCode::not_found, "cannot store churn@"},
    {"ManifestRefused",
     [](const auto& r, auto&, auto&) {
       return is(r, "PUT", "/manifests/sha256:") ? Answer(reply(400, "no", "Content-Type: text/plain\r\n"))
                                                 : std::nullopt;
     },
     ErrorCode::network, "the server answered HTTP 400"},
    {"ManifestTooLargeForIt",
     [](const auto& r, auto&, auto&) {
       return is(r, "PUT", "/manifests/sha256:") ? Answer(reply(413)) : std::nullopt;
     },
     ErrorCode::network, "the server answered HTTP 413"},
    {"TagForgotten",
     [](const auto& r, auto&, auto&) {
       return is(r, "PUT", "/manifests/1.4.0") ? Answer(reply(201)) : std::nullopt;
     },
     ErrorCode::network, "it was not kept"},
    {"TagNeverWritten",
     [](const auto& r, auto&, auto&) {
       return is(r, "PUT", "/manifests/1.4.0") ? Answer(reply(500)) : std::nullopt;
     },
     ErrorCode::network, "too slow or does not answer"},
    {"ClaimRefused",
     [](const auto& r, auto&, auto&) {
       return is(r, "PUT", "/manifests/mlship-claim-") ? Answer(reply(403)) : std::nullopt;
     },
     ErrorCode::forbidden, "the credentials do not allow it"},
    {"TagListOfAnotherKind",
     [](const auto& r, auto&, auto&) {
       return is(r, "GET", "/tags/list") ? Answer(reply(200, "<html>")) : std::nullopt;
     },
     ErrorCode::network, "the tags of oci://"},
    {"TagListGoesOnElsewhere",
     [](const auto& r, auto&, auto& evil) {
       return is(r, "GET", "/tags/list") ? Answer(reply(200, R"({"tags":["1.0"]})",
                                                        "Link: <" + evil.origin() + "/x>; rel=\"next\"\r\n"))
                                         : std::nullopt;
     },
     ErrorCode::network, "its next page is at another host"},
};

class HostilePush : public Hostile, public ::testing::WithParamInterface<Attack> {};

TEST_P(HostilePush, EndsInAnErrorAndNothingIsVisible) {
  server_.instead = [&](const WireRequest& r) { return GetParam().instead(r, server_, evil_); };
  const auto error = error_of([&] { publish(); });
  EXPECT_EQ(error.code(), GetParam().code) << error.message();
  EXPECT_NE(error.message().find(GetParam().message), std::string::npos) << error.message();
  EXPECT_EQ(server_.names(), std::vector<std::string>{});
  server_.instead = nullptr;
  published();
  EXPECT_EQ(server_.names(), std::vector<std::string>{"1.4.0"}) << "the next run finishes it";
  EXPECT_EQ(pull(), content);
}
INSTANTIATE_TEST_SUITE_P(Answers, HostilePush, ::testing::ValuesIn(pushes),
                         [](const auto& row) { return row.param.name; });

TEST_F(Hostile, ABlobMayComeFromAnotherHostButNoCredentialGoesThere) {
  published();
  evil_.instead = [](const auto&) { return reply(200, content); };
  server_.instead = [&](const WireRequest& r) {
    return layer_is(r, reply(307, "", "Location: " + evil_.origin() + "/signed?x=y\r\n"));
  };
  EXPECT_EQ(pull(), content);
  EXPECT_EQ(evil_.requests().size(), 1U);
}

TEST_F(Hostile, AShortOutageIsWaitedFor) {
  published();
  int refused = 0;
  server_.instead = [&](const WireRequest& r) -> Answer {
    if (!is(r, "HEAD", "/manifests/") || ++refused > 2) return std::nullopt;
    return refused == 1 ? reply(429, "", "Retry-After: 7\r\n") : reply(503);
  };
  EXPECT_EQ(pull(), content);
  EXPECT_GE(clock_.monotonic(), std::chrono::seconds(7));
}

TEST_F(Hostile, AnUploadInOnePieceThatIsTooLargeGoesInChunks) {
  server_.instead = [](const WireRequest& r) -> Answer {
    return is(r, "PUT", "/blobs/uploads/") && !r.body.empty() ? Answer(reply(413)) : std::nullopt;
  };
  published();
  EXPECT_EQ(pull(), content);
  EXPECT_GE(count("PATCH", "/blobs/uploads/"), 2);
}

// The version is there although the answer got lost: found by the next look, under a claim of its own.
TEST_F(Hostile, AnAnswerThatGotLostIsNotSentAgainUnclaimed) {
  int writes = 0;
  server_.instead = [&](const WireRequest& r) -> Answer {
    if (!is(r, "PUT", "/manifests/1.4.0") || ++writes > 1) return std::nullopt;
    (void)server_.honest(r);
    return Reply{"", true, {}, {}};
  };
  published();
  EXPECT_EQ(writes, 1);
  EXPECT_EQ(count("PUT", "/manifests/mlship-claim-"), 2);
  EXPECT_EQ(pull(), content);
}

TEST_F(Hostile, AVersionThatSomebodyElseWroteInBetweenIsAConflict) {
  const std::string other = sha256("other").str();
  bool written = false;
  server_.instead = [&](const WireRequest& r) -> Answer {
    if (is(r, "PUT", "/manifests/1.4.0")) {
      written = true;
      return reply(201);
    }
    if (!written || !is(r, "HEAD", "/manifests/1.4.0")) return std::nullopt;
    return testing::headless(
        as_manifest("other", oci::media::manifest, "Docker-Content-Digest: " + other + "\r\n"));
  };
  const auto error = error_of([&] { publish(); });
  EXPECT_EQ(error.code(), ErrorCode::version_exists);
  EXPECT_EQ(fact(error, "remote"), other);
}

TEST_F(Hostile, AReferrersTagThatIsNoIndexIsNotOverwritten) {
  published();
  const auto b = bundle();
  const std::string tag = "sha256-" + b.manifest.digest.hex();
  const std::string other = oci::serialize(small_bundle(around_.folder() / "other", {"x"}).parsed);
  server_.manifests[sha256(other).str()] = {other, oci::media::manifest};
  server_.tags[tag] = sha256(other).str();
  const auto error = error_of([&] { put_provenance(*registry_, "churn", b.manifest, {}); });
  EXPECT_EQ(error.code(), ErrorCode::verification);
  EXPECT_EQ(server_.tags[tag], sha256(other).str());
  EXPECT_EQ(error_of([&] { registry_->referrers("churn", b.manifest.digest); }).code(),
            ErrorCode::verification);
}

// docker-registry reads the links of a manifest that another publisher stores at this moment half-written,
// and says 400 to whoever names it in an index.
TEST_F(Hostile, AReferrerThatIsBeingStoredByAnotherIsStoredAgain) {
  for (const int status : {400, 404}) {
    published();
    const auto b = bundle();
    int refused = 0;
    server_.instead = [&](const WireRequest& r) -> Answer {
      if (!is(r, "PUT", "/manifests/sha256-") || ++refused > 3) return std::nullopt;
      return reply(status, R"({"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]})");
    };
    Provenance provenance;
    provenance.commit = std::to_string(status);
    put_provenance(*registry_, "churn", b.manifest, provenance);
    EXPECT_EQ(refused, 4);
    server_.instead = {};
  }
  EXPECT_EQ(registry_->referrers("churn", bundle().manifest.digest).size(), 2U);
  server_.instead = [](const WireRequest& r) -> Answer {
    return is(r, "PUT", "/manifests/sha256-") ? Answer(reply(400)) : std::nullopt;
  };
  Provenance last;
  last.commit = "never";
  const auto error = error_of([&] { put_provenance(*registry_, "churn", bundle().manifest, last); });
  EXPECT_NE(error.code(), ErrorCode::internal) << "what stays is an error, not an endless loop";
}

// GitLab answers the fallback tag with the subject itself (oras-go #1396): it must not be taken for an index,
// nor lost.
TEST_F(Hostile, AReferrersTagThatIsTheSubjectMeansNone) {
  published();
  const auto b = bundle();
  const std::string tag = "sha256-" + b.manifest.digest.hex();
  server_.instead = [&](const WireRequest& r) -> Answer {
    if (!is(r, "GET", "/manifests/" + tag)) return std::nullopt;
    return as_manifest(server_.manifests[b.manifest.digest.str()].bytes);
  };
  EXPECT_TRUE(registry_->referrers("churn", b.manifest.digest).empty());
  const auto error = error_of([&] { put_provenance(*registry_, "churn", b.manifest, {}); });
  EXPECT_EQ(error.code(), ErrorCode::http_conflict);
  EXPECT_TRUE(server_.manifests.contains(b.manifest.digest.str()));
}

TEST_F(Hostile, TagsThatAreNoTagsAreNotListed) {
  published();
  server_.instead = [](const WireRequest& r) -> Answer {
    if (!is(r, "GET", "/tags/list")) return std::nullopt;
    return reply(200, R"({"tags":["1.4.0","../../x","a b","\u001b[31m","",7,null,"mlship-claim-x"]})");
  };
  EXPECT_EQ(registry_->tag_names("churn"), std::vector<std::string>{"1.4.0"});
}

TEST_F(Hostile, AListGoesOnUntilItsLastPage) {
  published();
  server_.instead = [](const WireRequest& r) -> Answer {
    if (!is(r, "GET", "/tags/list")) return std::nullopt;
    if (r.target.find("last=1.2.0") != std::string::npos) return reply(200, R"({"tags":["1.4.0"]})");
    return reply(200, R"({"tags":["1.2.0"]})",
                 "Link: </v2/ml/churn/tags/list?n=1&last=1.2.0>; rel=\"next\"\r\n");
  };
  EXPECT_EQ(registry_->tag_names("churn"), (std::vector<std::string>{"1.2.0", "1.4.0"}));
}

TEST_F(Hostile, ACredentialHelpersErrorIsNotRepeated) {
  const Path folder = around_.folder() / "home/.docker";
  fs::write_atomic(folder / "config.json", R"({"credsStore":"mlship-absent"})");
  const auto error = error_of([&] { registry_->stat("churn", "1.4.0"); });
  EXPECT_EQ(error.code(), ErrorCode::unauthorized);
  EXPECT_NE(error.message().find("docker-credential-mlship-absent"), std::string::npos) << error.message();
}

}  // namespace
}  // namespace mlship
