#include "host_fixture.h"
#include <sys/stat.h>
#include <unistd.h>

#include "deployers/cron_files.h"

namespace mlship {
namespace {

class CronTarget : public HostTest {
 protected:
  [[nodiscard]] std::string entry(const std::string& job, const std::string& version) const {
    return job + " 1 * * * root " + root() + "/opt/churn/" + version + "/bin/score --job " + job + "\n";
  }
  [[nodiscard]] std::string three(const std::string& version) const {
    return entry("0", version) + entry("1", version) + entry("2", version);
  }
  std::unique_ptr<Target> crontabs() { return target("cron", {root() + "/cron.d/*"}); }
  // What discover() finds: "name id path version" per reference.
  static std::string found(Target& target) {
    std::string out;
    for (const auto& object : target.discover(Scheme::pep440).objects) {
      for (const auto& f : object.references) {
        out += object.info.name + " " + f.path + " " + f.reference.version_text + "\n";
      }
    }
    return out;
  }
};

TEST_F(CronTarget, DiscoversEntriesAndEnvironmentLines) {
  put("cron.d/jobs",
      "# " + root() + "/opt/churn/1.0/bin\nPATH=" + root() +
          "/opt/churn/1.2.0/bin:/usr/bin\n\n  @daily root run churn==1.3.0 'churn==1.2.0' % churn==1\n");
  const auto edge = crontabs();
  EXPECT_EQ(found(*edge), "jobs:PATH 2:6 1.2.0\njobs:run 4:19 1.3.0\njobs:run 4:33 1.2.0\n");
  const auto objects = edge->discover(Scheme::pep440).objects;
  ASSERT_EQ(objects.size(), 2U);
  EXPECT_EQ(objects[0].info.id, at("cron.d/jobs").string() + ":2");
  EXPECT_EQ(objects[0].info.kind, "cron-environment");
  EXPECT_EQ(objects[1].info.kind, "cron-entry");
  EXPECT_EQ(objects[1].info.schedule, "@daily");
  EXPECT_EQ(objects[1].info.cls, ObjectClass::job);
  EXPECT_EQ(objects[1].references[1].text, "churn==1.2.0");
}

TEST_F(CronTarget, LocatorsQuoteNothingOfTheFile) {
  put("cron.d/jobs", "1 1 * * * root PASSWORD=hunter2 run churn==1.3.0\n");
  const auto objects = crontabs()->discover(Scheme::pep440).objects;
  ASSERT_EQ(objects.size(), 1U);
  EXPECT_EQ(objects[0].locator.dump().find("hunter2"), std::string::npos);
  EXPECT_EQ(objects[0].locator.dump().find("PASSWORD"), std::string::npos);
}

TEST_F(CronTarget, AppliesAndGoesBackByteForByte) {
  const std::string before = "MAILTO=x\r\n" + three("1.3.0") + "# end \xff";
  put("cron.d/jobs", before);
  ::chmod(at("cron.d/jobs").c_str(), 0640);
  const auto edge = crontabs();
  const auto operations = plan(*edge, release("1.4.0"));
  ASSERT_EQ(operations.size(), 3U);
  EXPECT_EQ(apply_all(*edge, operations), "written written written");
  EXPECT_EQ(text("cron.d/jobs"), "MAILTO=x\r\n" + three("1.4.0") + "# end \xff");
  EXPECT_EQ(fs::stat(at("cron.d/jobs"))->mode, 0640U);
  EXPECT_EQ(apply_all(*edge, operations), "already already already");
  for (const auto& op : operations) {
    const auto seen = edge->observe(op, "salt");
    EXPECT_EQ(word(seen.state), "post");
    EXPECT_TRUE(seen.rest_equal);
    EXPECT_EQ(edge->apply(inverse(op), "r2").kind, ApplyResult::Kind::written);
  }
  EXPECT_EQ(text("cron.d/jobs"), before);
  EXPECT_EQ(fs::list(at("cron.d")).size(), 1U);
}

TEST_F(CronTarget, EditsElsewhereAreRebased) {
  put("cron.d/jobs", three("1.3.0"));
  const auto edge = crontabs();
  const auto operations = plan(*edge, release("1.4.0"));
  // Above, in the line itself, and below.
  const std::string own = "7 7 * * * root nice " + root() + "/opt/churn/1.3.0/bin/score --job 1\n";
  put("cron.d/jobs",
      "# by hand\n@daily bob x\n" + entry("0", "1.3.0") + own + "\n" + entry("2", "1.3.0") + "#\n");
  const auto seen = edge->observe(operations[1], "salt");
  EXPECT_EQ(word(seen.state), "pre");
  EXPECT_FALSE(seen.rest_equal);
  EXPECT_TRUE(edge->observe(operations[0], "salt").rest_equal);
  EXPECT_EQ(apply_all(*edge, operations), "written written written");
  std::string own_now = own;
  own_now.replace(own_now.find("1.3.0"), 5, "1.4.0");
  EXPECT_EQ(text("cron.d/jobs"),
            "# by hand\n@daily bob x\n" + entry("0", "1.4.0") + own_now + "\n" + entry("2", "1.4.0") + "#\n");
}

TEST_F(CronTarget, AnEntryIsTheSameObjectWhereItStandsNow) {
  put("cron.d/jobs", three("1.3.0"));
  const auto edge = crontabs();
  const auto planned = plan(*edge, release("1.4.0"));
  put("cron.d/jobs", "@daily bob x\n" + three("1.3.0"));
  const auto fresh = plan(*edge, release("1.4.0"));
  const auto live = edge->observe(planned[1], "salt");
  EXPECT_FALSE(edge->same_object(live.locator, fresh[0].locator));
  EXPECT_TRUE(edge->same_object(live.locator, fresh[1].locator));
}

TEST_F(CronTarget, AnotherValueIsAConflictThatNamesIt) {
  put("cron.d/jobs", three("1.3.0"));
  const auto edge = crontabs();
  const auto operations = plan(*edge, release("1.4.0"));
  put("cron.d/jobs", entry("0", "1.3.0") + entry("1", "1.2.0") + entry("2", "1.4.0"));
  EXPECT_EQ(word(edge->observe(operations[0], "salt").state), "pre");
  const auto seen = edge->observe(operations[1], "salt");
  EXPECT_EQ(word(seen.state), "conflict");
  EXPECT_EQ(seen.detail, "line 2 holds '" + root() + "/opt/churn/1.2.0' now");
  EXPECT_EQ(word(edge->observe(operations[2], "salt").state), "post");
  EXPECT_EQ(apply_all(*edge, operations), "written conflict already");
  EXPECT_EQ(text("cron.d/jobs"), entry("0", "1.4.0") + entry("1", "1.2.0") + entry("2", "1.4.0"));
}

TEST_F(CronTarget, ARemovedLineIsGoneAndItsNeighboursAreNotTakenForIt) {
  put("cron.d/jobs", three("1.3.0") + entry("3", "1.3.0") + entry("4", "1.3.0"));
  const auto edge = crontabs();
  const auto operations = plan(*edge, release("1.4.0"));
  for (const std::string removed : {"0", "1", "2", "3", "4"}) {
    std::string left;
    for (const std::string job : {"0", "1", "2", "3", "4"}) {
      if (job != removed) left += entry(job, "1.3.0");
    }
    put("cron.d/jobs", left);
    const auto& operation = operations[static_cast<size_t>(removed[0] - '0')];
    EXPECT_EQ(word(edge->observe(operation, "salt").state), "gone") << removed;
    EXPECT_EQ(word(edge->apply(operation, "t").kind), "conflict") << removed;
    EXPECT_EQ(text("cron.d/jobs"), left);
  }
}

TEST_F(CronTarget, EqualLinesKeepTheirOrder) {
  const std::string line = "1 1 * * * root x churn==1.3.0\n", other = "1 1 * * * root x churn==1.2.0\n";
  put("cron.d/jobs", line + other + line);
  const auto edge = target("cron", {root() + "/cron.d/*"}, {{"trust-pins", true}});
  const auto operations = plan(*edge, release("1.4.0"));
  ASSERT_EQ(operations.size(), 3U);
  put("cron.d/jobs", "\n\nA=b\n" + line + other + line);
  EXPECT_EQ(word(edge->apply(operations[1], "t").kind), "written");
  EXPECT_EQ(text("cron.d/jobs"), "\n\nA=b\n" + line + "1 1 * * * root x churn==1.4.0\n" + line);
}

TEST_F(CronTarget, SeveralReferencesInALineAreOneObject) {
  put("cron.d/jobs", "1 1 * * * root a churn==1.3.0 other==1 \"churn==1.10.0\"\n");
  const auto edge = target("cron", {root() + "/cron.d/*"}, {{"trust-pins", true}});
  const auto operations = plan(*edge, release("1.4.0"));
  ASSERT_EQ(operations.size(), 1U);
  ASSERT_EQ(operations[0].changes.size(), 2U);
  EXPECT_EQ(operations[0].changes[0].warnings, std::vector<std::string>{"unverified"});
  EXPECT_EQ(apply_all(*edge, operations), "written");
  EXPECT_EQ(text("cron.d/jobs"), "1 1 * * * root a churn==1.4.0 other==1 \"churn==1.4.0\"\n");
  // One of them undone by hand: neither all old nor all new.
  put("cron.d/jobs", "1 1 * * * root a churn==1.3.0 other==1 \"churn==1.4.0\"\n");
  EXPECT_EQ(word(edge->observe(operations[0], "salt").state), "conflict");
}

TEST_F(CronTarget, AReferenceAddedToTheLineByHandIsLeftAlone) {
  put("cron.d/jobs", "1 1 * * * root a churn==1.3.0\n");
  const auto edge = target("cron", {root() + "/cron.d/*"}, {{"trust-pins", true}});
  const auto operations = plan(*edge, release("1.4.0"));
  put("cron.d/jobs", "1 1 * * * root a churn==1.3.0 churn==1.1.0\n");
  EXPECT_EQ(apply_all(*edge, operations), "written");
  EXPECT_EQ(text("cron.d/jobs"), "1 1 * * * root a churn==1.4.0 churn==1.1.0\n");
}

TEST_F(CronTarget, SpoolCrontabsHaveNoUserColumn) {
  put("spool/bob", "1 1 * * * " + root() + "/opt/churn/1.3.0/bin/score\n");
  const auto edge = target("cron", {root() + "/spool/*"});
  EXPECT_EQ(found(*edge), "bob:score 1:11 1.3.0\n");
}

TEST_F(CronTarget, CopiesAndHiddenFilesAreNoCrontabs) {
  put("cron.d/jobs~", three("1.3.0"));
  put("cron.d/jobs.dpkg-old", three("1.3.0"));
  put("cron.d/.jobs.mlship-x", three("1.3.0"));
  EXPECT_EQ(found(*crontabs()), "");
}

TEST_F(CronTarget, WhatCronLeavesOutIsNoJob) {
  const std::map<std::string, bool> debian = {
      {"churn", true},    {"churn-1_A", true}, {"churn.disabled", false}, {"churn.sh", false},
      {"#churn#", false}, {"churn~", false},   {"churn:old", false},      {"churn.dpkg-bak", false}};
  for (const auto& [name, read] : debian) {
    EXPECT_EQ(name_left_out("/etc/cron.d/" + name, true).empty(), read) << name;
    EXPECT_EQ(name_left_out("/etc/cron.weekly/" + name, true).empty(), read) << name;
  }
  // Elsewhere a dot is a letter like others; copies of editors and packages stay out.
  for (const std::string name : {"churn.disabled", "churn.sh", "churn:old"}) {
    EXPECT_EQ(name_left_out("/etc/cron.d/" + name, false), "") << name;
    EXPECT_EQ(name_left_out("/srv/jobs/" + name, true), "") << name;
    EXPECT_EQ(name_left_out("/var/spool/cron/crontabs/" + name, true), "") << name;
  }
  for (const std::string name : {"churn.rpmsave", "#churn#", "churn,v", "churn.swp", "churn.cfsaved"}) {
    EXPECT_NE(name_left_out("/etc/cron.d/" + name, false), "") << name;
    EXPECT_NE(name_left_out("/var/spool/cron/" + name, false), "") << name;
  }
}

// What cron does not run and names a package is listed, and is no object.
TEST_F(CronTarget, WhatCronLeavesOutIsListed) {
  const std::string line = entry("1", "1.3.0");
  struct Row {
    std::string file, text, why;
  };
  std::vector<Row> rows = {
      {"churn~", line, "of this name"},
      {"#churn#", line + "see the wiki\n", "of this name"},
      {"churn.rpmsave", "no crontab churn==1.3.0\n", "of this name"},
      {"churn.dpkg-old", "churn==1.3.0\n", "of this name"},
  };
  if (fs::exists("/etc/debian_version")) {
    rows.push_back({"churn.disabled", line, "letters, digits"});
    rows.push_back(
        {"score.sh", "#!/bin/sh\nexec " + root() + "/opt/churn/1.3.0/bin/score\n", "letters, digits"});
    rows.push_back({"cut", line + entry("2", "1.3.0").substr(0, line.size() - 1), "newline"});
    rows.push_back({"only", line.substr(0, line.size() - 1), "newline"});
  }
  for (const auto& row : rows) {
    put("cron.d/" + row.file, row.text);
    const auto edge = crontabs();
    const auto found = edge->discover(Scheme::pep440);
    EXPECT_TRUE(found.objects.empty()) << row.file;
    EXPECT_TRUE(found.skipped.empty()) << row.file;
    ASSERT_FALSE(found.idle.empty()) << row.file;
    for (const auto& object : found.idle) {
      EXPECT_EQ(object.info.cls, ObjectClass::both);
      EXPECT_EQ(object.info.schedule, "");
      for (const auto& each : object.references)
        EXPECT_NE(each.reference.opaque.find(row.why), std::string::npos) << each.reference.opaque;
    }
    fs::remove_file(at("cron.d/" + row.file));
  }
  put("cron.d/churn~", std::string("churn==1.3.0\0", 13));
  put("cron.d/note~", "nothing\n");
  const auto found = crontabs()->discover(Scheme::pep440);
  EXPECT_TRUE(found.idle.empty() && found.skipped.empty());
}

TEST_F(CronTarget, TheLastEntryNeedsANewline) {
  EXPECT_EQ(unread_from("A=b\n1 1 * * * x", true), 0U);
  EXPECT_EQ(unread_from("A=b\n1 1 * * * x", false), 4U);
  EXPECT_EQ(unread_from("A=b", false), 0U);
  EXPECT_EQ(unread_from("\tA=b", true), 0U);
  for (const std::string good : {"", "\n", "x\n", "x\n# end", "x\n  ", "# only", "x\n\t# y"}) {
    EXPECT_EQ(unread_from(good, true), std::nullopt) << good;
    EXPECT_EQ(unread_from(good, false), std::nullopt) << good;
  }
}

TEST_F(CronTarget, AFileNamedInFullIsReadWhateverItIsCalled) {
  for (const std::string name : {"cron.d/churn.disabled", "cron.d/#x#", "spool/ada.save"}) {
    put(name, entry("1", "1.3.0"));
    EXPECT_EQ(plan(*target("cron", {name}), release("1.4.0")).size(), 1U) << name;
  }
}

TEST_F(CronTarget, AScriptOfAPeriodIsAFileOfLines) {
  for (const std::string period : {"hourly", "daily", "weekly", "monthly"}) {
    const auto script = [&](const std::string& v) {
      return "#!/bin/sh\nset -e\nAPP=" + root() + "/opt/churn/" + v + "\n5 2 * * * " + root() +
             "/opt/churn/" + v + "\ntest -x $APP/bin/score || exit 0\nexec " + root() + "/opt/churn/" + v +
             "/bin/score\n";
    };
    const std::string file = "etc/cron." + period + "/churn";
    put(file, script("1.3.0"));
    const auto edge = target("cron", {"etc/cron." + period + "/*"});
    const auto operations = plan(*edge, release("1.4.0"));
    ASSERT_EQ(operations.size(), 1U);
    EXPECT_EQ(operations[0].object.id, at(file).string());
    EXPECT_EQ(operations[0].object.kind, "cron-script");
    EXPECT_EQ(operations[0].object.schedule, period);
    EXPECT_EQ(operations[0].changes.size(), 3U);
    EXPECT_EQ(apply_all(*edge, operations), "written");
    EXPECT_EQ(text(file), script("1.4.0"));
    EXPECT_TRUE(edge->same_object(operations[0].locator, edge->observe(operations[0], "salt").locator));
    EXPECT_EQ(apply_all(*edge, {inverse(operations[0])}), "written");
    EXPECT_EQ(text(file), script("1.3.0"));
  }
}

TEST_F(CronTarget, AnAnacrontabHasItsOwnColumns) {
  put("etc/anacrontab", "SHELL=/bin/sh\nSTART_HOURS_RANGE=3-22\n\n7\t10\tchurn.weekly nice " + root() +
                            "/opt/churn/1.3.0/bin/score\n@monthly 45 churn.monthly  " + root() +
                            "/opt/churn/1.3.0/bin/score # x\n1 5 other true\n");
  const auto edge = target("cron", {"etc/anacrontab"});
  const auto operations = plan(*edge, release("1.4.0"));
  ASSERT_EQ(operations.size(), 2U);
  EXPECT_EQ(operations[0].object.name, "anacrontab:churn.weekly");
  EXPECT_EQ(operations[0].object.kind, "anacron-entry");
  EXPECT_EQ(operations[0].object.schedule, "anacron 7");
  EXPECT_EQ(operations[1].object.schedule, "anacron @monthly");
  EXPECT_EQ(apply_all(*edge, operations), "written written");
  EXPECT_EQ(text("etc/anacrontab").find("1.3.0"), std::string::npos);
}

TEST_F(CronTarget, TextThatIsNoCrontabIsSaidWhenItNamesAPackage) {
  const std::string line = entry("1", "1.3.0");
  for (const std::string other :
       {"#!/bin/sh\nset -e\n", "jobs:\n  - x\n", "see the wiki first please and then\n",
        "61x * * * * root x\n", "5 2 * * root\n", "[Service]\n", "@daily\n"}) {
    put("cron.d/jobs", other + line);
    const auto found = crontabs()->discover(Scheme::pep440);
    EXPECT_TRUE(found.objects.empty()) << other;
    ASSERT_EQ(found.skipped.size(), 1U) << other;
    EXPECT_EQ(found.skipped[0].reason, Reason::unresolvable);
    EXPECT_NE(found.skipped[0].detail.find("line "), std::string::npos) << found.skipped[0].detail;
    put("cron.d/jobs", other);
    EXPECT_TRUE(crontabs()->discover(Scheme::pep440).skipped.empty()) << other;
  }
  for (const std::string good : {"@reboot root x\n", "-*/5 * 1-7 jan-mar,dec sun root x\n",
                                 "0~59 3 * * * root x\n", "A = b\n", "\t# note\n", "'A B'=c\n", "\r\n"}) {
    put("cron.d/jobs", good + line);
    EXPECT_EQ(plan(*crontabs(), release("1.4.0")).size(), 1U) << good;
  }
}

TEST_F(CronTarget, APatternThatNamesNoFileIsAWarning) {
  put("cron.d/jobs", three("1.3.0"));
  const auto found = target("cron", {"cron.d/*", "crom.d/*"})->discover(Scheme::pep440);
  EXPECT_EQ(found.objects.size(), 3U);
  ASSERT_EQ(found.warnings.size(), 1U);
  EXPECT_NE(found.warnings[0].find(at("crom.d/*").string() + " names no file"), std::string::npos);
}

TEST_F(CronTarget, LinksAreFollowedAndStay) {
  put("real/jobs", entry("1", "1.3.0"));
  fs::make_folders(at("cron.d"));
  std::filesystem::create_symlink("../real/jobs", at("cron.d/jobs"));
  const auto edge = crontabs();
  EXPECT_EQ(apply_all(*edge, plan(*edge, release("1.4.0"))), "written");
  EXPECT_EQ(text("real/jobs"), entry("1", "1.4.0"));
  EXPECT_TRUE(std::filesystem::is_symlink(at("cron.d/jobs")));
  EXPECT_EQ(fs::list(at("cron.d")).size() + fs::list(at("real")).size(), 2U);
}

TEST_F(CronTarget, WhatCannotBeReadIsSkippedWithItsReason) {
  put("cron.d/binary", std::string("churn==1.3.0\0", 13));
  put("cron.d/twice", three("1.3.0"));
  std::filesystem::create_hard_link(at("cron.d/twice"), at("other-name"));
  std::filesystem::create_symlink("nowhere", at("cron.d/dangling"));
  ASSERT_EQ(::mkfifo(at("cron.d/fifo").c_str(), 0600), 0);
  put("cron.d/large", std::string((4U << 20U) + 1, 'x'));
  fs::make_folders(at("cron.d/folder"));
  std::string out;
  const auto edge = target("cron", {root() + "/cron.d/*", root() + "/cron.d/absent"});
  for (const auto& skipped : edge->discover(Scheme::pep440).skipped) {
    out += Path(skipped.object.id).filename().string() + " " + std::string(to_string(skipped.reason)) + "\n";
    EXPECT_NE(skipped.detail, "");
  }
  EXPECT_EQ(out, "absent unresolvable\ndangling unresolvable\nlarge unresolvable\n");
}

TEST_F(CronTarget, WhatAPatternHappensToMatchCountsWhereItNamesAPackage) {
  put("cron.d/binary", std::string("1 1 * * * root run churn==1.3.0\0\n", 33));
  put("cron.d/data", std::string("\0\1\2", 3));
  put("cron.d/model", std::string("\0", 1) + std::string((4U << 20U) + 1, 'x'));
  put("cron.d/twice", three("1.3.0"));
  std::filesystem::create_hard_link(at("cron.d/twice"), at("other-name"));
  put("cron.d/unrelated", "1 1 * * * root true\n");
  std::filesystem::create_hard_link(at("cron.d/unrelated"), at("another-name"));
  ASSERT_EQ(::mkfifo(at("cron.d/fifo").c_str(), 0600), 0);
  const auto edge = crontabs();
  const auto found = edge->discover(Scheme::pep440);
  EXPECT_TRUE(found.skipped.empty());
  std::string out;
  const auto add = [&](const LiveObject& object) {
    const Destination to = edge->destination(object, object.references.at(0), release("1.4.0"), source_);
    out += object.info.name + " " + std::string(to_string(to.skip.value())) + "\n";
  };
  for (const auto& object : found.idle) add(object);
  for (const auto& object : found.objects) add(object);
  EXPECT_EQ(out,
            "binary:run unresolvable\ntwice:score unresolvable\ntwice:score unresolvable\ntwice:score "
            "unresolvable\n");
}

TEST_F(CronTarget, OnlyFilesOfTheTargetAreEverTouched) {
  put("cron.d/jobs", entry("1", "1.3.0"));
  put("secret", entry("1", "1.3.0"));
  const auto edge = crontabs();
  auto operations = plan(*edge, release("1.4.0"));
  operations[0].locator["file"] = at("secret").string();
  EXPECT_EQ(word(edge->observe(operations[0], "salt").state), "conflict");
  EXPECT_EQ(word(edge->apply(operations[0], "t").kind), "conflict");
  operations[0].locator = {{"file", 7}};
  EXPECT_EQ(word(edge->apply(operations[0], "t").kind), "conflict");
  EXPECT_EQ(text("secret"), entry("1", "1.3.0"));
}

TEST_F(CronTarget, TextThatIsNoReferenceIsNotWritten) {
  put("cron.d/jobs", "1 1 * * * root x churn==1.3.0\n");
  const auto edge = target("cron", {root() + "/cron.d/*"}, {{"trust-pins", true}});
  auto operations = plan(*edge, release("1.4.0"));
  operations[0].changes[0].to = "churn==1.4.0\n* * * * * root evil";
  EXPECT_EQ(word(edge->apply(operations[0], "t").kind), "refused");
  EXPECT_EQ(text("cron.d/jobs"), "1 1 * * * root x churn==1.3.0\n");
}

TEST_F(CronTarget, RecoverRemovesWhatAKilledRunLeft) {
  put("cron.d/jobs", entry("1", "1.3.0"));
  const auto edge = crontabs();
  const auto operations = plan(*edge, release("1.4.0"));
  put("cron.d/.jobs.mlship-r1.op-1-part", "half");
  edge->recover(operations[0], "r1.op-1");
  EXPECT_EQ(fs::list(at("cron.d")), std::vector<std::string>{"jobs"});
}

TEST_F(CronTarget, OwnersComeFromTheProject) {
  put("cron.d/jobs", entry("1", "1.3.0"));
  ObjectSection owned;
  owned.glob = "jobs:score";
  owned.owner = "team-growth";
  project_.objects.push_back(owned);
  const auto objects = crontabs()->discover(Scheme::pep440).objects;
  ASSERT_EQ(objects.size(), 1U);
  EXPECT_EQ(objects[0].info.owner, "team-growth");
}

TEST_F(CronTarget, WithoutFilesItIsAnError) {
  try {
    target("cron", {});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::project_file);
    EXPECT_NE(e.hint_text().find("[targets.edge]"), std::string::npos);
  }
}

}  // namespace
}  // namespace mlship
