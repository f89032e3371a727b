#include <gtest/gtest.h>

#include "deployers/document/document.h"

namespace mlship {
namespace {

// "kind|name|schedule|site" of every object, one per line.
std::string parsed(const std::string& text, bool system) {
  std::string out;
  for (const auto& object : parse_crontab(text, system).objects) {
    EXPECT_EQ(object.sites.size(), 1U);
    const Span site = object.sites.at(0).span;
    out += object.kind.substr(5) + "|" + object.name + "|" + object.schedule + "|" +
           text.substr(site.begin, site.size()) + "\n";
  }
  return out;
}

TEST(Crontab, SystemFormatHasAUserColumn) {
  EXPECT_EQ(parsed("5 4 * * *\troot  /opt/x/bin/score --a\n@daily bob run\n", true),
            "entry|score|5 4 * * *|/opt/x/bin/score --a\nentry|run|@daily|run\n");
}

TEST(Crontab, UserFormatHasNone) {
  EXPECT_EQ(parsed("5 4 * * 1-5 /opt/x/bin/score --a\n@reboot run it\n", false),
            "entry|score|5 4 * * 1-5|/opt/x/bin/score --a\nentry|run|@reboot|run it\n");
}

TEST(Crontab, ACommandIsNotTakenForAUser) {
  EXPECT_EQ(parsed("5 4 * * * /opt/x/bin/score --a\n", true), "entry|score|5 4 * * *|/opt/x/bin/score --a\n");
}

TEST(Crontab, EnvironmentLines) {
  EXPECT_EQ(parsed("PATH=/opt/churn/bin:/usr/bin\n  MAILTO = x@y\n\"A B\"='q'\n", true),
            "environment|PATH||/opt/churn/bin:/usr/bin\nenvironment|MAILTO|| x@y\nenvironment|A B||'q'\n");
}

TEST(Crontab, SchedulesBelowATimeZoneAreInIt) {
  EXPECT_EQ(parsed("1 1 * * * a\nCRON_TZ=\"Asia/Tokyo\"\n2 1 * * * b\n", false),
            "entry|a|1 1 * * *|a\nenvironment|CRON_TZ||\"Asia/Tokyo\"\n"
            "entry|b|CRON_TZ=Asia/Tokyo 2 1 * * *|b\n");
}

TEST(Crontab, CommentsAndBlankLinesAreNoObjects) {
  EXPECT_EQ(parsed("# 5 4 * * * root x\n\n  \t\n  # y\n1 2 3\n", true), "");
}

TEST(Crontab, PercentEndsTheCommandUnlessEscaped) {
  EXPECT_EQ(parsed("1 1 * * * root a \\% b % c\n", true), "entry|a|1 1 * * *|a \\% b \n");
  EXPECT_EQ(parsed("1 1 * * * root a \\\\% c\n", true), "entry|a|1 1 * * *|a \\\\\n");
  EXPECT_EQ(parsed("1 1 * * * root echo '%' x\n", true), "entry|echo|1 1 * * *|echo '\n");
}

TEST(Crontab, TheShellsCommentIsNoSite) {
  EXPECT_EQ(parsed("1 1 * * * root a '# b' c\\ #d # e\n", true), "entry|a|1 1 * * *|a '# b' c\\ #d \n");
}

TEST(Crontab, LeadingBlanksCrLfAndNoFinalNewline) {
  EXPECT_EQ(parsed(" \t1 1 * * *  root  a b\r\n1  1 * * * root c", true),
            "entry|a|1 1 * * *|a b\nentry|c|1  1 * * *|c\n");
}

TEST(Crontab, VariablesBeforeTheProgramAreSkippedInTheName) {
  EXPECT_EQ(parsed("1 1 * * * A=b C='/x' \"/usr/bin/my prog\"\n", false).substr(0, 8), "entry|my");
  EXPECT_EQ(parsed("1 1 * * * A=b /usr/bin/prog x\n", false), "entry|prog|1 1 * * *|A=b /usr/bin/prog x\n");
}

TEST(Crontab, BytesThatAreNotUtf8) {
  EXPECT_EQ(parsed("1 1 * * * root run \xe9\xff x\n", true), "entry|run|1 1 * * *|run \xe9\xff x\n");
}

}  // namespace
}  // namespace mlship
