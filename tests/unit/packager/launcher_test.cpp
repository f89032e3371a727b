#include "packager/wheel.h"
#include "tests/unit/packager/archive_fixture.h"

namespace mlship::test {
namespace {

class LauncherTest : public ArchiveTest {
 protected:
  void SetUp() override {
    tree_ = folder() / "with space" / "tree";
    fs::make_folders(tree_ / "bin");
    fs::make_folders(tree_ / "lib/pipe");
    fs::write_atomic(tree_ / "lib/pipe/__init__.py", "");
    fs::write_atomic(tree_ / "lib/pipe/job.py", R"(import os, sys
class Job:
    @staticmethod
    def main():
        print(sys.argv, os.environ["MLSHIP_ROOT"], sys.flags.isolated, sys.path[0], os.getcwd())
        return int(sys.argv[1]) if len(sys.argv) > 1 else None
def fail(): raise RuntimeError("boom")
def stop(): sys.exit("stopped")
)");
    write("job", "pipe.job:Job.main");
    write("fail", "pipe.job:fail");
    write("stop", "pipe.job:stop");
    python_ = python("import sys; print(sys.executable, end='')");
  }
  void write(const std::string& name, const std::string& entry_point) const {
    fs::write_atomic(tree_ / "bin" / name, launcher(entry_point, "3.11"), 0755);
  }
  // As cron does: two folders in PATH, the home folder as the current one.
  ProcessResult as_cron(const std::string& command, const std::string& variables = "") const {
    return run(
        {"env", "-i", "PATH=/usr/bin:/bin", "HOME=/", "SHELL=/bin/sh", "/bin/sh", "-c", variables + command},
        "/");
  }
  Path tree_;
  std::string python_;
};

TEST_F(LauncherTest, RunsAsCronWould) {
  const std::string self = (tree_ / "bin/job").string();
  const auto ran = as_cron("MLSHIP_PYTHON='" + python_ + "' PYTHONPATH=/nowhere '" + self + "' 5 'a b'");
  EXPECT_EQ(ran.exit, 5) << ran.err;
  EXPECT_EQ(ran.out,
            "['" + self + "', '5', 'a b'] " + tree_.string() + " 1 " + (tree_ / "lib").string() + " /\n");
  EXPECT_EQ(as_cron("MLSHIP_PYTHON='" + python_ + "' '" + self + "'").exit, 0);
  // Compiled files go beside lib/, never into it.
  EXPECT_FALSE(fs::exists(tree_ / "lib/pipe/__pycache__"));
  EXPECT_TRUE(fs::exists(tree_ / ".pycache"));
}

TEST_F(LauncherTest, WorksThroughLinks) {
  std::filesystem::create_symlink(tree_, folder() / "current");
  std::filesystem::create_symlink(folder() / "current/bin/job", folder() / "job");
  const auto ran = run({"./job"}, folder(), {{"MLSHIP_PYTHON", python_}});
  EXPECT_EQ(ran.out.substr(0, ran.out.find(" 1 ")), "['./job'] " + tree_.string()) << ran.err;
  const auto shell = run({"sh", "bin/job"}, tree_, {{"MLSHIP_PYTHON", python_}});
  EXPECT_EQ(shell.exit, 0) << shell.err;
}

TEST_F(LauncherTest, PassesFailuresOn) {
  const auto failed = run({(tree_ / "bin/fail").string()}, {}, {{"MLSHIP_PYTHON", python_}});
  EXPECT_EQ(failed.exit, 1);
  EXPECT_NE(failed.err.find("RuntimeError: boom"), std::string::npos);
  const auto stopped = run({(tree_ / "bin/stop").string()}, {}, {{"MLSHIP_PYTHON", python_}});
  EXPECT_EQ(stopped.exit, 1);
  EXPECT_EQ(stopped.err, "stopped\n");
}

TEST_F(LauncherTest, SaysWhatIsMissing) {
  const auto ran = as_cron("MLSHIP_PYTHON=/no/python '" + (tree_ / "bin/job").string() + "'");
  EXPECT_EQ(ran.exit, 127);
  EXPECT_EQ(
      ran.err,
      "error: cannot run " + (tree_ / "bin/job").string() +
          ": /no/python is not on PATH\nhint: install python3.11, or set MLSHIP_PYTHON to the path of its "
          "interpreter\n");
}

TEST_F(LauncherTest, RefusesWhatIsNoEntryPoint) {
  for (const std::string bad : {"", "module", "module:", ":main", "a:b c", "a:b;c", "a:'b'", "a..b:c", "a:1b",
                                "a:b()", "a:$(b)", "a:b\nc", "a/b:c"}) {
    EXPECT_EQ(error_of([&] { (void)launcher(bad, "3.11"); }).code(), ErrorCode::wheel) << bad;
  }
}

}  // namespace
}  // namespace mlship::test
