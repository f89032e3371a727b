#include "host_fixture.h"

namespace mlship {
namespace {

class FilesTarget : public HostTest {
 protected:
  // The destination of the only reference in `line`.
  Destination moved(const std::string& line, Values more = {}) {
    put("etc/x.conf", line);
    const auto settings = target("files", {"etc/*.conf"}, std::move(more));
    const auto objects = settings->discover(Scheme::pep440).objects;
    EXPECT_EQ(objects.size(), 1U) << line;
    EXPECT_EQ(objects.at(0).references.size(), 1U) << line;
    return settings->destination(objects.at(0), objects[0].references.at(0), release("1.4.0"), source_);
  }
  static std::string why(const Destination& d) { return d.skip ? std::string(to_string(*d.skip)) : d.text; }
  [[nodiscard]] std::string libs(const std::string& version) const {
    return root() + "/libs/churn-" + version + "-py3-none-any.whl";
  }
};

TEST_F(FilesTarget, EveryReferenceOfAFileCountsAndOnlyTheirSpansChange) {
  const auto make = [&](const std::string& v) {
    return "# was churn==" + v + " \xff\r\n\nimage: h/ml/churn:1.3.0\nrun: " + root() + "/opt/churn/" + v +
           "/bin/score churn-plus==1.3.0\n  [churn==" + v + ", churn>=1,<2]";
  };
  put("etc/a/x.conf", make("1.3.0"));
  put("etc/b.conf", "nothing here\n");
  const auto settings = target("files", {"etc/**/*.conf"}, {{"trust-pins", true}});
  const auto operations = plan(*settings, release("1.4.0"));
  ASSERT_EQ(operations.size(), 1U);
  EXPECT_EQ(operations[0].object.id, at("etc/a/x.conf").string());
  EXPECT_EQ(operations[0].object.cls, ObjectClass::both);
  EXPECT_EQ(operations[0].changes.size(), 3U);
  EXPECT_EQ(apply_all(*settings, operations), "written");
  EXPECT_EQ(text("etc/a/x.conf"), make("1.4.0"));
  const auto seen = settings->observe(operations[0], "salt");
  EXPECT_EQ(word(seen.state), "post");
  EXPECT_TRUE(seen.rest_equal);
  auto back = inverse(operations[0]);
  back.locator = seen.locator;
  EXPECT_EQ(apply_all(*settings, {back}), "written");
  EXPECT_EQ(text("etc/a/x.conf"), make("1.3.0"));
}

TEST_F(FilesTarget, EditsBetweenTheReferencesAreRebased) {
  put("etc/x.conf", "one churn==1.3.0\ntwo churn==1.3.0 b c\nthree churn==1.3.0\n");
  const auto settings = target("files", {"etc/*.conf"}, {{"trust-pins", true}});
  const auto operations = plan(*settings, release("1.4.0"));
  put("etc/x.conf", "# new\none churn==1.3.0\ntwo churn==1.3.0 b D # more\nthree churn==1.3.0\nend\n");
  EXPECT_EQ(word(settings->observe(operations[0], "salt").state), "pre");
  EXPECT_FALSE(settings->observe(operations[0], "salt").rest_equal);
  EXPECT_EQ(apply_all(*settings, operations), "written");
  EXPECT_EQ(text("etc/x.conf"),
            "# new\none churn==1.4.0\ntwo churn==1.4.0 b D # more\nthree churn==1.4.0\nend\n");
}

// As a plan file is narrowed: what was planned is found again in what is discovered now.
TEST_F(FilesTarget, AFileIsTheSameObjectWhateverElseChangedInIt) {
  put("etc/x.conf", "a other==1\none churn==1.3.0\n");
  put("etc/y.conf", "one churn==1.3.0\n");
  const auto settings = target("files", {"etc/*.conf"}, {{"trust-pins", true}});
  const auto planned = plan(*settings, release("1.4.0"));
  put("etc/x.conf", "# new\none churn==1.3.0\nb another==2\n");
  const auto fresh = plan(*settings, release("1.4.0"));
  const auto live = settings->observe(planned[0], "salt");
  EXPECT_EQ(word(live.state), "pre");
  EXPECT_TRUE(settings->same_object(live.locator, fresh[0].locator));
  EXPECT_FALSE(settings->same_object(live.locator, fresh[1].locator));
}

TEST_F(FilesTarget, ARemovedReferenceIsAConflictAndNothingIsWritten) {
  put("etc/x.conf", "one churn==1.3.0\ntwo churn==1.3.0\n");
  const auto settings = target("files", {"etc/*.conf"}, {{"trust-pins", true}});
  const auto operations = plan(*settings, release("1.4.0"));
  put("etc/x.conf", "two churn==1.3.0\n");
  EXPECT_EQ(word(settings->observe(operations[0], "salt").state), "conflict");
  EXPECT_EQ(apply_all(*settings, operations), "conflict");
  EXPECT_EQ(text("etc/x.conf"), "two churn==1.3.0\n");
  fs::remove_file(at("etc/x.conf"));
  EXPECT_EQ(word(settings->observe(operations[0], "salt").state), "gone");
}

TEST_F(FilesTarget, FoldersMoveToATreeThatIsPlacedFirst) {
  const auto d = moved("x=" + root() + "/opt/churn/1.3.0/bin\n");
  EXPECT_EQ(why(d), root() + "/opt/churn/1.4.0");
  ASSERT_EQ(d.carriers.size(), 1U);
  EXPECT_EQ(d.carriers[0].id, "tree:" + root() + "/opt/churn/1.4.0");
  EXPECT_EQ(d.carriers[0].digest, release("1.4.0").digest);
}

TEST_F(FilesTarget, FilesMoveOnlyToWhatIsThereWithOurDigest) {
  put("libs/other", "");
  EXPECT_EQ(why(moved(libs("1.3.0"))), "no-output");
  put("libs/churn-1.4.0-py3-none-any.whl", "something else");
  EXPECT_EQ(why(moved(libs("1.3.0"))), "no-output");
  put("libs/churn-1.4.0-py3-none-any.whl", FakeSource::content(release("1.4.0")));
  const auto d = moved("'" + libs("1.3.0") + "[train]'");
  EXPECT_EQ(why(d), libs("1.4.0"));
  EXPECT_TRUE(d.carriers.empty());
  EXPECT_EQ(why(moved("file://" + libs("1.3.0"))), "file://" + libs("1.4.0"));
}

TEST_F(FilesTarget, LibraryPathMakesTheFileACarrier) {
  const auto d = moved(libs("1.3.0"), {{"library-path", root() + "/libs/"}});
  EXPECT_EQ(why(d), libs("1.4.0"));
  ASSERT_EQ(d.carriers.size(), 1U);
  EXPECT_EQ(d.carriers[0].id, "file:" + libs("1.4.0"));
  EXPECT_EQ(why(moved("/elsewhere/churn-1.3.0-py3-none-any.whl", {{"library-path", root() + "/libs"}})),
            "no-output");
}

TEST_F(FilesTarget, WhatIsNoFolderOfThisHostIsNotGuessed) {
  for (const std::string folder :
       {"", "libs/", "dbfs:/libs/", "$HOME/", "${LIBS}/", "$(pwd)/", "https://h/"}) {
    const auto d = moved("run " + folder + "churn-1.3.0-py3-none-any.whl");
    EXPECT_EQ(why(d), "no-output") << folder;
    EXPECT_NE(d.detail, "");
  }
}

TEST_F(FilesTarget, PinsNeedAnIndexOrTrust) {
  project_.indexes["team"].url = "pypi+https://index.test/ml";
  EXPECT_EQ(why(moved("churn==1.3.0")), "no-output");
  EXPECT_EQ(why(moved("churn==1.3.0", {{"index", "team"}})), "no-output");
  source_.indexed.emplace_back("https://index.test/ml 1.4.0");
  const auto served = moved("churn[x]==1.3.0", {{"index", "team"}});
  EXPECT_EQ(why(served), "churn[x]==1.4.0");
  EXPECT_TRUE(served.warnings.empty());
  const auto trusted = moved("churn==1.3.0", {{"trust-pins", true}});
  EXPECT_EQ(why(trusted), "churn==1.4.0");
  EXPECT_EQ(trusted.warnings, std::vector<std::string>{"unverified"});
  EXPECT_THROW(moved("churn==1.3.0", {{"index", "taem"}}), Error);
}

TEST_F(FilesTarget, FormsWithoutAnOutputSayWhy) {
  for (const std::string line : {"h/ml/churn:1.3.0", "oci://h/ml/churn:1.3.0", "com.acme:churn:1.3.0",
                                 "/x/churn-1.3.0.jar", "/x/churn-1.3.0.zip", "/x/churn-1.3.0.egg"}) {
    const auto d = moved(line);
    EXPECT_EQ(why(d), "no-output") << line;
    EXPECT_NE(d.detail, "") << line;
  }
}

TEST_F(FilesTarget, TreesAreCompleteBeforeTheyAreVisible) {
  const auto settings = target("files", {"etc/*"});
  const Release r = release("1.4.0");
  const Carrier carrier{"tree:" + root() + "/opt/churn/1.4.0", "", r.digest};
  // What a killed run left.
  put("opt/churn/.mlship-r0.carrier-abc/tree/bin/score", "half");
  EXPECT_FALSE(settings->carrier_ok(carrier, r, source_));
  EXPECT_TRUE(settings->place(carrier, r, source_, "r1.carrier"));
  EXPECT_TRUE(settings->carrier_ok(carrier, r, source_));
  EXPECT_EQ(fs::list(at("opt/churn")), std::vector<std::string>{"1.4.0"});
  EXPECT_FALSE(settings->place(carrier, r, source_, "r1.carrier"));
  put("opt/churn/1.4.0/bin/score", "edited");
  EXPECT_FALSE(settings->carrier_ok(carrier, r, source_));
  try {
    settings->place(carrier, r, source_, "r1.carrier");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::version_exists);
  }
  EXPECT_EQ(text("opt/churn/1.4.0/bin/score"), "edited");
}

TEST_F(FilesTarget, FilesArePlacedCreateOnly) {
  const auto settings = target("files", {"etc/*"}, {{"library-path", root() + "/libs"}});
  const Release r = release("1.4.0");
  const Carrier carrier{"file:" + libs("1.4.0"), libs("1.4.0"), r.outputs[0].digest};
  EXPECT_TRUE(settings->place(carrier, r, source_, "t"));
  EXPECT_EQ(fs::list(at("libs")).size(), 1U);
  EXPECT_EQ(fs::stat(libs("1.4.0"))->mode, 0644U);
  EXPECT_TRUE(settings->carrier_ok(carrier, r, source_));
  EXPECT_FALSE(settings->place(carrier, r, source_, "t"));
  put("libs/churn-1.4.0-py3-none-any.whl", "other");
  EXPECT_THROW(settings->place(carrier, r, source_, "t"), Error);
  EXPECT_EQ(text("libs/churn-1.4.0-py3-none-any.whl"), "other");
}

TEST_F(FilesTarget, CarriersGoNowhereElse) {
  const auto settings = target("files", {"etc/*"}, {{"library-path", root() + "/libs"}});
  const Release r = release("1.4.0");
  for (const std::string& id :
       {"tree:" + root() + "/elsewhere/churn/1.4.0", "tree:" + root() + "/opt/other/1.4.0",
        "tree:" + root() + "/opt/churn/1.5.0", "tree:" + root() + "/opt/churn/../x/1.4.0",
        std::string("tree:x"), "file:" + root() + "/elsewhere/churn-1.4.0-py3-none-any.whl",
        "file:" + root() + "/libs/evil", std::string("what:/x")}) {
    const bool tree = id.starts_with("tree");
    EXPECT_THROW(settings->place({id, id, tree ? r.digest : r.outputs[0].digest}, r, source_, "t"), Error)
        << id;
  }
  EXPECT_FALSE(fs::exists(at("elsewhere")));
  EXPECT_FALSE(fs::exists(at("opt")));
}

TEST_F(FilesTarget, OldPlacesAreLookedFor) {
  const auto settings = target("files", {"etc/*"});
  Change change;
  const auto ok = [&](const std::string& to) {
    change.to = to;
    return settings->old_place_ok(change);
  };
  EXPECT_FALSE(ok(root() + "/opt/churn/1.2.0"));
  fs::make_folders(at("opt/churn/1.2.0"));
  EXPECT_TRUE(ok(root() + "/opt/churn/1.2.0"));
  EXPECT_FALSE(ok(libs("1.2.0")));
  put("libs/churn-1.2.0-py3-none-any.whl", "");
  EXPECT_TRUE(ok(libs("1.2.0")));
  EXPECT_TRUE(ok("churn==1.2.0"));
  EXPECT_TRUE(ok("dbfs:/churn-1.2.0-py3-none-any.whl"));
}

}  // namespace
}  // namespace mlship
