#include "core/host/git.h"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/fakes.h"
#include "tests/support/git_server.h"

namespace mlship {
namespace {

class GitTest : public ::testing::Test {
 protected:
  GitTest() { testing::make_bare_repository(temp.path() / "server.git"); }

  std::string commit(GitRepository& in, const std::string& parent, const std::string& path,
                     const std::string& content) {
    return in.commit(parent, {{path, content}}, {"ada", "ada@test", 7}, "put " + path + "\n");
  }
  void hook(const std::string& name, const std::string& script) const {
    const Path file = temp.path() / "server.git/hooks" / name;
    std::ofstream(file) << "#!/bin/sh\n" << script;
    fs::set_mode(file, 0755);
  }

  fs::TempFolder temp{std::filesystem::temp_directory_path(), "mlship-git-"};
  Env env;
  std::unique_ptr<Clock> clock = system_clock();
  testing::ScriptedHttp http;
  std::unique_ptr<Process> process = system_process();
  Host host{env, *clock, http, *process};
  std::string url = "file://" + (temp.path() / "server.git").string();
  GitRepository one{temp.path() / "one"}, two{temp.path() / "two"};
  GitRemote from_one{one, url, host}, from_two{two, url, host};
  const std::string main = "refs/heads/main";
};

TEST_F(GitTest, KeepsFilesInCommitsWithoutAWorkingTree) {
  const std::string first = commit(one, "", "a/b.txt", "1");
  const std::string second = commit(one, first, "a/c.txt", "22");
  EXPECT_EQ(one.read(one.look(second, "a/b.txt")->id), "1");
  EXPECT_EQ(one.size(one.look(second, "a/c.txt")->id), 2U);
  EXPECT_FALSE(one.look(first, "a/c.txt"));
  const auto entries = one.list(second, "a");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].name, "b.txt");
  EXPECT_EQ(entries[1].kind, GitEntry::Kind::file);
  EXPECT_TRUE(one.list(second, "none").empty());
  EXPECT_TRUE(one.descends(second, first));
  EXPECT_FALSE(one.descends(first, second));
  EXPECT_FALSE(fs::exists(temp.path() / "one/a"));
}

TEST_F(GitTest, WhatOnePushesTheOtherFetches) {
  EXPECT_TRUE(from_two.fetch({main}).empty());
  const std::string first = commit(one, "", "a.txt", "1");
  const GitPush push = from_one.push({{main, first}}, {{main, ""}});
  EXPECT_FALSE(push.moved);
  EXPECT_EQ(push.updated, std::set<std::string>{main});
  EXPECT_FALSE(two.has(first));
  EXPECT_EQ(from_two.fetch({main}).at(main), first);
  EXPECT_EQ(two.read(two.look(first, "a.txt")->id), "1");
}

TEST_F(GitTest, APushIsACompareAndSwap) {
  const std::string first = commit(one, "", "a.txt", "1");
  from_one.push({{main, first}}, {{main, ""}});
  from_two.fetch({main});
  const std::string mine = commit(one, first, "b.txt", "one");
  const std::string theirs = commit(two, first, "b.txt", "two");
  EXPECT_TRUE(from_two.push({{main, theirs}}, {{main, first}}).updated.contains(main));
  const GitPush late = from_one.push({{main, mine}}, {{main, first}});
  EXPECT_TRUE(late.moved);
  EXPECT_EQ(late.refs.at(main), theirs);
  EXPECT_TRUE(late.updated.empty());
  // Also when the caller expects nothing: what is not a fast-forward is never sent.
  EXPECT_TRUE(from_one.push({{main, mine}}, {}).moved);
  EXPECT_EQ(from_one.fetch({main}).at(main), theirs);
}

TEST_F(GitTest, ARefusalHasTheServersStatusAndWords) {
  hook("update", "[ $1 = refs/heads/main ] || { echo 'only main, please' >&2; exit 1; }\n");
  const std::string first = commit(one, "", "a.txt", "1");
  const GitPush push = from_one.push({{main, first}, {"refs/heads/other", first}}, {});
  EXPECT_EQ(push.updated, std::set<std::string>{main});
  EXPECT_EQ(push.refused.at("refs/heads/other"), "hook declined");
  EXPECT_NE(push.words.find("only main, please"), std::string::npos) << push.words;
}

TEST_F(GitTest, ARepositoryThatIsNotThereIsNotFound) {
  GitRemote none(one, "file:///nowhere/none.git", host);
  try {
    none.fetch({});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::not_found);
    EXPECT_EQ(e.message(), "cannot use the repository file:///nowhere/none.git: there is no git repository");
  }
}

TEST_F(GitTest, NoWordOfAnAddressBecomesAnOptionOfSsh) {
  for (const auto* address : {"ssh://-oProxyCommand=id/x.git", "ssh:///x.git", "ssh://host"}) {
    GitRemote remote(one, address, host);
    try {
      remote.fetch({});
      FAIL() << address;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::project_file) << address;
    }
  }
}

}  // namespace
}  // namespace mlship
