// Words that a shell or a string puts together from pieces: half of a version is never one.
#include <gtest/gtest.h>

#include "deployers/document/site.h"
#include "deployers/gate.h"
#include "deployers/plan.h"
#include "deployers/reference.h"

namespace mlship {
namespace {

// "form package version text[: why not]" of every reference, separated by " | ".
std::string seen(const std::string& text) {
  std::string out;
  for (const auto& r : find_references(text, {Scheme::pep440, {"/opt/mlship"}})) {
    out += (out.empty() ? "" : " | ") + std::string(to_string(r.form)) + " " + r.package + " " +
           (r.version ? r.version->str() : "-") + " " + text.substr(r.span.begin, r.span.size());
    if (!r.opaque.empty()) out += ": " + r.opaque;
  }
  return out;
}

// The text with what moves of churn moved to 1.4.0.
std::string moved(const std::string& text) {
  std::string out;
  size_t done = 0;
  const Version to = Version::require("1.4.0", Scheme::pep440, "test");
  for (const auto& r : find_references(text, {Scheme::pep440, {"/opt/mlship"}})) {
    if (r.package != "churn" || hold_back(r, to, Policy{}, Direction::up)) continue;
    out += text.substr(done, r.span.begin - done) + rewrite(text, r, to);
    done = r.span.end;
  }
  return out + text.substr(done);
}

const std::string pieces = ": it is put together from pieces in quotes";
const std::string escapes = ": it is written with escapes";

TEST(ReferenceSpelled, HalfAVersionIsNone) {
  for (const std::string& text : std::vector<std::string>{R"(pip install churn==1'.2.0')",
                                                          R"(pip install churn==1\.2.0)",
                                                          R"(x "churn==1\x2e2.0")",
                                                          R"(x "churn==1\u002e2.0")",
                                                          R"(x $'churn==1\0562.0')",
                                                          R"(churn==1."2".0)",
                                                          R"(churn==1.2''.0)",
                                                          "churn==1.\\\n2.0",
                                                          R"(x "churn==1\\.2.0")",
                                                          R"(/opt/mlship/churn/1'.2.0'/bin/score)",
                                                          R"(/opt/mlship/churn/1\.2.0/bin)",
                                                          R"(docker run h/churn:1"."2.0)",
                                                          R"(com.acme:churn:1'.2.0')",
                                                          R"(churn==1'.2')",
                                                          R"('churn==1'.2.0)",
                                                          R"("churn==1".$MINOR)",
                                                          R"(churn==1=2.0)",
                                                          R"(churn==1,2.0)",
                                                          R"(churn==1:2.0)",
                                                          R"(churn==1(2)",
                                                          R"(h/churn:1\.2.0)",
                                                          R"(/srv/churn-1'.2.0'.jar)",
                                                          R"(/srv/churn-1\.2.0.jar)"}) {
    EXPECT_EQ(moved(text), text);
    EXPECT_NE(seen(text).find(" churn "), std::string::npos) << text << ": " << seen(text);
  }
  EXPECT_EQ(seen("churn==1'.2.0' x"), "pin churn 1.2.0 churn==1'.2.0'" + pieces);
  EXPECT_EQ(seen(R"(churn==1\x2e2.0)"), R"(pin churn 1.2.0 churn==1\x2e2.0)" + escapes);
}

TEST(ReferenceSpelled, WhatEndsAVersionEndsItStill) {
  for (const std::string& text : std::vector<std::string>{
           R"(sh -c "pip install 'churn==1.2.0'")", R"(sh -c 'pip install '"'"'churn==1.2.0'"'"' x')",
           R"(sh -c 'pip install '\''churn==1.2.0'\''')", R"({"a":"churn==1.2.0","b":"c"})",
           R"({\"a\":\"churn==1.2.0\",\"b\":1})", R"(f"churn==1.2.0")", R"(x=r'churn==1.2.0')",
           R"(printf 'churn==1.2.0\nnumpy==1.1\n')", "RUN pip install churn==1.2.0\\\n    numpy",
           R"(a "churn==1.2.0". b)", R"(--req="churn==1.2.0")", R"(['churn==1.2.0','numpy==1.1'])",
           R"(/opt/mlship/churn/1.2.0"/bin/score")", R"("churn==1.2.0";x)", R"("churn==1.2.0"|x)",
           R"({image:"h/churn:1.2.0"})", R"("image":"h/churn:1.2.0",)"}) {
    std::string expected = text;
    expected.replace(expected.find("1.2.0"), 5, "1.4.0");
    EXPECT_EQ(moved(text), expected) << seen(text);
  }
}

TEST(ReferenceSpelled, QuotesAroundAPartOfAPin) {
  for (const std::string& text : std::vector<std::string>{
           "pip install churn=='1.2.0'", "pip install \"churn\"==1.2.0", "pip install churn==\"1.2.0\" x",
           "pip install 'churn'=='1.2.0'", "pip install churn'==1.2.0'", "pip install churn'[x]'==1.2.0",
           "pip install churn\"[a,b]==1.2.0\"", "sh -c \"pip install churn=='1.2.0'\"", "churn\"==\"1.2.0"}) {
    std::string expected = text;
    expected.replace(expected.find("1.2.0"), 5, "1.4.0");
    EXPECT_EQ(moved(text), expected) << seen(text);
  }
  EXPECT_EQ(seen("x churn=='1.2.0' y"), "pin churn 1.2.0 churn=='1.2.0'");
  EXPECT_EQ(seen("x 'churn'==1.2.0 y"), "pin churn 1.2.0 'churn'==1.2.0");
  EXPECT_EQ(seen("x 'churn'==\"1.2.0\" y"), "pin churn 1.2.0 'churn'==\"1.2.0");
  EXPECT_EQ(seen("x churn'>=1.2,<2' y"), "range churn - churn'>=1.2" + pieces);
  EXPECT_EQ(seen("x 'my-'churn==1.2.0"), "pin my-churn 1.2.0 'my-'churn==1.2.0");
  EXPECT_EQ(seen("\"$PREFIX\"churn==1.2.0 \"${P}\"churn==1.2.0"),
            "pin churn 1.2.0 churn==1.2.0: its text goes on behind a quote or backslash | "
            "pin churn 1.2.0 churn==1.2.0: its text goes on behind a quote or backslash");
  EXPECT_EQ(seen("if [ \"$churn\" == \"1.2.0\" ]; then x='churn' y=\"1.2.0\""), "");
  EXPECT_EQ(seen(R"({"churn":"1.2.0", "a":'b', "com.acme":"churn"})"), "");
}

TEST(ReferenceSpelled, PathsImagesAndFilesInPieces) {
  EXPECT_EQ(seen("'/opt/mlship/churn'/1.2.0/bin"), "folder churn 1.2.0 '/opt/mlship/churn'/1.2.0" + pieces);
  EXPECT_EQ(seen("\"/opt/mlship\"/churn/1.2.0"), "folder churn 1.2.0 \"/opt/mlship\"/churn/1.2.0" + pieces);
  EXPECT_EQ(seen("run h/churn:'1.2.0'"), "image churn 1.2.0 h/churn:'1.2.0'" + pieces);
  EXPECT_EQ(seen("run /srv/libs/churn-\"1.2.0\".jar"),
            "jar churn 1.2.0 /srv/libs/churn-\"1.2.0\".jar" + pieces);
  EXPECT_EQ(seen("run '/srv/libs'/churn-1.2.0.jar"), "jar churn 1.2.0 '/srv/libs'/churn-1.2.0.jar" + pieces);
  EXPECT_EQ(seen(R"(C:\libs\churn-1.2.0.jar)"), "jar churn 1.2.0 churn-1.2.0.jar");
}

TEST(ReferenceSpelled, WhatIsInterpolatedIsSaid) {
  const std::string text = R"(pip install churn=="$V" "$LIBS"/churn-1.2.0.jar churn=='1.2'"$Z")";
  std::string out;
  for (const auto& seen : references_at(text, {{0, text.size()}, "", {}, Dialect::shell}, {})) {
    out += seen.text + ": " + seen.reference.opaque + "\n";
    EXPECT_FALSE(seen.reference.opaque.empty());
  }
  EXPECT_NE(out.find("churn==\"$V\": its version is interpolated: $V"), std::string::npos) << out;
  EXPECT_NE(out.find("$LIBS\"/churn-1.2.0.jar"), std::string::npos) << out;
}

// What moves comes back through the gate for texts of a ledger.
TEST(ReferenceSpelled, TheGateKnowsThem) {
  for (const char* const text :
       {"churn=='1.2.0'", "'churn'==1.2.0", "churn'==1.2.0'", "'churn'==\"1.2.0", "churn[x]=='1.2.0'"}) {
    EXPECT_TRUE(names_version(text, "churn", "1.2.0", Scheme::pep440)) << text;
  }
  EXPECT_FALSE(names_version("churn==1'.2.0'", "churn", "1", Scheme::pep440));
}

}  // namespace
}  // namespace mlship
