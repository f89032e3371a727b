// Strings that are one thing as a whole: for every kind of place, form and nasty folder either the whole
// value becomes the new one, or the reference is there with a reason; nothing in between.
#include <algorithm>
#include <ctime>
#include <random>

#include <gtest/gtest.h>

#include "deployers/reference.h"

namespace mlship {
namespace {

struct Piece {
  std::string before, after;  // what stands around the path at this kind of place
  Whole whole;
  bool blanks = true;  // whether blanks, tabs and comment marks may stand in the path
  bool commas = true;
};
const std::vector<Piece> places = {
    {"", "", Whole::path},
    {"\"", "\"", Whole::path},
    {"", "[train]", Whole::path},
    {"", "", Whole::requirement, false},
    {"  ", "  # as agreed: churn==1.2.0", Whole::requirement, false},
    {"\"", "\"", Whole::requirement},
    {"'", "' ; python_version > \"3.8\"", Whole::requirement},
    {"", "[a, b] ; python_version > '3.8'", Whole::requirement, false},
    {"churn @ ", "", Whole::requirement, false},
    {"churn[a] @ ", " ; os_name == \"posix\"", Whole::requirement, false},
    {"-e ", "", Whole::requirement, false},
    {"dbfs:/libs/util.zip, ", ",/x/other-1.0.jar", Whole::list, true, false},
    {"", "#alias", Whole::list, true, false},
    {"", "", Whole::coordinate},
};
const std::vector<std::string> files = {"churn-1.3.0-py3-none-any.whl", "churn-1.3.0-py3.11.egg",
                                        "churn_2.12-1.3.0.jar", "churn-1.3.0.zip",
                                        "churn-1.3.0+20250318124512123456-py3-none-any.whl"};
const std::vector<std::string> roots = {"/Volumes/main/",
                                        "dbfs:/",
                                        "/Workspace/Users/ada@example.invalid/",
                                        "s3://bucket/",
                                        "abfss://box@account.test/",
                                        "./",
                                        "/dbfs/"};

std::string folder(std::mt19937& dice, bool blanks, bool commas) {
  static const std::vector<std::string> letters = {" ",
                                                   "\t",
                                                   "#",
                                                   "&",
                                                   "'",
                                                   "(",
                                                   ")",
                                                   ",",
                                                   ":",
                                                   ";",
                                                   "<",
                                                   "=",
                                                   ">",
                                                   "[",
                                                   "]",
                                                   "{",
                                                   "}",
                                                   "|",
                                                   "`",
                                                   "\"",
                                                   "$",
                                                   "%",
                                                   "@",
                                                   "!",
                                                   "*",
                                                   "?",
                                                   "~",
                                                   "+",
                                                   "\\",
                                                   "\xc3\xa9",
                                                   "\xf0\x9f\x9a\xa2",
                                                   "a",
                                                   "b-1.2.0",
                                                   "churn",
                                                   "x.whl",
                                                   "=="};
  std::string out = "d";
  for (size_t i = 0, n = dice() % 6 + 1; i < n; ++i) {
    const std::string& letter = letters[dice() % letters.size()];
    const bool blank = letter == " " || letter == "\t";
    if ((blank && !blanks) || (letter == "," && !commas)) continue;
    // What would be a template, an end of quotes or of a line is another test's.
    if (letter == "{" || letter == "\"" || letter == "'") continue;
    out += letter;
  }
  return out + "z/";
}

std::vector<Reference> ours(std::vector<Reference> all) {
  std::erase_if(all, [](const Reference& r) { return r.package != "churn"; });
  return all;
}

TEST(WholeProperty, AllOfThePathOrAReason) {
  size_t written = 0, reasons = 0;
  for (unsigned seed = 0; seed < 20'000; ++seed) {
    std::mt19937 dice(seed);
    const Piece& place = places[dice() % places.size()];
    std::string path = roots[dice() % roots.size()];
    for (size_t i = dice() % 3; i > 0; --i) path += folder(dice, place.blanks, place.commas);
    path += files[dice() % files.size()];
    const std::string text = place.before + path + place.after;
    const auto found = ours(find_references(text, {Scheme::pep440, {}, place.whole}));
    ASSERT_EQ(found.size(), 1U) << text;
    const Reference& r = found[0];
    if (!r.opaque.empty()) {
      ++reasons;
      continue;
    }
    ++written;
    ASSERT_TRUE(r.version) << text;
    EXPECT_EQ(text.substr(0, r.span.begin) + "NEW" + text.substr(r.span.end),
              place.before + "NEW" + place.after);
    EXPECT_EQ(r.folder + r.file, path);
  }
  EXPECT_GT(written, 15'000U);
  EXPECT_LT(reasons, 2'000U);
}

TEST(WholeProperty, QuotesBracesAndNoise) {
  const auto one = [](const std::string& text, Whole whole) {
    const auto found = find_references(text, {Scheme::pep440, {}, whole});
    return found.size() != 1 ? std::to_string(found.size()) + " found"
                             : text.substr(found[0].span.begin, found[0].span.size()) +
                                   (found[0].opaque.empty() ? "" : " (" + found[0].opaque + ")");
  };
  const std::string wheel = "churn-1.3.0-py3-none-any.whl";
  for (const std::string dir : {"/V/it's/", "/V/a\"b/", "/V/{old}/", "/V/{ old/", "/V/a' 'b/", "/V/\n/"})
    EXPECT_EQ(one(dir + wheel, Whole::path), dir + wheel);
  EXPECT_EQ(one("\"/V/it's/" + wheel + "\"", Whole::requirement), "/V/it's/" + wheel);
  EXPECT_EQ(one("'/V/team #1/" + wheel + "'  # note", Whole::requirement), "/V/team #1/" + wheel);
  EXPECT_EQ(one("\"churn @ file:///V/a b/" + wheel + "\"", Whole::requirement), "file:///V/a b/" + wheel);
  EXPECT_EQ(one("churn @ '/V/team # 1/" + wheel + "'  # note", Whole::requirement), "/V/team # 1/" + wheel);
  EXPECT_EQ(one("churn[a] @ \"/V/ #/" + wheel + "\"", Whole::requirement), "/V/ #/" + wheel);
  EXPECT_EQ(one("churn==1.3.0 # as @ 'x # y'", Whole::requirement), "churn==1.3.0");
  EXPECT_EQ(one(" /V/" + wheel + " ", Whole::path), " /V/" + wheel + " ");
  EXPECT_EQ(one("https://h/" + wheel + "?token=a/b", Whole::path), "https://h/" + wheel + "?token=a/b");
  EXPECT_EQ(one("https://h/" + wheel + "?token=a/b ; x", Whole::requirement),
            "https://h/" + wheel + "?token=a/b");
  EXPECT_EQ(one("https://me:pw@h/" + wheel, Whole::path),
            "h/" + wheel + " (its URL holds a password or token)");
  EXPECT_EQ(one("{{job.parameters.libs}}/" + wheel, Whole::path),
            "{{job.parameters.libs}}/" + wheel + " (its folder is interpolated: {{job.parameters.libs}})");
  EXPECT_EQ(one("/V/" + wheel + ".sha256", Whole::path), "0 found");
  EXPECT_EQ(one("/V/" + wheel + "/readme.txt", Whole::path), "0 found");
  EXPECT_EQ(one("churn==1.3.0 and " + wheel + " too", Whole::requirement), "2 found");
}

TEST(WholeProperty, AnOptionOfPipIsNeverPartOfAPath) {
  const std::string path = "/Volumes/x/churn-1.3.0-py3-none-any.whl";
  for (const std::string option :
       {"--find-links ", "--find-links=", "-f ", "-f", "--index-url=file://", "-i "}) {
    const auto found = ours(find_references(option + path, {Scheme::pep440, {}, Whole::requirement}));
    ASSERT_EQ(found.size(), 1U) << option;
    EXPECT_EQ(found[0].opaque, "its line is an option of pip") << option;
  }
  const std::string twice = "--find-links=/V/n/churn-1.1.0-py3-none-any.whl/churn-1.2.0-py3-none-any.whl";
  EXPECT_EQ(find_references(twice, {Scheme::pep440, {}, Whole::requirement}).size(), 1U);
  for (const std::string option :
       {"-e", "-f", "--find-links=", "--editable", "--extra-index-url https://h/simple", "--pre", "-",
        "--find-links /V/libs"})
    EXPECT_TRUE(find_references(option, {Scheme::pep440, {}, Whole::requirement}).empty()) << option;
  for (const std::string option : {"-e ", "--editable ", "--editable="}) {
    const auto found = find_references(option + path, {Scheme::pep440, {}, Whole::requirement});
    ASSERT_EQ(found.size(), 1U) << option;
    EXPECT_EQ(found[0].opaque, "") << option;
  }
}

TEST(WholeProperty, HashesOfUrls) {
  for (const std::string kind : {"md5", "sha1", "sha224", "sha256", "sha384", "sha512"}) {
    for (const std::string before : {"", "churn @ ", "-e "}) {
      const std::string text = before + "https://h/churn-1.3.0-py3-none-any.whl#" + kind + "=00";
      const auto found = find_references(text, {Scheme::pep440, {}, Whole::requirement});
      ASSERT_EQ(found.size(), 1U) << text;
      EXPECT_TRUE(found[0].hash_pinned) << text;
    }
  }
}

// Text of any form and any package name: versions that are none leave a reference without one.
TEST(WholeProperty, VersionsThatAreNoneAreStillThere) {
  for (const std::string version : {"latest", "{{job.parameters.v}}", "${VERSION}", "*", "1.0.9.RELEASE",
                                    "1.0.x", "{{ tasks.a.values.my-v }}", "stable", "main", "$V"}) {
    const std::vector<std::pair<std::string, Whole>> texts = {
        {"/V/a b/churn-" + version + "-py3-none-any.whl", Whole::path},
        {"/V/churn-" + version + "-py3.11.egg", Whole::path},
        {"/V/churn-" + version + ".jar", Whole::coordinate},
        {"churn==" + version, Whole::requirement},
        {"churn[a] == " + version + " ; os_name == 'x'", Whole::requirement},
        {"churn @ file:///V/churn-" + version + "-py3-none-any.whl", Whole::requirement},
        {"com.acme:churn:" + version, Whole::coordinate},
        {"/x/a.jar,/V/churn-" + version + ".jar", Whole::list},
        {"h/ml/churn:" + version, Whole::image},
        {"x /V/churn-" + version + "-py3-none-any.whl y", Whole::text},
        {"churn==" + version, Whole::text},
        {"h/ml/churn:" + version, Whole::text},
        {"/opt/mlship/churn/" + version + "/bin", Whole::text},
    };
    for (const auto& [text, whole] : texts) {
      if (version == "*" && text.find("churn==*") == 0) continue;  // pip's own wildcard
      const auto found = ours(find_references(text, {Scheme::pep440, {"/opt/mlship"}, whole}));
      ASSERT_EQ(found.size(), 1U) << text;
      EXPECT_FALSE(found[0].version) << text;
    }
  }
}

// 4 MiB of each in far less than a minute even without optimisation: nothing is looked at again and again.
TEST(WholeProperty, TimeGrowsWithTheSize) {
  const auto seconds = [](const std::string& piece, size_t size, Whole whole) {
    std::string text;
    while (text.size() < size) text += piece;
    const std::clock_t begin = std::clock();  // of the processor: other work does not count
    (void)find_references(text, {Scheme::pep440, {"/opt/mlship"}, whole});
    return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  };
  for (const std::string piece : {"/opt/l/lib-1.3.0-py3-none-any.whl\n",
                                  "/a-1-b-c-d.whl",
                                  "a.whl!",
                                  "git+a://",
                                  "/pip",
                                  "churn==1.3.0 ",
                                  "churn==1.3.0 \\\n",
                                  "a==1;os_name ",
                                  "a==1 --x=",
                                  "/opt/mlship/churn/1.3.0:",
                                  "/opt/mlship/",
                                  "a:{{",
                                  "${",
                                  "h/c:1.0,",
                                  "://a@",
                                  "spark-submit a.py x\n",
                                  "{*}",
                                  "h:/opt/mlship/a/1.0 ",
                                  "x==*",
                                  "-",
                                  "}",
                                  "$(a.whl)"}) {
    for (const Whole whole : {Whole::text, Whole::command, Whole::requirement, Whole::list, Whole::path}) {
      const double little = seconds(piece, 1U << 15U, whole), more = seconds(piece, 1U << 18U, whole);
      EXPECT_LT(more, std::max(0.5, 24 * little)) << piece << " as " << static_cast<int>(whole);
    }
  }
}

}  // namespace
}  // namespace mlship
