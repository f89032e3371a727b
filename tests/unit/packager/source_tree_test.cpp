#include "packager/source_tree.h"

#include <sys/stat.h>

#include "tests/support/packager_fixture.h"

namespace mlship {
namespace {

using test::error_of;
using test::write;

std::string listed(const SourceTree& tree) {
  std::string out;
  for (const auto& file : tree.files()) out += std::string(file.path) + (file.executable ? "* " : " ");
  return out;
}

class FolderTree : public test::ProjectTest {
 protected:
  std::unique_ptr<SourceTree> tree(TreeSelection selection = {"src", {"churn/**"}, {}}) {
    return folder_tree(folder(), selection);
  }
  void link(const std::string& target, const std::string& at) {
    std::filesystem::create_symlink(target, folder() / at);
  }
};

TEST(Selected, LeavesOutWhatNoBundleHolds) {
  const TreeSelection all{".", {}, {}};
  for (const auto* path : {"a/__pycache__/x.py", "a.pyc", ".git/config", "dist/a", ".mlship/cache/digests"}) {
    EXPECT_FALSE(selected(all, path)) << path;
  }
  for (const auto* path : {"a.py", "sub/dist/a.py", "a/b/c", ".hidden"})
    EXPECT_TRUE(selected(all, path)) << path;
  // dist/ is the project's, not a package of that name below another root.
  EXPECT_TRUE(selected({"src", {}, {}}, "dist/a.py"));
}

TEST(Selected, GlobsAreRelativeToTheRoot) {
  const TreeSelection some{"src", {"churn/**", "setup.cfg"}, {"churn/tests/**"}};
  EXPECT_TRUE(selected(some, "churn/a.py"));
  EXPECT_TRUE(selected(some, "setup.cfg"));
  EXPECT_FALSE(selected(some, "churn/tests/a.py"));
  EXPECT_FALSE(selected(some, "other/a.py"));
}

TEST_F(FolderTree, ListsInBytewiseOrderWithTheOwnersBit) {
  write(folder() / "src/churn/run.sh", "#!/bin/sh\n", 0744);
  write(folder() / "src/churn/B/x", "");
  write(folder() / "src/churn/__pycache__/x.pyc", "");
  write(folder() / "src/other.py", "");
  EXPECT_EQ(listed(*tree()), "churn/B/x churn/__init__.py churn/run.sh* churn/score.py ");
  EXPECT_EQ(tree()->commit(), "");
}

TEST_F(FolderTree, AFileThatGrewOrShrankSinceItWasListedIsRefused) {
  write(folder() / "src/churn/data.csv", "1,2\n");
  const auto found = tree();
  const SourceFile& file = found->files().at(1);
  ASSERT_EQ(file.path, "churn/data.csv");
  EXPECT_EQ(found->read(file), "1,2\n");
  for (const auto* content : {"1,2\n3,4\n", "1,2", ""}) {
    write(folder() / "src/churn/data.csv", content);
    const Error e = error_of([&] { static_cast<void>(found->read(file)); });
    EXPECT_EQ(e.code(), ErrorCode::source_tree) << content;
    EXPECT_EQ(e.message(), "cannot read src/churn/data.csv: it changed while it was read");
  }
}

TEST_F(FolderTree, ALinkIsTheFileItPointsTo) {
  write(folder() / "shared/table.csv", "1,2\n");
  link("../../shared/table.csv", "src/churn/table.csv");
  link("../../shared", "src/churn/folder");
  const auto found = tree();
  EXPECT_EQ(listed(*found), "churn/__init__.py churn/folder/table.csv churn/score.py churn/table.csv ");
  EXPECT_EQ(found->read(found->files()[3]), "1,2\n");
  EXPECT_EQ(found->read(found->files()[1]), "1,2\n");
}

TEST_F(FolderTree, ALinkOutOfTheTreeIsRefusedWhenItIsSelected) {
  write(root() / "outside.txt", "secret");
  for (const std::string target : {"/etc/passwd", "../../../outside.txt", "../../.."}) {
    link(target, "src/churn/out");
    const Error e = error_of([&] { tree(); });
    EXPECT_EQ(e.code(), ErrorCode::source_tree) << target;
    EXPECT_NE(e.message().find("src/churn/out"), std::string::npos) << e.message();
    EXPECT_NE(e.message().find(target), std::string::npos) << e.message();
    EXPECT_EQ(listed(*tree({"src", {"churn/**"}, {"churn/out", "churn/out/**"}})),
              "churn/__init__.py churn/score.py ");
    std::filesystem::remove(folder() / "src/churn/out");
  }
}

TEST_F(FolderTree, ALinkThroughALinkThatLeavesIsRefused) {
  std::filesystem::create_directory_symlink(root(), folder() / "up");
  write(root() / "outside.txt", "secret");
  link("../../up/outside.txt", "src/churn/out");
  EXPECT_EQ(error_of([&] { tree(); }).code(), ErrorCode::source_tree);
}

TEST_F(FolderTree, DanglingAndCircularLinksAndDevicesAreRefused) {
  link("nothing", "src/churn/dangling");
  EXPECT_EQ(error_of([&] { tree(); }).code(), ErrorCode::source_tree);
  std::filesystem::remove(folder() / "src/churn/dangling");
  link("..", "src/churn/circle");
  EXPECT_EQ(error_of([&] { tree(); }).code(), ErrorCode::source_tree);
  std::filesystem::remove(folder() / "src/churn/circle");
  ASSERT_EQ(mkfifo((folder() / "src/churn/pipe").c_str(), 0600), 0);
  EXPECT_EQ(error_of([&] { tree(); }).code(), ErrorCode::source_tree);
}

TEST_F(FolderTree, AnLfsPointerIsNoContent) {
  write(folder() / "src/churn/weights.bin",
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n");
  const auto found = tree();
  const Error e = error_of([&] { static_cast<void>(found->read(found->files().back())); });
  EXPECT_EQ(e.code(), ErrorCode::lfs_pointer);
  EXPECT_NE(e.message().find("src/churn/weights.bin"), std::string::npos);
}

TEST_F(FolderTree, NeverLooksWhereNoIncludeCanMatch) {
  write(folder() / "src/venv/lib/a.py", "");
  std::filesystem::permissions(folder() / "src/venv", std::filesystem::perms::none);
  EXPECT_EQ(listed(*tree()), "churn/__init__.py churn/score.py ");
  std::filesystem::permissions(folder() / "src/venv", std::filesystem::perms::owner_all);
}

TEST_F(FolderTree, WithoutGitNamesWithADotAreTakenWhenTheyAreNamed) {
  for (const auto* name :
       {".env", ".env.local", ".ssh/id_ed25519", ".aws/credentials", "sub/.netrc", ".flake8"}) {
    write(folder() / "src/churn" / name, "PASSWORD=1\n");
  }
  const auto taken = [&](const std::vector<std::string>& include) {
    return listed(*tree({"src", include, {}, false}));
  };
  EXPECT_EQ(taken({"churn/**"}), "churn/__init__.py churn/score.py ");
  EXPECT_EQ(taken({}), "churn/__init__.py churn/score.py ");
  EXPECT_EQ(taken({"churn/*.py", "churn/.flake8"}), "churn/.flake8 churn/__init__.py churn/score.py ");
  EXPECT_EQ(taken({"churn/.env*"}), "churn/.env churn/.env.local ");
  // A virtual environment's links lead out of the project; nobody asked for them.
  std::filesystem::create_directory(folder() / "src/churn/.venv");
  link("/usr/bin/env", "src/churn/.venv/python");
  EXPECT_EQ(taken({"churn/**"}), "churn/__init__.py churn/score.py ");
}

TEST_F(FolderTree, WhatIsLeftOutIsNotThere) {
  write(folder() / "src/churn/scratch/a.py", "");
  write(folder() / "src/churn/local.cfg", "");
  link("/etc/passwd", "src/churn/scratch/out");
  const TreeSelection all{"src", {"churn/**"}, {}};
  const std::vector<std::string> left_out{"src/churn/local.cfg", "src/churn/scratch/"};
  EXPECT_EQ(listed(*folder_tree(folder(), all, left_out)), "churn/__init__.py churn/score.py ");
  // A link to it leads to nothing, as it would in a fresh clone.
  link("scratch/a.py", "src/churn/alias.py");
  EXPECT_EQ(error_of([&] { folder_tree(folder(), all, left_out); }).code(), ErrorCode::source_tree);
}

class GitTree : public test::ProjectTest {
 protected:
  std::unique_ptr<SourceTree> tree() { return git_tree(folder(), {"src", {"churn/**"}, {}}); }
  std::vector<std::string> dirty() {
    return git_state(folder(), [](const std::string&) { return true; }).dirty;
  }
};

TEST_F(GitTree, IsTheCommitAndNotTheFolder) {
  write(folder() / ".gitattributes", "*.py text eol=crlf export-ignore\n");
  write(folder() / "src/churn/run.sh", "#!/bin/sh\n", 0755);
  std::filesystem::create_symlink("score.py", folder() / "src/churn/alias.py");
  commit();
  write(folder() / "src/churn/score.py", "changed\n");
  write(folder() / "src/churn/new.py", "");
  const auto found = tree();
  EXPECT_EQ(listed(*found), "churn/__init__.py churn/alias.py churn/run.sh* churn/score.py ");
  EXPECT_EQ(found->read(found->files()[0]), "__version__ = \"1.4.0\"\n");
  EXPECT_EQ(found->read(found->files()[1]), found->read(found->files()[3]));
  EXPECT_EQ(found->files()[0].size, 22U);
  EXPECT_EQ(found->commit(), git({"rev-parse", "HEAD"}));
  EXPECT_EQ(git_file(folder(), "README.md"), "# churn\n");
  EXPECT_EQ(git_file(folder(), "absent"), std::nullopt);
}

TEST_F(GitTree, RefusesSubmodulesAndLinksOut) {
  commit();
  git({"update-index", "--add", "--cacheinfo", "160000," + git({"rev-parse", "HEAD"}) + ",src/churn/module"});
  git({"commit", "-qm", "module"});
  EXPECT_EQ(error_of([&] { tree(); }).code(), ErrorCode::source_tree);
  git({"rm", "-q", "--cached", "src/churn/module"});
  std::filesystem::create_symlink("/etc/passwd", folder() / "src/churn/passwd");
  commit();
  EXPECT_NE(error_of([&] { tree(); }).message().find("src/churn/passwd"), std::string::npos);
}

TEST_F(GitTree, KnowsWhatChanged) {
  commit();
  EXPECT_TRUE(dirty().empty());
  write(folder() / "src/churn/score.py", "changed\n");
  write(folder() / "src/churn/new.py", "");
  write(folder() / "dist/x", "");
  std::filesystem::remove(folder() / "README.md");
  EXPECT_EQ(dirty(), (std::vector<std::string>{"README.md", "src/churn/new.py", "src/churn/score.py"}));
  git({"add", "src/churn/new.py"});
  EXPECT_EQ(dirty().size(), 3U);
}

TEST_F(GitTree, AProjectMayBeAFolderOfTheRepository) {
  git({"init", "-q", "-b", "main"}, root());
  write(root() / "other.txt", "");
  git({"add", "-A"}, root());
  git({"commit", "-qm", "all"}, root());
  write(root() / "other.txt", "changed");
  EXPECT_TRUE(dirty().empty());
  EXPECT_EQ(listed(*tree()), "churn/__init__.py churn/score.py ");
  write(folder() / "src/churn/score.py", "changed\n");
  EXPECT_EQ(dirty(), std::vector<std::string>{"src/churn/score.py"});
}

TEST_F(GitTree, AnIgnoredProjectIsInNoRepository) {
  git({"init", "-q", "-b", "main"}, root());
  write(root() / ".gitignore", "churn/\n");
  git({"add", "-A"}, root());
  git({"commit", "-qm", "all"}, root());
  EXPECT_FALSE(git_state(folder(), nullptr).present);
}

TEST_F(GitTree, TellsTheRemoteWithoutItsSecrets) {
  EXPECT_FALSE(git_state(folder(), nullptr).present);
  commit();
  EXPECT_EQ(git_state(folder(), nullptr).remote, "");
  git({"remote", "add", "origin", "https://user:token@git.index.test/ml/churn.git?key=1"});
  EXPECT_EQ(git_state(folder(), nullptr).remote, "https://git.index.test/ml/churn.git");
}

TEST_F(GitTree, NoFormOfRemoteTellsASecret) {
  commit();
  git({"remote", "add", "origin", "x"});
  const std::vector<std::pair<std::string, std::string>> table{
      {"git@git.index.test:ml/churn.git", "git@git.index.test:ml/churn.git"},
      {"ghp_s3cret@git.index.test:ml/churn.git", "git.index.test:ml/churn.git"},
      {"ada:s3cret@git.index.test:ml/churn.git", "git.index.test:ml/churn.git"},
      {"ssh://ada:s3cret@git.index.test/ml", "ssh://git.index.test/ml"},
      {"https://oauth2:s3/cret@git.index.test/ml", "https://git.index.test/ml"},
      {"https://s3cret@git.index.test:8443/ml/@team/x", "https://git.index.test:8443/ml/@team/x"},
      {"https://git.index.test/ml?private_token=s3cret", "https://git.index.test/ml"},
      {"ext::ssh -i s3cret git.index.test %S ml", ""},
      {"/srv/git/churn.git", "/srv/git/churn.git"},
      {"../churn@home.git", "../churn@home.git"},
  };
  for (const auto& [url, shown] : table) {
    git({"config", "remote.origin.url", url});
    EXPECT_EQ(git_state(folder(), nullptr).remote, shown) << url;
  }
}

class HiddenChange : public GitTree {
 protected:
  std::vector<std::string> differ(const std::vector<std::string>& read) {
    return git_state(folder(), [](const std::string&) { return false; }, read).dirty;
  }
};

TEST_F(HiddenChange, WhatIsReadIsComparedWhateverGitOverlooks) {
  for (const auto* name : {"requirements.lock", "pyproject.toml", "targets/linux.json", "VERSION.py"}) {
    write(folder() / name, "one\n");
  }
  commit();
  const std::vector<std::string> read{"VERSION.py", "mlship.toml", "pyproject.toml", "requirements.lock",
                                      "targets/linux.json"};
  EXPECT_TRUE(differ(read).empty());
  git({"update-index", "--skip-worktree", "requirements.lock", "targets/linux.json"});
  git({"update-index", "--assume-unchanged", "pyproject.toml", "VERSION.py"});
  write(folder() / "requirements.lock", "two\n");
  write(folder() / "pyproject.toml", "two\n");
  write(folder() / "VERSION.py", "two\n");
  write(folder() / "targets/linux.json", "two\n");
  EXPECT_EQ(differ(read), (std::vector<std::string>{"VERSION.py", "pyproject.toml", "requirements.lock",
                                                    "targets/linux.json"}));
  write(folder() / "requirements.lock", "one\n");
  EXPECT_EQ(differ({"requirements.lock"}), std::vector<std::string>());
}

TEST_F(HiddenChange, WhatIsReadAndIgnoredIsInNoCommit) {
  write(folder() / ".git-ignored", "");
  commit();
  write(folder() / ".git/info/exclude", "local.lock\npyproject.toml\n");
  write(folder() / "local.lock", "x");
  write(folder() / "pyproject.toml", "x");
  EXPECT_TRUE(dirty().empty());
  EXPECT_EQ(differ({"local.lock", "mlship.toml", "pyproject.toml"}),
            (std::vector<std::string>{"local.lock", "pyproject.toml"}));
}

TEST_F(HiddenChange, LineEndsLinksAndSparseClonesAreNoChange) {
  write(folder() / "locks/linux.lock", "a\nb\n");
  std::filesystem::create_symlink("locks", folder() / "current");
  std::filesystem::create_symlink("current/linux.lock", folder() / "requirements.lock");
  commit();
  git({"config", "core.autocrlf", "true"});
  write(folder() / "locks/linux.lock", "a\r\nb\r\n");
  EXPECT_EQ(differ({"requirements.lock", "current/linux.lock"}), std::vector<std::string>());
  git({"update-index", "--skip-worktree", "README.md", "mlship.toml"});
  std::filesystem::remove(folder() / "README.md");
  EXPECT_EQ(differ({"README.md"}), std::vector<std::string>());  // it is read from the commit
  std::filesystem::remove(folder() / "mlship.toml");             // another project file would be read
  EXPECT_EQ(differ({"mlship.toml"}), std::vector<std::string>{"mlship.toml"});
  std::filesystem::remove(folder() / "requirements.lock");
  write(folder() / "requirements.lock", "a\nc\n");
  EXPECT_FALSE(differ({"requirements.lock"}).empty());
}

// A folder of the commit is one object: looked into from outside for each file, time grows with its square.
TEST_F(GitTree, AFolderIsReadOnce) {
  const auto files = [&](int count, const auto& name) {
    for (int i = 0; i < count; ++i)
      write(folder() / "src/churn/many" / name(std::to_string(i)), std::to_string(i));
  };
  files(12000, [](const std::string& i) { return "file" + i; });
  files(4000, [](const std::string& i) { return "folder" + i + "/x"; });
  for (int i = 0; i < 2000; ++i) {
    const std::string n = std::to_string(i);
    std::filesystem::create_symlink("many/file" + n, folder() / ("src/churn/link" + n));
  }
  commit();
  const auto found = tree();
  size_t bytes = 0;
  for (const auto& file : found->files()) bytes += found->read(file).size();
  EXPECT_EQ(found->files().size(), 18002U);
  EXPECT_GT(bytes, 60000U);
}

TEST_F(GitTree, FindsTheTagsAtHead) {
  using Tags = std::vector<std::string>;
  EXPECT_EQ(git_tags_at_head(folder(), "v*"), Tags());
  commit();
  git({"tag", "v1.3.0"});
  commit("second");
  EXPECT_EQ(git_tags_at_head(folder(), "v*"), Tags());
  git({"tag", "v1.4.0"});
  git({"tag", "other"});
  git({"tag", "-a", "v1.4.1", "-m", "annotated"});
  EXPECT_EQ(git_tags_at_head(folder(), "v*"), (Tags{"v1.4.0", "v1.4.1"}));
}

}  // namespace
}  // namespace mlship
