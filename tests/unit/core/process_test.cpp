#include "core/host/process.h"

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

}  // namespace
}  // namespace mlship
