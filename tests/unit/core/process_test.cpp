#include "core/host/process.h"

#include <array>
#include <chrono>
#include <csignal>

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
  ProcessRequest request;
  request.argv = {"sh", "-c", "sleep 60 & wait"};
  request.stop = [] { return true; };
  try {
    system_process()->run(request);
    FAIL() << "it did not end";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::interrupted);
  }
}

using std::chrono::steady_clock;

ProcessRequest a_second_for(const std::string& script) {
  ProcessRequest request;
  request.argv = {"sh", "-c", script};
  request.timeout = std::chrono::seconds(1);
  return request;
}

TEST(Process, TheTimeoutCountsWhateverAProgramDoesWithItsOutputs) {
  for (const std::string script :
       {"exec >&- 2>&-; exec sleep 30", "exec 2>&-; yes", "trap '' TERM; exec >/dev/null 2>&1; sleep 30",
        "sleep 30 & exec >&- 2>&-; wait", "yes >&2"}) {
    const auto begun = steady_clock::now();
    ProcessRequest request = a_second_for(script);
    request.most_output = 1000;
    EXPECT_THROW(system_process()->run(request), Error) << script;
    EXPECT_LT(steady_clock::now() - begun, std::chrono::seconds(5)) << script;
  }
}

TEST(Process, WhatItLeavesInTheBackgroundIsNotWaitedFor) {
  for (const std::string script :
       {"sleep 20 & echo done", "(while :; do echo more; sleep 0.01; done) & echo done",
        "sleep 20 >&- 2>&- & echo done", "yes more & echo done"}) {
    const auto begun = steady_clock::now();
    ProcessRequest request = a_second_for(script + "; echo $! >&2");
    request.timeout = std::chrono::seconds(30);
    const auto result = system_process()->run(request);
    EXPECT_EQ(result.exit, 0) << script;
    EXPECT_NE(result.out.find("done\n"), std::string::npos) << script;
    EXPECT_LT(steady_clock::now() - begun, std::chrono::seconds(5)) << script;
    kill(std::stoi(result.err), SIGKILL);
  }
}

TEST(Process, OfMuchOutputTheBeginningAndTheEndAreKept) {
  ProcessRequest request;
  request.argv = {"sh", "-c",
                  "echo first; i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo last"};
  request.most_output = 10'000;
  const auto result = system_process()->run(request);
  EXPECT_TRUE(result.out.starts_with("first\n"));
  EXPECT_TRUE(result.out.ends_with("last\n"));
  EXPECT_LE(result.out.size(), 20'000U);
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
