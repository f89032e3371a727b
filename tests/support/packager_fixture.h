// What the packager's tests need: a project in a temporary folder, git, small models, a Host that reaches
// nothing outside.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/diagnostics.h"
#include "core/host/fs.h"
#include "core/host/host.h"
#include "core/project.h"
#include "packager/bundler.h"
#include "tests/support/fakes.h"

namespace mlship::test {

class Quiet : public Diagnostics {
 public:
  void warning(std::string_view) override {}
  void status(std::string_view) override {}
  void detail(std::string_view) override {}
  std::unique_ptr<Progress> progress(std::string_view, std::uint64_t, Unit) override {
    struct None : Progress {
      void advance(std::uint64_t) override {}
      void finish() override {}
    };
    return std::make_unique<None>();
  }
};

inline void write(const Path& file, std::string_view content, std::uint32_t mode = 0644) {
  fs::make_folders(file.parent_path());
  std::filesystem::remove(file);
  fs::Writer out(file, mode);
  out.write(content);
  out.close(false);
}

// A safetensors file with one float32 tensor; `fill` makes files differ.
inline std::string safetensors(char fill, size_t floats = 4) {
  const std::string bytes = std::to_string(4 * floats);
  std::string header =
      R"({"w":{"dtype":"F32","shape":[)" + std::to_string(floats) + R"(],"data_offsets":[0,)" + bytes + "]}}";
  while (header.size() % 8 != 0) header += ' ';
  std::string out(8, '\0');
  for (size_t i = 0; i < 8; ++i) out[i] = static_cast<char>(header.size() >> (8 * i) & 0xffU);
  return out + header + std::string(4 * floats, fill);
}

// The Error that `call` throws; a test failure and an internal error when it throws none.
template <typename Call>
Error error_of(Call&& call) {
  try {
    call();
  } catch (const Error& e) {
    return e;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {ErrorCode::internal, "nothing was thrown"};
}

class ProjectTest : public ::testing::Test {
 protected:
  // churn 1.4.0: two modules, one model, in no repository yet.
  void SetUp() override {
    write(folder() / "mlship.toml", toml_);
    write(folder() / "src/churn/__init__.py", "__version__ = \"1.4.0\"\n");
    write(folder() / "src/churn/score.py",
          "import os\n\ndef main():\n    path = os.environ['MLSHIP_ROOT'] + "
          "'/models/classifier.safetensors'\n    print('scored', "
          "os.path.getsize(path))\n");
    write(folder() / "models/classifier.safetensors", safetensors('a'));
    write(folder() / "README.md", "# churn\n");
    write(folder() / ".gitignore", "dist/\n");
  }

  [[nodiscard]] Path root() const { return temporary_.path(); }
  [[nodiscard]] Path folder() const { return root() / "churn"; }

  // mlship.toml as it lies in `at`.
  [[nodiscard]] Project project(const Path& at) const {
    return parse_project(fs::read_file(at / "mlship.toml"), "mlship.toml", at, {});
  }
  [[nodiscard]] Project project() const { return project(folder()); }

  void toml(const std::string& text) { write(folder() / "mlship.toml", text); }
  void add_toml(const std::string& text) { toml(fs::read_file(folder() / "mlship.toml") + text); }

  std::string git(const std::vector<std::string>& arguments, const Path& at) {
    ProcessRequest request{{"git"}, at, {}, {}, std::chrono::seconds(60)};
    request.argv.insert(request.argv.end(), arguments.begin(), arguments.end());
    request.environment = {{"GIT_CONFIG_GLOBAL", "/dev/null"}, {"GIT_CONFIG_SYSTEM", "/dev/null"},
                           {"GIT_AUTHOR_NAME", "a"},           {"GIT_AUTHOR_EMAIL", "a@index.test"},
                           {"GIT_COMMITTER_NAME", "a"},        {"GIT_COMMITTER_EMAIL", "a@index.test"}};
    const auto result = process_->run(request);
    EXPECT_EQ(result.exit, 0) << result.err;
    return result.out.substr(0, result.out.find_last_not_of('\n') + 1);
  }
  std::string git(const std::vector<std::string>& arguments) { return git(arguments, folder()); }
  // Everything that is not ignored; the first call makes the repository.
  void commit(const std::string& message = "change") {
    if (!fs::exists(folder() / ".git")) git({"init", "-q", "-b", "main"});
    git({"add", "-A"});
    git({"commit", "-q", "--allow-empty", "-m", message});
  }

  BuildResult build(const Path& at, BuildOptions options = {}) {
    options.offline = true;
    return mlship::build(project(at), options, host_, quiet_);
  }
  BuildResult build(BuildOptions options = {}) { return build(folder(), std::move(options)); }

  std::string toml_ =
      "[package]\nname = \"Churn\"\nversion = \"1.4.0\"\n\n[code]\nroot = \"src\"\ninclude = "
      "[\"churn/**\"]\nentry-points = { score = \"churn.score:main\" }\n\n[[models]]\nname = "
      "\"classifier\"\npath = \"models/classifier.safetensors\"\n";

  fs::TempFolder temporary_{std::filesystem::temp_directory_path(), "mlship-test-"};
  Env env_{{{"HOME", (temporary_.path() / "home").string()}}};
  mlship::testing::ManualClock clock_;
  mlship::testing::ScriptedHttp http_;
  std::unique_ptr<Process> process_ = system_process();
  Host host_{env_, clock_, http_, *process_};
  Quiet quiet_;
};

}  // namespace mlship::test
