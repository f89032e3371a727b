#include "core/host/process.h"

#include <array>

#include <gtest/gtest.h>

#include "core/error.h"

namespace mlship {
namespace {

ProcessResult shell(const std::string& script, const std::string& input = "") {
  ProcessRequest request;
  request.argv = {"sh", "-c", script};
  request.input = input;
  request.environment = {{"ADDED", "yes"}};
  return system_process()->run(request);
}

TEST(Process, OutputErrorsExitAndEnvironment) {
  const auto result = shell("echo out; echo err >&2; echo $ADDED; exit 3");
  EXPECT_EQ(result.exit, 3);
  EXPECT_EQ(result.out, "out\nyes\n");
  EXPECT_EQ(result.err, "err\n");
}

TEST(Process, LargeInputAndOutputDoNotBlock) {
  const std::string text(3'000'000, 'x');
  EXPECT_EQ(shell("cat", text).out, text);
  EXPECT_EQ(shell("exit 0", text).exit, 0) << "a child that does not read its input";
}

TEST(Process, SignalsMissingProgramsAndTimeouts) {
  EXPECT_EQ(shell("kill -TERM $$").exit, 128 + 15);
  ProcessRequest request;
  request.argv = {"mlship-no-such-program"};
  EXPECT_THROW(system_process()->run(request), Error);
  request.argv = {"sh", "-c", "sleep 60 & wait"};
  request.timeout = std::chrono::seconds(1);
  EXPECT_THROW(system_process()->run(request), Error);
}

TEST(Process, EndsWhenItIsToldTo) {
  const std::atomic<bool> stop = true;
  ProcessRequest request;
  request.argv = {"sh", "-c", "sleep 60 & wait"};
  request.stop = &stop;
  try {
    system_process()->run(request);
    FAIL() << "it did not end";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::interrupted);
  }
}

TEST(RunningProgram, IsTalkedToWhileItRuns) {
  ProcessRequest request;
  request.argv = {"sh", "-c", "while read line; do echo \"got $line\"; done; echo bye; echo why >&2; exit 3"};
  RunningProgram program(request);
  std::array<char, 100> buffer{};
  const auto read = [&] { return std::string(buffer.data(), program.read(buffer.data(), buffer.size())); };
  EXPECT_TRUE(program.write("one\n"));
  EXPECT_EQ(read(), "got one\n");
  EXPECT_TRUE(program.write("two\n"));
  EXPECT_EQ(read(), "got two\n");
  EXPECT_EQ(program.finish(), 3);
  EXPECT_EQ(read(), "bye\n");
  EXPECT_EQ(read(), "");
  EXPECT_EQ(program.errors(), "why\n");
}

TEST(RunningProgram, TakesAndGivesMoreThanAPipeHolds) {
  ProcessRequest request;
  request.argv = {"cat"};
  RunningProgram program(request);
  const std::string much(1U << 20U, 'x');
  EXPECT_TRUE(program.write(much));
  EXPECT_EQ(program.finish(), 0);
  std::string back;
  std::array<char, 65536> buffer{};
  while (const size_t n = program.read(buffer.data(), buffer.size())) back.append(buffer.data(), n);
  EXPECT_EQ(back.size(), much.size());
}

TEST(RunningProgram, SilenceEndsTheWait) {
  ProcessRequest request;
  request.argv = {"sleep", "60"};
  request.timeout = std::chrono::seconds(1);
  RunningProgram program(request);
  char byte = 0;
  EXPECT_THROW((void)program.read(&byte, 1), Error);
}

}  // namespace
}  // namespace mlship
