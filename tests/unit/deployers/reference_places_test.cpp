// What stands beside a reference or in the way to it: markers, dots in paths, archives, requests of tools.
#include <gtest/gtest.h>

#include "core/json_library.h"
#include "deployers/databricks/sites.h"
#include "deployers/reference.h"

namespace mlship {
namespace {

// "form package version text[: why not]" of every reference, separated by " | ".
std::string seen(const std::string& text, Whole whole = Whole::text) {
  std::string out;
  for (const auto& r : find_references(text, {Scheme::pep440, {"/opt/mlship", "/srv/my apps"}, whole})) {
    out += (out.empty() ? "" : " | ") + std::string(to_string(r.form)) + " " + r.package + " " +
           (r.version ? r.version->str() : "-") + " " + text.substr(r.span.begin, r.span.size());
    if (r.hash_pinned) out += " (hash)";
    if (!r.opaque.empty()) out += ": " + r.opaque;
  }
  return out;
}

TEST(ReferencePlaces, AMarkerComparesAndNamesNothing) {
  const std::string pin = "pin churn 1.3.0 churn==1.3.0";
  for (const std::string& marker : std::vector<std::string>{
           "; extra == 'churn==1.2.0'", " ; python_version>'3.8' and extra != \"churn==1.2.0\"",
           "; 'churn==1.1.0' != extra", " ; (os_name == 'nt' or extra not in 'churn>=1.0,churn==2')"}) {
    EXPECT_EQ(seen("churn==1.3.0" + marker, Whole::requirement), pin) << marker;
    EXPECT_EQ(seen("churn==1.3.0" + marker), pin) << marker;
    EXPECT_EQ(seen("churn==1.3.0" + marker + " --hash=sha256:00", Whole::requirement), pin + " (hash)")
        << marker;
  }
  EXPECT_EQ(seen("pip install churn==1.3.0; pip install 'churn==1.2.0'"),
            pin + " | pin churn 1.2.0 churn==1.2.0");
}

TEST(ReferencePlaces, AnElementOfAJsonListIsOnePath) {
  const std::string wheel = "churn-1.3.0-py3-none-any.whl";
  for (const std::string& path : {"/Volumes/x y/" + wheel, "dbfs:/a (b), c/" + wheel, "/it's [1]/" + wheel}) {
    EXPECT_EQ(seen("LIBS=[\"" + path + "\"]"), "wheel churn 1.3.0 " + path);
    EXPECT_EQ(seen("[ \"/z z/other.txt\" , \"" + path + "\" ]"), "wheel churn 1.3.0 " + path);
  }
  EXPECT_EQ(seen("[\"bash\", \"-c\", \"/bin/sh -x /V/" + wheel + "\"]"), "wheel churn 1.3.0 /V/" + wheel);
  EXPECT_EQ(seen("echo \"see /x y/" + wheel + "\""), "wheel churn 1.3.0 y/" + wheel);
}

TEST(ReferencePlaces, SourceArchives) {
  EXPECT_EQ(seen("pip install /srv/churn-1.3.0.tar.gz"), "sdist churn 1.3.0 /srv/churn-1.3.0.tar.gz");
  EXPECT_EQ(seen("https://x.example/p/my_lib-2.0rc1.tgz#sha256=00"),
            "sdist my-lib 2.0rc1 https://x.example/p/my_lib-2.0rc1.tgz (hash)");
  EXPECT_EQ(seen("/Volumes/a b/churn-1.3.0.tar.bz2", Whole::requirement),
            "sdist churn 1.3.0 /Volumes/a b/churn-1.3.0.tar.bz2");
  EXPECT_EQ(seen("/srv/churn-1.3.0.tar.gz.asc backup.tar.gz /srv/churn-1.3.0.tar"), "");
}

TEST(ReferencePlaces, APatternOfFilesSaysThatItIsOne) {
  for (const std::string& file :
       std::vector<std::string>{"churn-1.3.0-*.whl", "churn-1.3.0-${TAG}.whl", "churn-1.3.0-*-none-any.whl",
                                "churn-1.3.0-*.jar"}) {
    const std::string form = file.ends_with("jar") ? "jar" : "wheel";
    const std::string expected = form + " churn 1.3.0 /srv/" + file +
                                 ": its file's name is a pattern, whatever build fits it: " + file;
    EXPECT_EQ(seen("cp /srv/" + file + " ."), expected);
    EXPECT_EQ(seen("/srv/" + file, Whole::path), expected);
  }
  EXPECT_EQ(seen("/srv/churn-*.whl"), "wheel churn - /srv/churn-*.whl");
}

TEST(ReferencePlaces, DotsInTheWay) {
  EXPECT_EQ(seen("/opt/./mlship/churn/1.3.0/bin"), "folder churn 1.3.0 /opt/./mlship/churn/1.3.0");
  EXPECT_EQ(seen("/opt/mlship/././churn//1.3.0"), "folder churn 1.3.0 /opt/mlship/././churn//1.3.0");
  EXPECT_EQ(seen("x=/./opt/mlship/churn/./1.3.0"), "folder churn 1.3.0 /./opt/mlship/churn/./1.3.0");
  EXPECT_EQ(seen("/opt/../opt/mlship/churn/1.3.0 x./opt/mlship/churn/1.3.0"), "");
}

// Folders that are known: an install root, a library path.
TEST(ReferencePlaces, FoldersWithBlanksAndEscapes) {
  const auto files = [](const std::string& text) {
    std::string out;
    for (const auto& r :
         find_references(text, {Scheme::pep440, {"/srv/my apps"}, Whole::text, {"/srv/it's (old) libs"}}))
      out += (out.empty() ? "" : " | ") + text.substr(r.span.begin, r.span.size()) +
             (r.place.empty() ? "" : " in " + r.place);
    return out;
  };
  const std::string wheel = "churn-1.3.0-py3-none-any.whl", libs = "/srv/it's (old) libs/";
  for (const std::string& path :
       {libs, std::string("/srv/it\\'s\\ \\(old\\)\\ libs/"), std::string("/srv//it's (old) libs/./")}) {
    EXPECT_EQ(files("run --lib \"" + path + wheel + "\" x"), path + wheel + " in " + libs);
    EXPECT_EQ(files(path + wheel), path + wheel + " in " + libs);
  }
  EXPECT_EQ(files("cp '/srv/others libs/" + wheel + "' /srv/my\\ apps/churn/1.3.0/x"),
            "libs/" + wheel + " | /srv/my\\ apps/churn/1.3.0");
  EXPECT_EQ(files("\"/srv/my apps/churn/1.3.0\" /srv/my\\  apps/churn/1.3.0"), "/srv/my apps/churn/1.3.0");
}

TEST(ReferencePlaces, RequestsOfTools) {
  const std::string why = ": NAME@VERSION asks a tool for it, and is not rewritten";
  EXPECT_EQ(seen("uvx churn@1.3.0 score"), "pin churn 1.3.0 churn@1.3.0" + why);
  EXPECT_EQ(seen("uv tool run --from 'churn[x]@1.3.0rc1' score"),
            "pin churn 1.3.0rc1 churn[x]@1.3.0rc1" + why);
  EXPECT_EQ(seen("run --with=my_lib@2.0"), "pin my-lib 2.0 my_lib@2.0" + why);
  EXPECT_EQ(seen("ssh churn@10.1.3.0 uses: x/churn@1.3.0 npx @x/churn@1.3.0 ada@example.invalid churn@v"),
            "");
}

// `spark.jars` and its like in the words of a spark-submit.
TEST(ReferencePlaces, SettingsOfSparkSubmit) {
  const auto words = [](const std::string& list) {
    const auto json = nlohmann::json::parse(
        R"({"tasks":[{"task_key":"a","spark_submit_task":{"parameters":)" + list + "}}]}");
    std::string out;
    for (const auto& found : databricks::find_in(json, databricks::job_sites(), Scheme::pep440))
      out += found.text + (found.reference.opaque.empty() ? " moves;" : " stays;");
    return out;
  };
  EXPECT_EQ(
      words(
          R"(["--conf","spark.jars=/V/a b/churn-1.3.0.jar,/x","/app.py","--conf","spark.jars=/x/churn-1.0.jar"])"),
      "/V/a b/churn-1.3.0.jar stays;");
  EXPECT_EQ(
      words(
          R"(["-c","spark.jars.packages=com.acme:churn:1.3.0","--conf=spark.submit.pyFiles=/x/churn-1.3.0.zip","a.py"])"),
      "com.acme:churn:1.3.0 stays;/x/churn-1.3.0.zip stays;");
  EXPECT_EQ(
      words(
          R"(["--conf","spark.driver.extraClassPath=/x/churn-1.3.0.jar","--jars","/y/churn-1.2.0.jar","a.py"])"),
      "/x/churn-1.3.0.jar stays;/y/churn-1.2.0.jar moves;");
  EXPECT_EQ(words(R"(["--conf","","--conf","spark.jars","--conf","=","a.py"])"), "");
}

}  // namespace
}  // namespace mlship
