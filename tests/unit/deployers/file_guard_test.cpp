// Files in folders of others: links, pipes and locks that somebody puts in the way, files that nobody can
// exchange, and edits in place that were cut short.
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/host/folder.h"
#include "deployers/file_obstacle.h"
#include "deployers/file_set.h"
#include "deployers/file_swap.h"

namespace mlship {
namespace {

using Kind = SwapResult::Kind;

// chattr(1); false where the file system or the user cannot.
bool set_flags(const Path& path, int flags) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool done = fd >= 0 && ::ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
  if (fd >= 0) ::close(fd);
  return done;
}

int locked(const Path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(::flock(fd, LOCK_EX | LOCK_NB), 0);
  return fd;
}

class FileGuard : public ::testing::Test {
 protected:
  void SetUp() override {
    put(file_, "old\n");
    put(secret_, "secret\n");
    fs::set_mode(secret_, 0600);
  }
  static void put(const Path& path, std::string_view text) { std::ofstream(path, std::ios::trunc) << text; }
  [[nodiscard]] Swap swap() const { return {file_, "old\n", "new\n", "r1.op-0001"}; }
  [[nodiscard]] std::vector<std::string> names() const { return fs::list(file_.parent_path()); }

  fs::TempFolder root_{std::filesystem::canonical(std::filesystem::temp_directory_path())};
  Path folder_ = [this] {
    const Path path = root_.path() / "etc";
    fs::make_folders(path);
    return path;
  }();
  Path file_ = folder_ / "churn";
  Path secret_ = root_.path() / "secret";
  const std::vector<std::string> only_file_ = {"churn"};
};

TEST_F(FileGuard, ModeAndBytesGoToWhatWasMadeNotToALinkPutInItsPlace) {
  const fs::OpenFolder folder(folder_);
  const auto made = folder.create(".new", file_);
  std::filesystem::rename(folder_ / ".new", folder_ / "moved");
  std::filesystem::create_symlink(secret_, folder_ / ".new");
  made.write("ours\n");
  made.set_attributes({::getuid(), ::getgid(), 0666, {}});
  EXPECT_EQ(fs::read_file(secret_), "secret\n");
  EXPECT_EQ(fs::stat(secret_)->mode, 0600U);
  EXPECT_EQ(fs::stat(folder_ / "moved")->mode, 0666U);
}

TEST_F(FileGuard, NothingThatIsThereIsTakenForNew) {
  const fs::OpenFolder folder(folder_);
  std::filesystem::create_symlink(secret_, folder_ / ".new");
  EXPECT_THROW((void)folder.create(".new", file_), Error);
  std::filesystem::create_symlink(root_.path() / "nothing", folder_ / ".dangling");
  EXPECT_THROW((void)folder.create(".dangling", file_), Error);
  EXPECT_FALSE(fs::exists(root_.path() / "nothing"));
}

TEST_F(FileGuard, AFolderThatBecameALinkIsNotEntered) {
  fs::make_folders(root_.path() / "elsewhere");
  put(root_.path() / "elsewhere/churn", "old\n");
  fs::rename(folder_, root_.path() / "aside");
  std::filesystem::create_symlink(root_.path() / "elsewhere", folder_);
  EXPECT_EQ(swap_file(swap()).kind, Kind::conflict);
  EXPECT_EQ(fs::read_file(root_.path() / "elsewhere/churn"), "old\n");
}

TEST_F(FileGuard, ALinkInThePlaceOfTheFileIsAConflict) {
  const auto result = swap_file(swap(), [&] {
    fs::remove_file(file_);
    std::filesystem::create_symlink(secret_, file_);
  });
  EXPECT_NE(result.kind, Kind::swapped);
  EXPECT_EQ(fs::read_file(secret_), "secret\n");
  EXPECT_EQ(fs::stat(secret_)->mode, 0600U);
}

TEST_F(FileGuard, APipeInThePlaceOfTheFileHoldsNobodyUp) {
  fs::remove_file(file_);
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  EXPECT_EQ(swap_file(swap()).kind, Kind::conflict);
  EXPECT_FALSE(fs::open_regular(file_));
  EXPECT_TRUE(std::holds_alternative<FileProblem>(read_host_file({file_, file_}).value()));
}

TEST_F(FileGuard, LocksOfOthersHoldNobodyUp) {
  const int on_folder = locked(folder_), on_file = locked(file_);
  EXPECT_EQ(swap_file(swap()).kind, Kind::swapped);
  EXPECT_TRUE(clear_abandoned_swaps({file_}).empty());
  EXPECT_EQ(fs::read_file(file_), "new\n");
  EXPECT_EQ(names(), only_file_);
  ::close(on_folder);
  ::close(on_file);
}

TEST_F(FileGuard, WhoClearsUpLeavesAnExchangeUnderWayAlone) {
  std::vector<std::string> told{"not asked"};
  EXPECT_EQ(swap_file(swap(), [&] { told = clear_abandoned_swaps({file_}); }).kind, Kind::swapped);
  EXPECT_TRUE(told.empty());
  EXPECT_EQ(fs::read_file(file_), "new\n");
}

TEST_F(FileGuard, WhoClearsUpTakesWhatEachOfManyFilesLeft) {
  std::vector<Path> files{file_, folder_ / "a.mlship-b", folder_ / "churn.mlship-x"};
  for (const auto& file : files) {
    put(file, "old\n");
    put(folder_ / ("." + file.filename().string() + ".mlship-r9.op-0001-part"), "half");
  }
  EXPECT_EQ(clear_abandoned_swaps(files).size(), 3U);
  EXPECT_EQ(names().size(), 3U);
}

class Protected : public FileGuard,
                  public ::testing::WithParamInterface<std::tuple<int, bool, const char*>> {};

TEST_P(Protected, TheCauseIsNamedInTheUsersWords) {
  const auto& [flag, whole_folder, words] = GetParam();
  const Path path = whole_folder ? folder_ : file_;
  if (!set_flags(path, flag)) GTEST_SKIP() << "attributes cannot be set here";
  const auto obstacle = obstacle_of(file_);
  const auto result = swap_file(swap());
  set_flags(path, 0);
  ASSERT_TRUE(obstacle);
  EXPECT_NE(obstacle->hint.find("chattr -"), std::string::npos);
  EXPECT_EQ(result.kind, Kind::refused);
  EXPECT_NE(result.detail.find(words), std::string::npos) << result.detail;
  EXPECT_EQ(result.detail.find("churn.mlship-"), std::string::npos) << result.detail;
  EXPECT_EQ(names(), only_file_);
}

INSTANTIATE_TEST_SUITE_P(Attributes, Protected,
                         ::testing::Values(std::tuple{FS_IMMUTABLE_FL, false, "churn is immutable"},
                                           std::tuple{FS_APPEND_FL, false, "churn can only be appended to"},
                                           std::tuple{FS_IMMUTABLE_FL, true, "the folder"}));

class CutShort : public FileGuard,
                 public ::testing::WithParamInterface<std::pair<std::string, std::string>> {};

TEST_P(CutShort, AnEditInPlaceIsTakenBackAndATextOfOthersStays) {
  const auto& [live, then] = GetParam();
  const std::string before = "one 1.3.0\ntwo 1.3.0\n", after = "one 1.10.0\ntwo 1.10.0\n";
  put(file_, live);
  put(folder_ / ".churn.mlship-r1.op-0001-in-place", std::to_string(before.size()) + "\n" + before + after);
  recover_swap(file_, "r1.op-0001");
  EXPECT_EQ(fs::read_file(file_), then);
  EXPECT_EQ(names(), only_file_);
}

INSTANTIATE_TEST_SUITE_P(Texts, CutShort,
                         ::testing::Values(std::pair{"one 1.3.0\ntwo 1.3.0\n", "one 1.3.0\ntwo 1.3.0\n"},
                                           std::pair{"one 1.10.0\ntwo 1.10.0\n", "one 1.10.0\ntwo 1.10.0\n"},
                                           std::pair{"one 1.10.0\nwo 1.3.0\n", "one 1.3.0\ntwo 1.3.0\n"},
                                           std::pair{"one 1.10.0\ntwo 1.10.0", "one 1.3.0\ntwo 1.3.0\n"},
                                           std::pair{"one 1.2.0\ntwo 1.3.0\n", "one 1.2.0\ntwo 1.3.0\n"},
                                           std::pair{"somebody else's\n", "somebody else's\n"}));

}  // namespace
}  // namespace mlship
