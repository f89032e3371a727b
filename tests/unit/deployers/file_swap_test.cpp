#include "deployers/file_swap.h"

#include <atomic>
#include <cstring>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/digest.h"

namespace mlship {
namespace {

using Kind = SwapResult::Kind;

class FileSwap : public ::testing::Test {
 protected:
  void SetUp() override { put("old\n"); }

  void put(std::string_view text) const { std::ofstream(file_, std::ios::trunc) << text; }
  void put_by_rename(std::string_view text) const {
    std::ofstream(folder_.path() / "editor") << text;
    std::filesystem::rename(folder_.path() / "editor", file_);
  }
  [[nodiscard]] std::string text() const { return fs::read_file(file_); }
  [[nodiscard]] Swap swap() const { return {file_, "old\n", "new\n", "r1.op-0001"}; }
  [[nodiscard]] std::vector<std::string> names() const { return fs::list(folder_.path()); }
  // What a killed run leaves: the name tells the hashes of the old and the new content.
  void leave(const std::string& content) const {
    const auto hash = [](const char* bytes) { return sha256(bytes).hex().substr(0, 16); };
    std::ofstream(folder_.path() / (".churn.mlship-r1.op-0001-" + hash("old\n") + "-" + hash("new\n")))
        << content;
  }

  fs::TempFolder folder_{std::filesystem::temp_directory_path()};
  Path file_ = folder_.path() / "churn";
  const std::vector<std::string> only_file_ = {"churn"};
};

TEST_F(FileSwap, ReplacesAndLeavesNothing) {
  EXPECT_EQ(swap_file(swap()).kind, Kind::swapped);
  EXPECT_EQ(text(), "new\n");
  EXPECT_EQ(names(), only_file_);
}

TEST_F(FileSwap, TheTemporaryNameIsOneThatNobodyActsOn) {
  std::vector<std::string> seen;
  swap_file(swap(), [&] { seen = names(); });
  ASSERT_EQ(seen.size(), 2U);
  const std::string prefix = ".churn.mlship-r1.op-0001-";
  ASSERT_TRUE(seen[0].starts_with(prefix)) << seen[0];
  EXPECT_EQ(seen[0].find_first_not_of("0123456789abcdef-", prefix.size()), std::string::npos) << seen[0];
}

TEST_F(FileSwap, KeepsModeOwnerAndAttributes) {
  ::chmod(file_.c_str(), 02640);
  const bool attributes = ::setxattr(file_.c_str(), "user.note", "kept", 4, 0) == 0;
  if (::getuid() == 0) {
    ASSERT_EQ(::chown(file_.c_str(), 65534, 65534), 0);
    ::chmod(file_.c_str(), 02640);
  }
  const auto before = *fs::stat(file_);
  ASSERT_EQ(swap_file(swap()).kind, Kind::swapped);
  const auto after = *fs::stat(file_);
  EXPECT_EQ(after.mode, before.mode);
  EXPECT_EQ(after.uid, before.uid);
  EXPECT_EQ(after.gid, before.gid);
  if (attributes) {
    char value[8] = {};
    EXPECT_EQ(::getxattr(file_.c_str(), "user.note", value, sizeof value), 4);
    EXPECT_STREQ(value, "kept");
  }
}

TEST_F(FileSwap, KeepsAccessLists) {
  // user::rw-, user:65534:r--, group::r--, mask::r--, other::--- in the kernel's format, version 2.
  const unsigned char acl[] = {2, 0,   0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  4,
                               0, 254, 255, 0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16, 0,
                               4, 0,   255, 255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255};
  if (::setxattr(file_.c_str(), "system.posix_acl_access", acl, sizeof acl, 0) != 0) {
    ASSERT_EQ(errno, ENOTSUP);
    GTEST_SKIP() << "the file system has no access lists";
  }
  ASSERT_EQ(swap_file(swap()).kind, Kind::swapped);
  unsigned char now[64] = {};
  ASSERT_EQ(::getxattr(file_.c_str(), "system.posix_acl_access", now, sizeof now), ssize_t{sizeof acl});
  EXPECT_EQ(std::memcmp(acl, now, sizeof acl), 0);
}

TEST_F(FileSwap, AnEditBeforeTheSwapIsAConflict) {
  put("edited\n");
  EXPECT_EQ(swap_file(swap()).kind, Kind::conflict);
  EXPECT_EQ(text(), "edited\n");
  EXPECT_EQ(names(), only_file_);
}

TEST_F(FileSwap, AnEditBetweenReadAndExchangeIsPutBack) {
  EXPECT_EQ(swap_file(swap(), [&] { put("in place\n"); }).kind, Kind::conflict);
  EXPECT_EQ(text(), "in place\n");
  put("old\n");
  EXPECT_EQ(swap_file(swap(), [&] { put_by_rename("by rename\n"); }).kind, Kind::conflict);
  EXPECT_EQ(text(), "by rename\n");
  EXPECT_EQ(names(), only_file_);
}

TEST_F(FileSwap, AChangeOfModeBetweenIsPutBackToo) {
  EXPECT_EQ(swap_file(swap(), [&] { ::chmod(file_.c_str(), 0600); }).kind, Kind::conflict);
  EXPECT_EQ(text(), "old\n");
  EXPECT_EQ(fs::stat(file_)->mode, 0600U);
}

TEST_F(FileSwap, ARemovedFileIsNotMadeAgain) {
  EXPECT_EQ(swap_file(swap(), [&] { fs::remove_file(file_); }).kind, Kind::conflict);
  EXPECT_TRUE(names().empty());
}

// An editor that keeps writing numbered versions by rename while the file is swapped again and again: at the
// end its last text stands, whatever came between.
TEST_F(FileSwap, AnEditorThatKeepsWritingLosesNothing) {
  std::atomic<bool> stop{false};
  std::string last;
  std::thread editor([&] {
    for (int i = 0; !stop; ++i) {
      last = "edit " + std::to_string(i) + "\n";
      put_by_rename(last);
      std::this_thread::sleep_for(std::chrono::microseconds(100 + i % 400));
    }
  });
  int swapped = 0, conflicts = 0;
  for (int i = 0; i < 300; ++i) {
    const std::string now = text();
    const auto result = swap_file({file_, now, "ours " + std::to_string(i) + "\n", "r1"});
    swapped += result.kind == Kind::swapped ? 1 : 0;
    conflicts += result.kind == Kind::conflict ? 1 : 0;
    EXPECT_TRUE(result.kind == Kind::swapped || result.kind == Kind::conflict) << result.detail;
  }
  stop = true;
  editor.join();
  EXPECT_EQ(swapped + conflicts, 300);
  EXPECT_GT(conflicts, 0);
  // Either its last text, or ours that replaced it knowing it.
  EXPECT_TRUE(text() == last || text().rfind("ours", 0) == 0) << text();
}

TEST_F(FileSwap, WithoutWriteAccessNothingChanges) {
  ::chmod(folder_.path().c_str(), 0555);
  // Root may write everywhere, so it becomes somebody else for the moment.
  const bool root = ::geteuid() == 0;
  ASSERT_EQ(root ? ::seteuid(65534) : 0, 0);
  const auto kind = swap_file(swap()).kind;
  ASSERT_EQ(root ? ::seteuid(0) : 0, 0);
  ::chmod(folder_.path().c_str(), 0700);
  EXPECT_EQ(kind, Kind::refused);
  EXPECT_EQ(text(), "old\n");
}

TEST_F(FileSwap, RecoversFromAKillBeforeTheExchange) {
  leave("new\n");
  std::ofstream(folder_.path() / ".churn.mlship-r1.op-0001-part") << "ne";
  EXPECT_EQ(recover_swap(file_, "r1.op-0001"), "");
  EXPECT_EQ(text(), "old\n");
  EXPECT_EQ(names(), only_file_);
}

TEST_F(FileSwap, RecoversFromAKillAfterTheExchange) {
  leave("old\n");
  put("new\n");
  EXPECT_EQ(recover_swap(file_, "r1.op-0001"), "");
  EXPECT_EQ(text(), "new\n");
  EXPECT_EQ(names(), only_file_);
}

TEST_F(FileSwap, RecoveryPutsDisplacedForeignTextBack) {
  leave("foreign\n");
  put("new\n");
  EXPECT_NE(recover_swap(file_, "r1.op-0001"), "");
  EXPECT_EQ(text(), "foreign\n");
  EXPECT_EQ(names(), only_file_);
}

TEST_F(FileSwap, RecoveryNeverThrowsForeignTextAway) {
  leave("foreign\n");
  put("foreign again\n");
  EXPECT_NE(recover_swap(file_, "r1.op-0001"), "");
  EXPECT_EQ(text(), "foreign again\n");
  ASSERT_EQ(names().size(), 2U);
  EXPECT_EQ(fs::read_file(folder_.path() / names()[0]), "foreign\n");
  EXPECT_EQ(recover_swap(file_, "r1.op-0001"), "");
  EXPECT_EQ(names().size(), 2U);
}

TEST_F(FileSwap, OtherOperationsLeftoversAreLeftAlone) {
  std::ofstream(folder_.path() / ".churn.mlship-r1.op-00010-part") << "x";
  EXPECT_EQ(recover_swap(file_, "r1.op-0001"), "");
  EXPECT_EQ(names().size(), 2U);
}

TEST_F(FileSwap, LongNamesAndOddTags) {
  const Path file = folder_.path() / std::string(250, 'n');
  std::ofstream(file) << "old\n";
  EXPECT_EQ(swap_file({file, "old\n", "new\n", "../../" + std::string(300, 't')}).kind, Kind::swapped);
  EXPECT_EQ(fs::read_file(file), "new\n");
  EXPECT_EQ(names().size(), 2U);
}

}  // namespace
}  // namespace mlship
