#include "packager/stat_cache.h"

#include <atomic>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>

#include "tests/support/packager_fixture.h"

namespace mlship {
namespace {

using test::write;

class StatCacheTest : public test::ProjectTest {
 protected:
  Path file_ = root() / "data";
  Path cache_ = root() / "cache" / "digests";

  // The digest the way a build asks for it; `known`: without reading the file.
  std::optional<Digest> known() { return StatCache(cache_).find(*fs::stat(file_)); }
  Digest hash() {
    StatCache cache(cache_);
    std::vector<FileToHash> files{{file_, "data", {}, {}}};
    hash_files(files, cache, quiet_);
    cache.save();
    return files.front().digest;
  }
};

TEST_F(StatCacheTest, RemembersAFileByItsStat) {
  write(file_, "one");
  EXPECT_EQ(known(), std::nullopt);
  EXPECT_EQ(hash(), sha256("one"));
  EXPECT_EQ(known(), sha256("one"));
}

TEST_F(StatCacheTest, EveryChangeThatStatShowsIsSeen) {
  write(file_, "one");
  hash();
  std::filesystem::last_write_time(file_,
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_EQ(known(), std::nullopt);
  hash();
  const auto then = std::filesystem::last_write_time(file_);
  write(root() / "other", "two");
  std::filesystem::last_write_time(root() / "other", then);
  std::filesystem::rename(root() / "other", file_);
  EXPECT_EQ(known(), std::nullopt);
  EXPECT_EQ(hash(), sha256("two"));
}

// The same size and times, changed within one tick of the clock: git's racy index.
TEST_F(StatCacheTest, AnEntryAsYoungAsTheCacheIsNotTrusted) {
  write(file_, "one");
  hash();
  ASSERT_EQ(known(), sha256("one"));
  const auto s = *fs::stat(file_);
  const timespec at{s.ctime_ns / 1'000'000'000, s.ctime_ns % 1'000'000'000};
  const timespec times[2] = {at, at};
  ASSERT_EQ(utimensat(AT_FDCWD, cache_.c_str(), static_cast<const timespec*>(times), 0), 0);
  EXPECT_EQ(known(), std::nullopt);
}

TEST_F(StatCacheTest, ADamagedCacheIsEmpty) {
  write(file_, "one");
  for (const auto* text : {"", "garbage", "mlship stat cache 1\n1 2 3", "mlship stat cache 1\nx y z"}) {
    write(cache_, text);
    EXPECT_EQ(known(), std::nullopt);
    EXPECT_EQ(hash(), sha256("one"));
  }
}

TEST_F(StatCacheTest, HashesManyFilesOnTwoThreads) {
  StatCache cache;
  std::vector<FileToHash> files;
  for (int i = 0; i < 40; ++i) {
    const std::string content(static_cast<size_t>(i) * 1000, 'x');
    write(root() / std::to_string(i), content);
    files.push_back({root() / std::to_string(i), std::to_string(i), {}, {}});
  }
  hash_files(files, cache, quiet_);
  for (size_t i = 0; i < 40; ++i) EXPECT_EQ(files[i].digest, sha256(std::string(i * 1000, 'x')));
}

TEST_F(StatCacheTest, HashingThatNobodyWaitsForEndsAndKeepsNothing) {
  std::vector<FileToHash> files;
  for (int i = 0; i < 3; ++i) {
    write(root() / std::to_string(i), std::string(8U << 20U, static_cast<char>('a' + i)));
    files.push_back({root() / std::to_string(i), std::to_string(i), {}, {}});
  }
  StatCache cache;
  {
    const Hashing given_up(files, cache, quiet_);
  }
  EXPECT_EQ(cache.find(*fs::stat(root() / "0")), std::nullopt);
  const auto hashed = Hashing(files, cache, quiet_).finish();
  EXPECT_EQ(hashed.at(2).digest, sha256(std::string(8U << 20U, 'c')));
  EXPECT_EQ(cache.find(*fs::stat(root() / "2")), hashed.at(2).digest);
}

TEST_F(StatCacheTest, LinksAndModesThatChangeMeanwhileAreNoChange) {
  const std::string content(8U << 20U, 'x');
  write(file_, content);
  std::atomic<bool> ended = false;
  std::thread other([&] {
    for (int i = 0; !ended; ++i) fs::set_mode(file_, i % 2 == 0 ? 0600 : 0644);
  });
  EXPECT_EQ(hash(), sha256(content));
  ended = true;
  other.join();
}

TEST_F(StatCacheTest, AMissingFileIsAnError) {
  StatCache cache;
  std::vector<FileToHash> files{{root() / "absent", "absent", {}, {}}};
  EXPECT_EQ(test::error_of([&] { hash_files(files, cache, quiet_); }).code(), ErrorCode::not_found);
}

}  // namespace
}  // namespace mlship
