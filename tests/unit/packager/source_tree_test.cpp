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

TEST_F(GitTree, FindsTheTagAtHead) {
  EXPECT_EQ(git_tag_at_head(folder(), "v*"), "");
  commit();
  git({"tag", "v1.3.0"});
  commit("second");
  EXPECT_EQ(git_tag_at_head(folder(), "v*"), "");
  git({"tag", "v1.4.0"});
  git({"tag", "other"});
  EXPECT_EQ(git_tag_at_head(folder(), "v*"), "v1.4.0");
  git({"tag", "-a", "v1.4.1", "-m", "annotated"});
  EXPECT_EQ(git_tag_at_head(folder(), "v*"), "v1.4.1");
}

}  // namespace
}  // namespace mlship
