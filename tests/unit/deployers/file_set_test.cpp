#include "deployers/file_set.h"

#include "host_fixture.h"

namespace mlship {
namespace {

class FileSetTest : public HostTest {
 protected:
  // "path" of every file the patterns name, those named in full with a `!`; then "no <pattern>" of the
  // others.
  [[nodiscard]] std::string named(const Path& folder, const std::vector<std::string>& patterns) const {
    std::vector<std::string> absolute;
    for (const auto& pattern : patterns) absolute.push_back(file_pattern(folder, pattern));
    const FileSet set = expand_files(absolute);
    std::string out;
    for (const auto& file : set.files) {
      out += short_of(file.path.string()) + (file.by_name ? "! " : " ");
      EXPECT_TRUE(names_file(absolute, file.path)) << file.path;
    }
    for (const auto& pattern : set.unmatched) out += "no " + short_of(pattern) + " ";
    for (const auto& problem : set.problems) out += "bad " + short_of(problem.path) + " ";
    return out;
  }
  [[nodiscard]] std::string short_of(const std::string& path) const {
    return path.starts_with(root()) ? path.substr(root().size() + 1) : path;
  }
};

TEST_F(FileSetTest, TheProjectsOwnFolderIsNoPattern) {
  for (const std::string folder : {"team [a]", "what?", "*", "[!x]", "a]b[", "[[]", "[0-9]*"}) {
    put(folder + "/jobs.cron", "");
    put(folder + "/sub/x.env", "");
    EXPECT_EQ(named(at(folder), {"jobs.cron"}), folder + "/jobs.cron! ");
    EXPECT_EQ(named(at(folder), {"*.cron", "**/*.env"}), folder + "/jobs.cron " + folder + "/sub/x.env ");
    EXPECT_EQ(named(at(folder) / "sub", {"../*.cron"}), folder + "/jobs.cron ");
  }
}

// A user's own configuration has targets where no project is.
TEST_F(FileSetTest, WithoutAProjectPatternsBeginInTheCurrentFolder) {
  const std::string here = std::filesystem::current_path().string();
  for (const std::string pattern : {"jobs.cron", "*.cron", "a/**/x"}) {
    EXPECT_EQ(file_pattern("", pattern), file_pattern(here, pattern));
    EXPECT_TRUE(Path(file_pattern("", pattern)).is_absolute()) << pattern;
  }
  EXPECT_EQ(file_pattern("", "/etc/cron.d/*"), "/etc/cron.d/*");
}

TEST_F(FileSetTest, AFileWithBracketsIsNamedAsItIsCalled) {
  for (const std::string name : {"jobs [dev].cron", "a[1].cron", "x[.cron", "a1.cron"}) put("d/" + name, "");
  put("d [x]/y", "");
  EXPECT_EQ(named(root(), {"d/jobs [dev].cron"}), "d/jobs [dev].cron! ");
  EXPECT_EQ(named(root(), {"d/a[1].cron"}), "d/a[1].cron! ");
  EXPECT_EQ(named(root(), {"d/a[[]1].cron"}), "d/a[1].cron! ");
  EXPECT_EQ(named(root(), {"d/x[.cron"}), "d/x[.cron! ");
  EXPECT_EQ(named(root(), {"d [x]/*"}), "d [x]/y ");
  fs::remove_file(at("d/a[1].cron"));
  EXPECT_EQ(named(root(), {"d/a[1].cron"}), "d/a1.cron! ");
}

TEST_F(FileSetTest, APatternThatNamesNoFileIsTold) {
  put("etc/cron.d/jobs", "");
  fs::make_folders(at("etc/empty"));
  EXPECT_EQ(
      named(root(), {"etc/cron.d/*", "etc/crom.d/*", "etc/empty/*", "etc/**/*.conf", "etc/cron.d/[a-c]*"}),
      "etc/cron.d/jobs no etc/crom.d/* no etc/empty/* no etc/**/*.conf no etc/cron.d/[a-c]* ");
  EXPECT_EQ(named(root(), {"etc/missing"}), "bad etc/missing ");  // a name, no pattern: a problem
}

TEST_F(FileSetTest, OfSeveralNamesTheOneThatIsNoLinkCounts) {
  put("units/score.service", "");
  std::filesystem::create_symlink("score.service", at("units/batch.service"));
  std::filesystem::create_symlink("../units/score.service", at("units/zz.service"));
  EXPECT_EQ(named(root(), {"units/*"}), "units/score.service ");
  EXPECT_EQ(named(root(), {"units/*", "units/batch.service"}), "units/score.service! ");
  put("real/one", "");
  std::filesystem::create_symlink("../real/one", at("units/one.service"));
  EXPECT_EQ(named(root(), {"units/one*"}), "units/one.service ");
}

}  // namespace
}  // namespace mlship
