#include "core/host/fs.h"

#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/host/fs_list.h"

namespace mlship {
namespace {

class FsTest : public ::testing::Test {
 protected:
  fs::TempFolder folder_{std::filesystem::temp_directory_path()};
  [[nodiscard]] Path at(const std::string& name) const { return folder_.path() / name; }
  static void put(const Path& path, std::string_view text) { std::ofstream(path) << text; }
};

TEST_F(FsTest, WriteAtomicReplacesAndLeavesNoTemporaryFile) {
  fs::write_atomic(at("a"), "one");
  fs::write_atomic(at("a"), "two", 0600);
  EXPECT_EQ(fs::read_file(at("a")), "two");
  EXPECT_EQ(fs::stat(at("a"))->mode, 0600U);
  EXPECT_EQ(fs::list(folder_.path()), std::vector<std::string>{"a"});
}

TEST_F(FsTest, ModeIsTheOneAskedForWhateverTheUmask) {
  const mode_t before = ::umask(0077);
  fs::write_atomic(at("a"), "x", 0664);
  ::umask(before);
  EXPECT_EQ(fs::stat(at("a"))->mode, 0664U);
}

TEST_F(FsTest, AFolderIsListedWithWhatItsEntriesAre) {
  put(at("b"), "four");
  put(at("a-1"), "");
  fs::make_folders(at("a"));
  std::filesystem::create_symlink("nowhere", at("c"));
  const auto found = fs::list_stats(folder_.path());
  std::vector<std::string> names;
  for (const auto& [name, stat] : found) names.push_back(name);
  EXPECT_EQ(names, fs::list(folder_.path()));
  ASSERT_EQ(names, (std::vector<std::string>{"a", "a-1", "b", "c"}));
  EXPECT_EQ(found[0].second.kind, fs::Kind::folder);
  EXPECT_EQ(found[2].second.size, 4U);
  EXPECT_EQ(found[2].second.inode, fs::lstat(at("b"))->inode);
  EXPECT_EQ(found[3].second.kind, fs::Kind::link);
  EXPECT_THROW(fs::list_stats(at("b")), Error);
}

TEST_F(FsTest, CreateExclusiveNeverReplaces) {
  EXPECT_TRUE(fs::create_exclusive(at("a"), "one"));
  EXPECT_FALSE(fs::create_exclusive(at("a"), "two"));
  EXPECT_EQ(fs::read_file(at("a")), "one");
  EXPECT_EQ(fs::list(folder_.path()).size(), 1U);
}

TEST_F(FsTest, ExchangeSwapsContents) {
  put(at("a"), "one");
  put(at("b"), "two");
  ASSERT_TRUE(fs::exchange(at("a"), at("b")));
  EXPECT_EQ(fs::read_file(at("a")), "two");
  EXPECT_EQ(fs::read_file(at("b")), "one");
}

TEST_F(FsTest, RenameNoReplaceSparesWhatIsThere) {
  fs::make_folders(at("x"));
  fs::make_folders(at("y/inside"));
  EXPECT_FALSE(fs::rename_no_replace(at("x"), at("y")));
  EXPECT_TRUE(fs::rename_no_replace(at("x"), at("z")));
}

TEST_F(FsTest, WalkIsSortedByWholePathAndDoesNotFollowLinks) {
  fs::make_folders(at("a"));
  put(at("a/b"), "");
  put(at("a-b"), "");
  std::filesystem::create_directory_symlink("/", at("root"));
  const std::vector<Path> expected{"a-b", "a/b", "root"};
  EXPECT_EQ(fs::walk(folder_.path()), expected);
}

TEST_F(FsTest, RemoveTreeStopsAtLinks) {
  fs::make_folders(at("keep"));
  put(at("keep/file"), "x");
  fs::make_folders(at("gone"));
  std::filesystem::create_directory_symlink(at("keep"), at("gone/link"));
  fs::remove_tree(at("gone"));
  EXPECT_FALSE(fs::exists(at("gone")));
  EXPECT_TRUE(fs::exists(at("keep/file")));
}

TEST_F(FsTest, PlacedCopiesShareNoInodeUnlessAllowed) {
  put(at("a"), "content");
  fs::place(at("a"), at("copy"), false);
  EXPECT_NE(fs::stat(at("a"))->inode, fs::stat(at("copy"))->inode);
  EXPECT_EQ(fs::read_file(at("copy")), "content");
  EXPECT_THROW(fs::place(at("a"), at("copy"), true), Error);
}

TEST_F(FsTest, WriterLeavesNothingWhenNotClosed) {
  {
    fs::Writer(at("a")).write("half");
  }
  EXPECT_FALSE(fs::exists(at("a")));
}

TEST_F(FsTest, LockIsExclusiveAndEndsWithItsHolder) {
  {
    auto held = fs::Lock::attempt(at("lock"));
    ASSERT_TRUE(held);
    held->describe("pid 7");
    EXPECT_FALSE(fs::Lock::attempt(at("lock")));
    EXPECT_EQ(fs::read_file(at("lock")), "pid 7");
  }
  EXPECT_TRUE(fs::Lock::attempt(at("lock")));
}

TEST_F(FsTest, ErrorsSayWhatWasDoneToWhich) {
  try {
    fs::read_file(at("missing"));
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::not_found);
    EXPECT_EQ(e.message(), "cannot open " + at("missing").string() + ": no such file or directory");
  }
  EXPECT_EQ(fs::read_if_exists(at("missing")), std::nullopt);
  put(at("big"), std::string(100, 'x'));
  EXPECT_THROW(fs::read_file(at("big"), 99), Error);
  EXPECT_THROW(fs::read_file(folder_.path()), Error);
}

}  // namespace
}  // namespace mlship
