#include "deployers/document/unit.h"

#include <gtest/gtest.h>

#include "deployers/document/site.h"

namespace mlship {
namespace {

// "section/key=value" of every setting, one per line.
std::string settings(std::string_view text) {
  std::string out;
  for (const auto& s : read_unit(text)) out += s.section + "/" + s.key + "=" + s.value + "\n";
  return out;
}

// "package version at text" of every reference of the unit.
std::string references(const std::string& text) {
  std::string out;
  for (const auto& site : parse_unit(text, "systemd-service").sites) {
    for (const auto& found : references_at(text, site, {Scheme::pep440, {"/opt/mlship"}})) {
      const Reference& r = found.reference;
      EXPECT_EQ(text.substr(r.span.begin, r.span.size()), found.text);
      out += found.text + "\n";
    }
  }
  return out;
}

TEST(Unit, SectionsKeysAndComments) {
  EXPECT_EQ(settings("\xef\xbb\xbf[Unit]\n# a=1\n ; b=2\nDescription = text = more \n\n[Service]\r\n"
                     "ExecStart=\r\nExecStart=/bin/x -a\r\nno setting\n=nothing\n"),
            "Unit/Description=text = more\nService/ExecStart=\nService/ExecStart=/bin/x -a\n");
}

TEST(Unit, ABackslashJoinsLinesAndCommentsBetweenThemAreLeftOut) {
  EXPECT_EQ(settings("[Service]\nExecStart=/bin/x \\\n  --a \\\n# --b \\\n; --c\n  --d\nUser=me\n"),
            "Service/ExecStart=/bin/x  --a  --d\nService/User=me\n");
  EXPECT_EQ(settings("[Service]\nExecStart=/bin/x \\\\\nUser=me\n"),
            "Service/ExecStart=/bin/x \\\\\nService/User=me\n");
  EXPECT_EQ(settings("[Service]\nExecStart=/bin/x \\\n\nUser=me\n"),
            "Service/ExecStart=/bin/x\nService/User=me\n");
  EXPECT_EQ(settings("[Service]\nExecStart=/bin/x \\"), "Service/ExecStart=/bin/x\n");
}

TEST(Unit, ReferencesOfEveryValueAndNoneOfComments) {
  EXPECT_EQ(
      references("[Unit]\n# /opt/mlship/churn/1.0.0\nDocumentation=file:///opt/mlship/churn/1.3.0/README\n"
                 "[Service]\nEnvironmentFile=-/opt/mlship/churn/1.3.1/env\n"
                 "Environment=\"PINS=churn==1.3.2\" 'LIB=/srv/churn-1.3.3-py3-none-any.whl'\n"
                 "WorkingDirectory=/opt/mlship/churn/1.3.4\n"
                 "ExecStartPre=+/opt/mlship/churn/1.3.5/bin/a ; -/opt/mlship/churn/1.3.6/bin/b %i\n"
                 "ExecStart=@-\"/opt/mlship/churn/1.3.7/bin/c\" \\\n"
                 "; churn==9.9.9\n"
                 "  --pin churn==1.3.8 \\\n"
                 "  --zip /srv/churn-1.3.9.zip\n"
                 "ReadOnlyPaths=-/opt/mlship/churn/1.4.0 +/opt/mlship/churn/1.4.1\n"
                 "Image=host/ml/churn:1.4.2\n"),
      "/opt/mlship/churn/1.3.0\n/opt/mlship/churn/1.3.1\nchurn==1.3.2\n/srv/churn-1.3.3-py3-none-any.whl\n"
      "/opt/mlship/churn/1.3.4\n/opt/mlship/churn/1.3.5\n/opt/mlship/churn/1.3.6\n"
      "/opt/mlship/churn/1.3.7\nchurn==1.3.8\n/srv/churn-1.3.9.zip\n/opt/mlship/churn/1.4.0\n"
      "/opt/mlship/churn/1.4.1\nhost/ml/churn:1.4.2\n");
}

TEST(Unit, WhatSpecifiersAndVariablesStandForIsNotGuessed) {
  const auto seen = [](const std::string& value, const std::string& kind = "systemd-service") {
    const std::string text = "[Service]\nExecStart=" + value + "\n";
    std::string out;
    for (const auto& site : parse_unit(text, kind).sites) {
      for (const auto& r : references_at(text, site, {Scheme::pep440, {"/home/ada/opt"}})) {
        out += r.text + (r.reference.version ? " " + r.reference.version->str() : "") + " | " +
               r.reference.opaque;
      }
    }
    return out;
  };
  EXPECT_EQ(seen("/home/ada/opt/churn/%i/bin/score"),
            "/home/ada/opt/churn/%i | its version is interpolated: %i");
  EXPECT_EQ(seen("run churn==${V}"), "churn==${V} | its version is interpolated: ${V}");
  EXPECT_EQ(seen("%h/opt/churn/1.2.0/bin/score"),
            "%h/opt/churn/1.2.0 1.2.0 | its folder is interpolated: %h");
  EXPECT_EQ(seen("$ROOT/churn/1.2.0"), "$ROOT/churn/1.2.0 1.2.0 | its folder is interpolated: $ROOT");
  EXPECT_EQ(seen("%h/x/churn-1.2.0-py3-none-any.whl"),
            "%h/x/churn-1.2.0-py3-none-any.whl 1.2.0 | its folder is interpolated: %h");
  EXPECT_EQ(seen("run churn==1.2.0 %i $HOME %%i $$V"), "churn==1.2.0 1.2.0 | ");
  EXPECT_EQ(seen("%h/elsewhere/churn"), "");
  EXPECT_EQ(seen("churn==$V", "systemd-environment"), "churn==$V | its version is interpolated: $V");
}

TEST(Unit, APathThatAUnitIsNamedAfterStays) {
  const std::string path = "/opt/mlship/churn/1.3.0";
  for (const std::string named : {"[Mount]\nWhere=", "[Automount]\nWhere=", "[Swap]\nWhat="}) {
    const std::string text = named + path + "\nOptions=x=" + path + "\n";
    const auto object = parse_unit(text, "systemd-unit");
    const auto fixed = references_at(text, object.sites.at(0), {Scheme::pep440, {"/opt/mlship"}});
    ASSERT_EQ(fixed.size(), 1U) << named;
    EXPECT_NE(fixed[0].reference.opaque, "") << named;
    EXPECT_TRUE(fixed[0].reference.version) << named;
    EXPECT_EQ(
        references_at(text, object.sites.at(1), {Scheme::pep440, {"/opt/mlship"}}).at(0).reference.opaque,
        "");
  }
  EXPECT_EQ(references("[Mount]\nWhat=" + path + "\n"), path + "\n");
}

TEST(Unit, AHashOnTheNextLineIsSeen) {
  const std::string text = "[Service]\nExecStart=/bin/pip install churn==1.3.0 \\\n  --hash=sha256:00\n";
  const auto object = parse_unit(text, "systemd-service");
  ASSERT_EQ(object.sites.size(), 1U);
  EXPECT_TRUE(references_at(text, object.sites[0], {Scheme::pep440, {}}).at(0).reference.hash_pinned);
}

TEST(Unit, AnythingIsRead) {
  for (const std::string text :
       {"", "\n", "[", "[x", "=", "a=", "\\", "a=\\", "\r", "\xff\xfe=\\\n\\\n#\\", "a=-/"}) {
    EXPECT_LE(read_unit(text).size(), 1U) << text;
  }
}

}  // namespace
}  // namespace mlship
