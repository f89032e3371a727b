// Pages of indexes, their addresses and the credentials for them.
#include "packager/index.h"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/host/fs.h"
#include "packager/netrc.h"
#include "packager/pip_config.h"
#include "packager/resolve.h"
#include "packager/url.h"

namespace mlship {
namespace {

TEST(Url, ResolvesReferences) {
  struct Case {
    const char *reference, *url;
  };
  const std::string base = "https://index.test/simple/a/";
  const Case cases[] = {
      {"a-1.whl", "https://index.test/simple/a/a-1.whl"},
      {"../../files/a-1.whl#sha256=00", "https://index.test/files/a-1.whl"},
      {"/files/a-1.whl?x=1", "https://index.test/files/a-1.whl?x=1"},
      {"//files.test/a-1.whl", "https://files.test/a-1.whl"},
      {"HTTP://files.test/a", "http://files.test/a"},
      {"../../../../../x", "https://index.test/x"},
      {"./x/./y/../z/", "https://index.test/simple/a/x/z/"},
      {"", "https://index.test/simple/a/"},
      {"?q", "https://index.test/simple/a/?q"},
  };
  for (const auto& c : cases) EXPECT_EQ(resolve_url(base, c.reference), c.url) << c.reference;
  EXPECT_EQ(url_origin("https://me:pw@Index.Test:443/x"), "https://index.test");
  EXPECT_EQ(url_origin("http://index.test:8080/x"), "http://index.test:8080");
  EXPECT_EQ(url_host("https://me@[::1]:8080/x"), "[::1]");
  EXPECT_EQ(url_file_name("https://index.test/a/b%2B1.whl?x=/y#z/w"), "b+1.whl");
  EXPECT_EQ(without_userinfo("https://me:pw@index.test/x"), "https://index.test/x");
  const auto user = url_userinfo("https://me:p%40w@index.test/x");
  ASSERT_TRUE(user);
  EXPECT_EQ(user->user + user->password.reveal(), "mep@w");
  EXPECT_EQ(percent_decode("100%, %zz %4"), "100%, %zz %4");
}

const std::string hex(64, 'c');

TEST(IndexPage, ReadsHtml) {
  const std::string page = R"(<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.1">
    <base href="/simple/a/"></head><body><!-- <a href="no.whl">no</a> -->
    <a href="../../files/a-1-py3-none-any.whl#sha256=)" +
                           hex + R"(" data-requires-python="&gt;=3.6">a-1-py3-none-any.whl</a><br/>
    <A HREF='a-1.tar.gz#md5=00' data-yanked="broken &amp; bad">a</A>
    <a data-yanked href=https://files.test/a-2-py3-none-any.whl?sig=1&amp;x#sha256=short>x</a><a name=x></a><a)";
  const auto files = parse_index_html(page, "https://index.test/other/");
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(files[0].name, "a-1-py3-none-any.whl");
  EXPECT_EQ(files[0].url, "https://index.test/files/a-1-py3-none-any.whl");
  EXPECT_EQ(files[0].sha256, Digest::from_hex(hex));
  EXPECT_FALSE(files[0].yanked);
  EXPECT_EQ(files[1].url, "https://index.test/simple/a/a-1.tar.gz");
  EXPECT_FALSE(files[1].sha256);
  EXPECT_EQ(files[1].yanked, "broken & bad");
  EXPECT_EQ(files[2].url, "https://files.test/a-2-py3-none-any.whl?sig=1&x");
  EXPECT_EQ(files[2].yanked, "");
  EXPECT_FALSE(files[2].sha256);
}

TEST(IndexPage, ReadsJson) {
  const std::string page = R"({"meta": {"api-version": "1.4"}, "name": "a", "files": [
    {"filename": "a-1-py3-none-any.whl", "url": "../../f/a-1-py3-none-any.whl", "hashes": {"sha256": ")" +
                           hex + R"("}, "size": 12, "yanked": false},
    {"filename": "a-2.tar.gz", "url": "https://files.test/a-2.tar.gz", "hashes": {}, "yanked": "why"}]})";
  const auto files = parse_index_json(page, "https://index.test/simple/a/");
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].url, "https://index.test/f/a-1-py3-none-any.whl");
  EXPECT_EQ(files[0].size, 12U);
  EXPECT_EQ(files[0].sha256, Digest::from_hex(hex));
  EXPECT_FALSE(files[0].yanked);
  EXPECT_EQ(files[1].yanked, "why");
}

std::string refusal(const std::string& type, const std::string& body) {
  HttpResponse response;
  response.status = 200;
  response.url = "https://me:secret@index.test/simple/a/";
  response.headers.emplace("content-type", type);
  response.body = body;
  try {
    parse_index_page(response);
  } catch (const Error& e) {
    EXPECT_EQ(e.message().find("secret"), std::string::npos);
    return e.message();
  }
  return "accepted";
}

TEST(IndexPage, RefusesWhatIsNone) {
  const std::string json = "application/vnd.pypi.simple.v1+json";
  EXPECT_NE(refusal("application/vnd.pypi.simple.v2+json", R"({"meta": {"api-version": "2.0"}, "files": []})")
                .find("the index speaks version 2.0"),
            std::string::npos);
  EXPECT_NE(refusal("text/html; charset=utf-8", "<meta name='pypi:repository-version' content='2.0'>")
                .find("the index speaks version 2.0"),
            std::string::npos);
  for (const std::string body :
       {"", "[]", "{}", R"({"meta": 1})", R"({"meta": {"api-version": 1}})",
        R"({"meta": {"api-version": "1.0"}})", R"({"meta": {"api-version": "1.0"}, "files": [1]})",
        R"({"meta": {"api-version": "1.0"}, "files": [{"filename": "a"}]})"}) {
    EXPECT_TRUE(refusal(json, body).starts_with("cannot read https://index.test/simple/a/: ")) << body;
  }
  EXPECT_EQ(refusal("image/png", ""),
            "cannot read https://index.test/simple/a/: an index page is JSON or HTML, this is image/png");
}

TEST(NetrcFile, IsReadAsPipReadsIt) {
  const Netrc netrc = Netrc::parse(
      "# comment machine no login x password y\nmachine index.test login me password \"p w\"\n"
      "macdef init\n  machine trap login a password b\n\n"
      "machine other.test\n  login you\n  account z\n  password p\\\"q\nmachine index.test login late "
      "password no\n"
      "default login anyone password d\n");
  EXPECT_EQ(netrc.find("index.test")->user, "me");
  EXPECT_EQ(netrc.find("index.test")->password.reveal(), "p w");
  EXPECT_EQ(netrc.find("other.test")->password.reveal(), "p\"q");
  EXPECT_EQ(netrc.find("trap")->user, "anyone");
  EXPECT_FALSE(Netrc::parse("machine a login b password c").find("d"));
  EXPECT_FALSE(Netrc::parse("machine").find("d"));
}

class PipSettings : public ::testing::Test {
 protected:
  IndexSettings settings(std::map<std::string, std::string, std::less<>> variables,
                         const std::string& project = "") {
    variables.emplace("HOME", home_.path().string());
    variables.emplace("PIP_CONFIG_FILE", (home_.path() / "own.conf").string());
    return index_settings(Env(std::move(variables)), project);
  }
  void write(const std::string& name, const std::string& text) {
    fs::make_folders((home_.path() / name).parent_path());
    fs::write_atomic(home_.path() / name, text);
  }
  fs::TempFolder home_{::testing::TempDir()};
};

using Urls = std::vector<std::string>;

TEST_F(PipSettings, ComeFromTheNearestPlace) {
  EXPECT_EQ(settings({}).urls, default_index().empty() ? Urls{} : Urls{default_index()});
  write(".config/pip/pip.conf", "[global]\nindex_url = https://user.test/simple\n");
  EXPECT_EQ(settings({}).urls, Urls{"https://user.test/simple"});
  for (const auto* name : {"wheels", "my wheels"}) fs::make_folders(home_.path() / name);
  write(
      "own.conf",
      "; mine\n[global]\nindex-url: https://own.test/simple\nextra-index-url =\n    https://one.test/simple\n"
      "    # not this\n    https://two.test/simple\nfind-links = ~/wheels\n  file://" +
          home_.path().string() +
          "/my%20wheels /absent https://links.test/\n"
          "[download]\nindex-url = https://no.test\n[install]\nextra-index-url = "
          "https://three.test/simple\n");
  for (const auto* there : {"wheels", "my wheels"}) fs::make_folders(home_.path() / there);
  const auto own = settings({});
  EXPECT_EQ(own.urls, (Urls{"https://own.test/simple", "https://three.test/simple"}));
  EXPECT_EQ(own.find_links, (Urls{(home_.path() / "wheels").string(), (home_.path() / "my wheels").string(),
                                  "https://links.test/"}));
  EXPECT_EQ(settings({{"UV_INDEX_URL", "https://uv.test/simple"}}).urls[0], "https://uv.test/simple");
  EXPECT_EQ(settings({{"UV_INDEX_URL", "https://uv.test"}, {"PIP_INDEX_URL", "https://pip.test"}}).urls[0],
            "https://pip.test");
  EXPECT_EQ(settings({{"PIP_INDEX_URL", "https://pip.test"}}, "pypi+https://project.test/simple").urls[0],
            "https://project.test/simple");
  EXPECT_EQ(
      settings({{"PIP_FIND_LINKS", "/usr /var"}, {"PIP_EXTRA_INDEX_URL", "https://x.test https://y.test"}})
          .find_links,
      (Urls{"/usr", "/var"}));
  EXPECT_TRUE(settings({{"PIP_NO_INDEX", "1"}}).urls.empty());
}

// pip: [install] before [global], of one section the later file; whatever the order in one file.
TEST_F(PipSettings, AreMergedBySectionAsPipDoes) {
  const auto conf = [](const std::string& section, const std::string& url) {
    return "[" + section + "]\nindex-url = https://" + url + ".test\n";
  };
  const std::map<std::string, std::string, std::less<>> nothing{{"PIP_CONFIG_FILE", "/nowhere"}};
  const auto first = [&](std::map<std::string, std::string, std::less<>> variables) {
    return settings(std::move(variables)).urls.at(0);
  };
  write(".pip/pip.conf", conf("install", "old"));
  write(".config/pip/pip.conf", conf("install", "new") + conf("global", "other"));
  write("venv/pip.conf", conf("global", "venv"));
  EXPECT_EQ(first(nothing), "https://new.test");
  auto in_venv = nothing;
  in_venv["VIRTUAL_ENV"] = (home_.path() / "venv").string();
  EXPECT_EQ(first(in_venv), "https://new.test");
  write(".config/pip/pip.conf", "[install]\nindex-url =\n");
  EXPECT_EQ(first(in_venv), "https://venv.test");  // an empty value says nothing
  write(".config/pip/pip.conf",
        "[install]\n--Index_URL = https://dashes.test\n[global]\nindex-url = https://no.test\n");
  EXPECT_EQ(first(in_venv), "https://dashes.test");
  write(".config/pip/pip.conf", "[DEFAULT]\nindex-url = https://default.test\n[install]\nno-index = 0\n");
  EXPECT_EQ(first(in_venv), "https://default.test");
  in_venv["PIP_INDEX_URL"] = "";
  EXPECT_EQ(first(in_venv), "https://default.test");
  // PIP_CONFIG_FILE takes the place of the user's own files, not of the machine's.
  write("own.conf", "[global]\ntimeout = 1\n");
  write("etc/pip/pip.conf", conf("global", "machine"));
  EXPECT_EQ(first({{"XDG_CONFIG_DIRS", (home_.path() / "etc").string()}}), "https://machine.test");
}

TEST_F(PipSettings, SayNothingWhenTheProjectNamesItsIndex) {
  write("own.conf", "[global]\nextra-index-url = https://extra.test\nfind-links = https://links.test\n");
  const auto alone = settings({{"PIP_EXTRA_INDEX_URL", "https://more.test"},
                               {"PIP_FIND_LINKS", "https://pages.test /usr"},
                               {"UV_INDEX_URL", "https://uv.test"},
                               {"PIP_NO_INDEX", "1"}},
                              "pypi+https://project.test/simple");
  EXPECT_EQ(alone.urls, Urls{"https://project.test/simple"});
  EXPECT_EQ(alone.find_links, Urls{});
}

TEST_F(PipSettings, IgnoreFilesWhenToldTo) {
  write(".config/pip/pip.conf", "[global]\nindex-url = https://user.test/simple\n");
  EXPECT_EQ(settings({{"PIP_CONFIG_FILE", "/dev/null"}, {"PIP_INDEX_URL", "https://pip.test"}}).urls,
            Urls{"https://pip.test"});
  EXPECT_EQ(settings({{"PIP_CONFIG_FILE", "/dev/null"}}).urls,
            default_index().empty() ? Urls{} : Urls{default_index()});
}

}  // namespace
}  // namespace mlship
