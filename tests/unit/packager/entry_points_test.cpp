#include "packager/entry_points.h"

#include <map>

#include <gtest/gtest.h>

#include "core/error.h"

namespace mlship {
namespace {

class MemoryTree : public SourceTree {
 public:
  explicit MemoryTree(std::map<std::string, std::string> texts) : texts_(std::move(texts)) {
    for (const auto& [path, text] : texts_) {
      SourceFile file;
      file.path = path;
      file.size = text.size();
      files_.push_back(file);
    }
  }
  [[nodiscard]] const std::vector<SourceFile>& files() const override { return files_; }
  using SourceTree::read;
  void read(const SourceFile& file, std::string& into) const override {
    into = texts_.at(std::string(file.path));
  }
  [[nodiscard]] std::string commit() const override { return ""; }

 private:
  std::map<std::string, std::string> texts_;
  std::vector<SourceFile> files_;
};

// "" when it may be there, else why not.
std::string refused(const std::string& target, const std::string& text, bool dependencies = false) {
  Project project;
  project.package.emplace();
  project.package->name = "churn";
  project.code.emplace();
  project.code->entry_points = {{"score", target}};
  if (dependencies) project.dependencies.emplace();
  try {
    check_entry_points(project, MemoryTree({{"churn/__init__.py", ""}, {"churn/score.py", text}}));
    return "";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::project_file);
    return e.message().substr(e.message().find(", and ") + 6);
  }
}

TEST(EntryPoints, AModuleOfTheCodeHasToBeThere) {
  EXPECT_EQ(refused("churn.score:main", "def main():\n  pass\n"), "");
  EXPECT_EQ(refused("churn.scor:main", ""),
            "the code has no module churn.scor (did you mean 'churn.score'?)");
  EXPECT_EQ(refused("churn.scor:main", "", true),
            "the code has no module churn.scor (did you mean 'churn.score'?)");
  EXPECT_EQ(refused("other:main", ""), "the code has no module other");
  EXPECT_EQ(refused("other:main", "", true), "");  // of a dependency
}

TEST(EntryPoints, AFunctionHasToBeDefinedImportedOrMadeSomehow) {
  const std::string target = "churn.score:main";
  for (const auto* text :
       {"async def main():\n", "class main:\n", "main = app\n", "from churn.app import (\n    main,\n)\n",
        "from churn.app import *\n", "try:\n    import fast as main\nexcept ImportError:\n    main = None\n",
        "def __getattr__(name):\n    return 1\n", "globals()['ma' 'in'] = 1\n"}) {
    EXPECT_EQ(refused(target, text), "") << text;
  }
  EXPECT_EQ(refused("churn.score:main.run", "class main:\n"), "");
  EXPECT_EQ(refused("churn.score:mian", "def main():\n    pass\n"),
            "churn/score.py defines no 'mian' (did you mean 'main'?)");
  EXPECT_EQ(refused(target, "class App:\n    def main(self):\n        return main\n"),
            "churn/score.py defines no 'main'");
  EXPECT_EQ(refused(target, "# main\ndef domain():\n    main()\n"),
            "churn/score.py defines no 'main' (did you mean 'domain'?)");
}

}  // namespace
}  // namespace mlship
