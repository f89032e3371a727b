#include "packager/spool.h"

#include <csignal>

#include <sys/resource.h>

#include "tests/unit/packager/archive_fixture.h"

namespace mlship::test {
namespace {

using Sink = std::function<void(std::string_view)>;

class SpoolTest : public ArchiveTest {};

TEST_F(SpoolTest, TheDigestIsOfWhatIsThereWhateverThePieces) {
  std::string whole;
  for (size_t i = 0; i < 3'000'000; ++i) whole += static_cast<char>(i * 2654435761U >> 13U);
  for (const size_t piece : {size_t{7}, size_t{512}, size_t{1} << 20U, whole.size()}) {
    const Spooled made = spool(folder(), [&](const Sink& sink) {
      for (size_t at = 0; at < whole.size(); at += piece) sink(std::string_view(whole).substr(at, piece));
    });
    EXPECT_EQ(made.digest, sha256(whole)) << piece;
    EXPECT_EQ(made.size, whole.size());
    EXPECT_EQ(fs::read_file(made.file), whole);
  }
}

TEST_F(SpoolTest, NothingIsAFileToo) {
  const Spooled made = spool(folder(), [](const Sink&) {});
  EXPECT_EQ(made.digest, sha256(""));
  EXPECT_EQ(fs::read_file(made.file), "");
}

TEST_F(SpoolTest, WhatCannotBeReadLeavesNothing) {
  const Error error = error_of([&] {
    spool(folder(), [](const Sink& sink) {
      sink(std::string(2U << 20U, 'x'));
      throw Error(ErrorCode::source_tree, "it changed");
    });
  });
  EXPECT_EQ(error.code(), ErrorCode::source_tree);
  EXPECT_TRUE(fs::list(folder()).empty());
}

// A limit on the size of files stands for a disk that is full.
TEST_F(SpoolTest, WhatCannotBeWrittenStopsTheReadingAndLeavesNothing) {
  struct rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit low = before;
  low.rlim_cur = 1U << 20U;
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &low), 0);
  size_t given = 0;
  const Error error = error_of([&] {
    spool(folder(), [&](const Sink& sink) {
      for (; given < 1000; ++given) sink(std::string(1U << 20U, 'x'));
    });
  });
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(error.code(), ErrorCode::io);
  EXPECT_LT(given, 10U);
  EXPECT_TRUE(fs::list(folder()).empty());
}

}  // namespace
}  // namespace mlship::test
