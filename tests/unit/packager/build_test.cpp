#include <array>

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/json_library.h"
#include "core/oci.h"
#include "packager/build_layers.h"
#include "packager/tar.h"
#include "tests/support/packager_fixture.h"

namespace mlship {
namespace {

using test::error_of;
using test::safetensors;
using test::write;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

class Build : public test::ProjectTest {
 protected:
  static std::string paths(const BuildResult& result) {
    std::string out;
    for (const auto& layer : result.layers) out += layer.path + " ";
    return out;
  }
  static std::string tar_paths(const BuildResult& result, const std::string& tar) {
    std::string out;
    for (const auto& layer : result.layers) {
      if (layer.path != tar) continue;
      for (const auto& e : list_tar(oci::Layout(result.layout).blob_path(layer.digest))) {
        out += e.path + (e.executable ? "* " : " ");
      }
    }
    return out;
  }
  // Every file below dist/ with its inode and times: what a build that writes nothing leaves alone.
  [[nodiscard]] std::string state() const {
    std::string out;
    for (const auto& path : fs::walk(folder())) {
      const auto s = *fs::lstat(folder() / path);
      out += path.string() + " " + std::to_string(s.inode) + " " + std::to_string(s.mtime_ns) + " " +
             std::to_string(s.ctime_ns) + "\n";
    }
    return out;
  }
};

TEST_F(Build, MakesALayoutInTheProfile) {
  commit();
  const auto result = build();
  EXPECT_EQ(result.name, "Churn");
  EXPECT_EQ(result.layout, folder() / "dist/Churn-1.4.0");
  EXPECT_EQ(paths(result),
            ".mlship/bundle.json code.tar models/classifier.safetensors "
            ".mlship/outputs/wheel/churn-1.4.0-py3-none-any.whl ");
  EXPECT_EQ(tar_paths(result, "code.tar"), "churn/__init__.py churn/score.py ");
  const auto bundle = open_bundle(result.layout);
  EXPECT_EQ(bundle.digest, result.digest);
  EXPECT_EQ(bundle.info.package, "churn");
  EXPECT_EQ(bundle.info.entry_points.at("score"), "churn.score:main");
  EXPECT_EQ(bundle.info.models[0].header["format"], "safetensors");
  EXPECT_EQ(bundle.info.outputs[0].digest, result.outputs[0].digest);
  const auto index = oci::Layout(result.layout).index();
  ASSERT_EQ(index.size(), 1U);
  EXPECT_EQ(index[0].annotations.at(oci::annotation::ref_name), "1.4.0");
  EXPECT_EQ(index[0].artifact_type, oci::media::model_manifest);
  const auto config =
      parse_json(bundle.layout.read_blob(bundle.manifest.config.digest), ErrorCode::bundle, "");
  EXPECT_EQ(config["descriptor"]["name"], "churn");
  EXPECT_EQ(config["config"]["format"], "safetensors");
  EXPECT_EQ(config["modelfs"]["diffIds"].size(), result.layers.size());
  // Nothing is left of the work.
  EXPECT_EQ(fs::list(folder() / "dist"), (std::vector<std::string>{"Churn-1.4.0", "Churn-1.4.0.build.json"}));
}

TEST_F(Build, SaysNothingOfTimeHostUserOrCommit) {
  commit();
  const auto result = build();
  const auto bundle = open_bundle(result.layout);
  const std::string said = bundle.manifest_bytes + bundle.layout.read_blob(result.layers[0].digest) +
                           bundle.layout.read_blob(bundle.manifest.config.digest);
  for (const auto& word : {folder().string(), git({"rev-parse", "HEAD"}), std::string("2026"), env_.host()}) {
    EXPECT_FALSE(has(said, word)) << word;
  }
}

TEST_F(Build, OneCommitOneDigest) {
  commit();
  const Digest digest = build().digest;
  git({"clone", "-q", folder().string(), (root() / "a folder é").string()}, root());
  const Path copy = root() / "a folder é";
  for (const auto& path : fs::walk(copy / "src")) {
    std::filesystem::last_write_time(copy / "src" / path, std::filesystem::file_time_type());
  }
  setenv("TZ", "Pacific/Kiritimati", 1);
  const mode_t old = umask(0077);
  EXPECT_EQ(build(copy).digest, digest);
  umask(0);
  EXPECT_EQ(build(copy, {"", false, false, {}, false}).digest, digest);
  umask(old);
  unsetenv("TZ");
  // Without git, from the files.
  std::filesystem::remove_all(copy / ".git");
  EXPECT_EQ(build(copy, {"", false, false, {}, false}).digest, digest);
}

TEST_F(Build, OnlyContentMakesTheDigest) {
  commit();
  const Digest digest = build().digest;
  write(folder() / "README.md", "# changed\n");
  commit();
  const auto again = build();
  EXPECT_EQ(again.digest, digest);
  EXPECT_EQ(read_build_record(again.layout)->commit, git({"rev-parse", "HEAD"}));
  write(folder() / "src/churn/score.py", "def main():\n    pass\n");
  commit();
  const auto changed = build();
  EXPECT_NE(changed.digest, digest);
  EXPECT_EQ(changed.layout, again.layout);
  EXPECT_EQ(open_bundle(changed.layout).digest, changed.digest);
}

TEST_F(Build, OneChangedSourceFileKeepsTheOtherLayers) {
  commit();
  const auto before = build();
  write(folder() / "src/churn/score.py", "def main():\n    pass\n");
  commit();
  const auto after = build();
  for (size_t i = 0; i < before.layers.size(); ++i) {
    EXPECT_EQ(before.layers[i].digest == after.layers[i].digest, before.layers[i].kind == "model");
  }
}

TEST_F(Build, RefusesADirtyTreeAndListsIt) {
  commit();
  write(folder() / "src/churn/score.py", "changed\n");
  for (int i = 0; i < 7; ++i) write(folder() / "src/churn" / ("new" + std::to_string(i) + ".py"), "");
  const Error e = error_of([&] { build(); });
  EXPECT_EQ(e.code(), ErrorCode::dirty_tree);
  ASSERT_EQ(e.facts().size(), 6U);
  EXPECT_EQ(e.facts()[0].value, "src/churn/new0.py");
  EXPECT_EQ(e.facts()[5].value, "3 more");
  EXPECT_TRUE(has(e.hint_text(), "--allow-dirty"));
  EXPECT_FALSE(fs::exists(folder() / "dist"));
}

TEST_F(Build, WhatIsNotShippedIsNotDirty) {
  commit();
  const Digest digest = build().digest;
  write(folder() / "README.md", "changed");
  write(folder() / "notes.txt", "");
  write(folder() / "src/scratch.py", "");
  EXPECT_EQ(build().digest, digest);
  write(folder() / "models/classifier.safetensors", safetensors('b'));
  EXPECT_NE(build().digest, digest);
  add_toml("# changed\n");
  EXPECT_EQ(error_of([&] { build(); }).facts().at(0).value, "mlship.toml");
}

TEST_F(Build, ADirtyBuildHasWhatACommitOfEverythingWouldHave) {
  write(folder() / ".gitignore", "dist/\n*.env\n.ipynb_checkpoints/\nvenv\n!keep.env\n");
  write(folder() / "src/churn/tracked.env", "x");
  commit();
  git({"add", "-f", "src/churn/tracked.env"});
  git({"commit", "-qm", "tracked all the same"});
  for (const auto* name : {"local.env", ".ipynb_checkpoints/a.py", "venv/lib/x.py", "keep.env", "new.py"}) {
    write(folder() / "src/churn" / name, name);
  }
  std::filesystem::create_symlink("/usr/bin/env", folder() / "src/churn/venv/python");
  const auto built = build({"", true, false, {}, true});
  EXPECT_EQ(tar_paths(built, "code.tar"),
            "churn/__init__.py churn/keep.env churn/new.py churn/score.py churn/tracked.env ");
  // Rules of this machine alone count too, and end the reuse.
  write(folder() / ".git/info/exclude", "new.py\n");
  EXPECT_EQ(tar_paths(build({"", true, false, {}, true}), "code.tar"),
            "churn/__init__.py churn/keep.env churn/score.py churn/tracked.env ");
}

TEST_F(Build, AProjectFileThatGitOverlooksIsAChange) {
  write(folder() / "pyproject.toml", "[project]\nname = \"churn\"\n");
  commit();
  const Digest digest = build().digest;
  for (const std::string flag : {"skip-worktree", "assume-unchanged"}) {
    git({"update-index", "--" + flag, "mlship.toml"});
    add_toml("# local\n");
    const Error e = error_of([&] { build(); });
    EXPECT_EQ(e.code(), ErrorCode::dirty_tree) << flag;
    EXPECT_EQ(e.facts().at(0).value, "mlship.toml");
    EXPECT_TRUE(read_build_record(build({"", true, false, {}, false}).layout)->dirty);
    git({"update-index", "--no-" + flag, "mlship.toml"});
    git({"checkout", "-q", "mlship.toml"});
  }
  EXPECT_EQ(build({"", false, false, {}, false}).digest, digest);
}

TEST_F(Build, AModelFolderIsShippedWithoutWhatNobodyMeansByIt) {
  toml("[package]\nname = \"Churn\"\nversion = \"1.4.0\"\n\n[[models]]\nname = \"net\"\npath = \"models\"\n");
  commit();
  const Digest digest = build().digest;
  for (const auto* name :
       {".git/config", "sub/.git", ".hg/hgrc", ".svn/entries", "__pycache__/a.cpython-311.pyc", "code/b.pyc",
        ".env", ".env.production", ".aws/credentials", "x/.netrc"}) {
    write(folder() / "models" / name, "s3cret\n");
  }
  EXPECT_EQ(build().digest, digest);
  write(folder() / "models/.gitattributes", "*.bin filter=lfs\n");
  EXPECT_NE(build().digest, digest);
}

TEST_F(Build, AllowDirtyMarksTheVersion) {
  commit();
  build();
  write(folder() / "src/churn/score.py", "main = 'changed'\n");
  const auto one = build({"", true, false, {}, true});
  EXPECT_TRUE(one.version.str().starts_with("1.4.0.dev0+dirty.")) << one.version.str();
  EXPECT_EQ(one.version.str().size(), std::string("1.4.0.dev0+dirty.").size() + 12);
  EXPECT_LT(one.version, *Version::parse("1.4.0"));
  EXPECT_TRUE(read_build_record(one.layout)->dirty);
  EXPECT_EQ(build({"", true, false, {}, false}).version, one.version);
  write(folder() / "src/churn/score.py", "main = 'changed again'\n");
  EXPECT_NE(build({"", true, false, {}, true}).version, one.version);
}

TEST(DirtyVersion, SortsBelowTheVersionItComesFrom) {
  const Digest tree = sha256("x");
  for (const auto* text : {"1.4.0", "1.4.0rc1", "1.4.0.post1", "2!1.0", "1.4.0+cu118"}) {
    const auto version = *Version::parse(text);
    EXPECT_LT(dirty_version(version, tree), version) << text;
  }
  for (const auto* text : {"1.4.0", "1.4.0-rc.1", "1.4.0-alpha", "1.4.0+build"}) {
    const auto version = *Version::parse(text, Scheme::semver);
    EXPECT_LT(dirty_version(version, tree), version) << text;
  }
}

TEST(DirtyVersion, TwoTreesAreTwoVersions) {
  for (const auto* text : {"1.4.0", "1.4.0-rc.1", "1.4.0+build.7"}) {
    const auto version = *Version::parse(text, Scheme::semver);
    const auto one = dirty_version(version, sha256("x"));
    EXPECT_NE(one, dirty_version(version, sha256("y"))) << text;
    EXPECT_TRUE(Version::parse(one.str())) << one.str();  // a wheel's version is PEP 440's
  }
}

TEST_F(Build, AVersionThatNoTagCanHoldIsRefused) {
  const auto with = [&](const std::string& version) {
    toml("[package]\nname = \"Churn\"\nversion = \"" + version + "\"\n\n[code]\nroot = \"src\"\n");
  };
  for (const std::string& version : {"1.0+" + std::string(125, 'a'), "1!1.0+" + std::string(122, 'b'),
                                     "1.0+" + std::string(111, 'c') + ".branch.name.7"}) {
    with(version);
    const Error e = error_of([&] { build(); });
    EXPECT_EQ(e.code(), ErrorCode::version) << version;
    EXPECT_TRUE(has(e.facts().at(1).value, "129")) << e.facts().at(1).value;
    EXPECT_EQ(e.facts().at(2).value, "mlship.toml:3");
  }
  with("1.0+" + std::string(124, 'a'));
  EXPECT_NO_THROW(build());
  // The mark of a dirty tree makes it longer.
  with("1.0+" + std::string(110, 'a'));
  commit();
  write(folder() / "src/churn/score.py", "changed\n");
  EXPECT_EQ(error_of([&] { build({"", true, false, {}, false}); }).code(), ErrorCode::version);
}

TEST_F(Build, ANoOpBuildWritesNothingAndIsReused) {
  commit();
  const auto first = build();
  EXPECT_FALSE(first.reused);
  const std::string before = state();
  const auto second = build();
  EXPECT_TRUE(second.reused);
  EXPECT_EQ(state(), before);
  EXPECT_EQ(second.digest, first.digest);
  EXPECT_EQ(second.layout, first.layout);
  EXPECT_EQ(paths(second), paths(first));
  ASSERT_EQ(second.outputs.size(), 1U);
  EXPECT_EQ(second.outputs[0].filename, first.outputs[0].filename);
}

TEST_F(Build, AnyChangeEndsTheReuse) {
  commit();
  build();
  const auto reused = [&] { return build().reused; };
  ASSERT_TRUE(reused());
  write(folder() / "models/classifier.safetensors", safetensors('b'));
  EXPECT_FALSE(reused());
  ASSERT_TRUE(reused());
  commit("new commit");
  EXPECT_FALSE(reused());
  ASSERT_TRUE(reused());
  const auto result = build();
  std::filesystem::remove(oci::Layout(result.layout).blob_path(result.layers[1].digest));
  EXPECT_FALSE(reused());
  ASSERT_TRUE(reused());
  write(folder() / "src/churn/new.py", "");
  EXPECT_EQ(error_of([&] { build(); }).code(), ErrorCode::dirty_tree);
}

TEST_F(Build, AFileGitIgnoresMayCeaseToBe) {
  write(folder() / ".gitignore", "dist/\n_version.py\n");
  write(folder() / "src/churn/_version.py", "generated\n");
  commit();
  build();
  ASSERT_TRUE(build().reused);
  write(folder() / ".gitignore", "dist/\n");
  EXPECT_EQ(error_of([&] { build(); }).code(), ErrorCode::dirty_tree);
}

TEST_F(Build, ChangesWithinOneClockTickAreSeen) {
  // No pause anywhere: the same size, written as fast as the clock ticks.
  for (int i = 0; i < 5; ++i) {
    const std::string text = "main = " + std::to_string(i) + "\n";
    write(folder() / "src/churn/score.py", text);
    const auto result = build();
    const auto bundle = open_bundle(result.layout);
    const auto tar = list_tar(bundle.layout.blob_path(result.layers[1].digest));
    EXPECT_EQ(tar[1].digest, sha256(text));
  }
}

TEST_F(Build, AModelWrittenInPlaceAfterTheBuildIsDetected) {
  commit();
  const auto result = build();
  EXPECT_NO_THROW(check_unchanged(result.layout));
  const Path model = folder() / "models/classifier.safetensors";
  if (fs::stat(model)->links < 2) return;  // a reflink or a copy cannot change with the original
  // Only touched: the content is hashed and found the same.
  std::filesystem::last_write_time(model,
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_NO_THROW(check_unchanged(result.layout));
  const int fd = open(model.c_str(), O_WRONLY);
  ASSERT_EQ(pwrite(fd, "Z", 1, 70), 1);
  close(fd);
  const Error e = error_of([&] { check_unchanged(result.layout); });
  EXPECT_EQ(e.code(), ErrorCode::changed_since_build);
  EXPECT_TRUE(has(e.message(), "models/classifier.safetensors changed since the build; build again"));
  EXPECT_EQ(error_of([&] { verify_bundle(open_bundle(result.layout)); }).code(), ErrorCode::verification);
  // Building again repairs it.
  build();
  EXPECT_NO_THROW(check_unchanged(result.layout));
}

TEST_F(Build, AModelWrittenThroughAMemoryMapIsSeen) {
  const Path model = folder() / "models/classifier.safetensors";
  const size_t size = fs::read_file(model).size();
  commit();
  for (int round = 0; round < 3; ++round) {
    const int fd = open(model.c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_GE(fd, 0);
    auto* mapped = static_cast<char*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    ASSERT_NE(mapped, MAP_FAILED);
    mapped[size - 1] = static_cast<char>('0' + round);  // the page is dirty from here on
    build();
    mapped[size - 2] = static_cast<char>('A' + round);
    munmap(mapped, size);
    close(fd);
    const auto built = build();
    const Digest digest = fs::hash_file(model);
    EXPECT_EQ(fs::hash_file(oci::Layout(built.layout).blob_path(digest)), digest) << round;
  }
}

TEST_F(Build, WhatWasFoundDamagedIsBuiltAgain) {
  commit();
  const auto first = build();
  for (const size_t layer : {size_t{1}, size_t{2}, size_t{0}}) {
    const Path blob = oci::Layout(first.layout).blob_path(first.layers[layer].digest);
    const std::string right = fs::read_file(blob);
    const auto then = std::filesystem::last_write_time(blob);
    std::string wrong = right;
    wrong.back() = static_cast<char>(wrong.back() ^ 1);
    std::filesystem::remove(blob);
    write(blob, wrong);
    std::filesystem::last_write_time(blob, then);
    forget_build(first.layout);
    const auto again = build();
    EXPECT_FALSE(again.reused) << layer;
    EXPECT_EQ(again.digest, first.digest) << layer;
    EXPECT_EQ(fs::read_file(blob), right) << layer;
  }
}

TEST_F(Build, WhatAKilledBuildLeftIsRemovedByTheNext) {
  commit();
  const Path left = folder() / "dist/.mlship-work-killed000000",
             used = folder() / "dist/.mlship-work-running00000";
  write(left / "layout/blobs/sha256/x", "x");
  write(used / "layout/blobs/sha256/x", "x");
  const int fd = open(used.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_EQ(flock(fd, LOCK_EX), 0);
  build();
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(fs::exists(used));
  close(fd);
}

TEST_F(Build, NoDigestAndNoPathTwice) {
  add_toml("\n[[models]]\nname = \"all\"\npath = \"weights\"\n");
  write(folder() / "weights/copy.safetensors", safetensors('a'));  // the first model's bytes
  write(folder() / "weights/config.json", "{}");
  write(folder() / "weights/empty", "");
  write(folder() / "weights/run.sh", "#!/bin/sh\n", 0755);
  write(folder() / "weights/big1", std::string(2U << 20U, 'x'));
  write(folder() / "weights/big2", std::string(2U << 20U, 'x'));
  const auto result = build();
  EXPECT_EQ(paths(result),
            ".mlship/bundle.json code.tar files.tar models/classifier.safetensors models/weights/big1 "
            "models/weights/config.json .mlship/outputs/wheel/churn-1.4.0-py3-none-any.whl ");
  EXPECT_EQ(tar_paths(result, "code.tar"),
            "churn/__init__.py churn/score.py models/weights/copy.safetensors models/weights/empty "
            "models/weights/run.sh* ");
  EXPECT_EQ(tar_paths(result, "files.tar"), "models/weights/big2 ");
  const auto bundle = open_bundle(result.layout);
  EXPECT_EQ(bundle.manifest.layers[5].media_type, oci::media::weight_config_raw);
  EXPECT_NO_THROW(verify_bundle(bundle));
}

TEST_F(Build, RefusesTwoFilesWithOnePath) {
  write(folder() / "other/m.safetensors", safetensors('b'));
  write(folder() / "models/other/m.safetensors", safetensors('b'));
  add_toml(
      "\n[[models]]\nname = \"a\"\npath = \"other/m.safetensors\"\n\n[[models]]\nname = \"b\"\npath = "
      "\"models/other/m.safetensors\"\n");
  const Error e = error_of([&] { build(); });
  EXPECT_EQ(e.code(), ErrorCode::duplicate_path);
  EXPECT_TRUE(has(e.message(), "models/other/m.safetensors"));
  EXPECT_FALSE(fs::exists(folder() / "dist/Churn-1.4.0"));
}

TEST_F(Build, AModelMayLieOutsideTheProject) {
  write(root() / "elsewhere/best.safetensors", safetensors('c'));
  add_toml("\n[[models]]\nname = \"best\"\npath = \"../elsewhere/best.safetensors\"\n");
  EXPECT_TRUE(has(paths(build()), " models/best/best.safetensors "));
}

TEST_F(Build, TheReadmeIsADocumentWhenItIsNamed) {
  toml_.insert(toml_.find("\n\n[code]"), "\nreadme = \"README.md\"");
  toml(toml_);
  commit();
  const auto result = build();
  EXPECT_TRUE(has(paths(result), " README.md "));
  write(folder() / "README.md", "# changed\n");
  EXPECT_EQ(error_of([&] { build(); }).code(), ErrorCode::dirty_tree);
}

TEST_F(Build, BadInputIsRefusedBeforeAnythingIsWritten) {
  struct Case {
    std::string file, content;
    ErrorCode code;
  };
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
  const Case cases[] = {
      {"src/churn/data.bin", pointer, ErrorCode::lfs_pointer},
      {"models/classifier.safetensors", pointer, ErrorCode::lfs_pointer},
      {"models/classifier.safetensors", "short", ErrorCode::model},
      {"src/churn/new\nline.py", "", ErrorCode::source_tree},
  };
  for (const auto& c : cases) {
    const auto old = fs::read_if_exists(folder() / c.file);
    write(folder() / c.file, c.content);
    EXPECT_EQ(error_of([&] { build(); }).code(), c.code) << c.file;
    EXPECT_FALSE(fs::exists(folder() / "dist/Churn-1.4.0"));
    std::filesystem::remove(folder() / c.file);
    if (old) write(folder() / c.file, *old);
  }
  std::filesystem::remove(folder() / "models/classifier.safetensors");
  const Error e = error_of([&] { build(); });
  EXPECT_EQ(e.code(), ErrorCode::model);
  EXPECT_TRUE(has(e.message(), "models/classifier.safetensors"));
}

TEST_F(Build, ReplacesOnlyWhatItMayReplace) {
  write(root() / "out/precious", "");
  EXPECT_EQ(error_of([&] { build({root() / "out", false, false, {}, true}); }).code(), ErrorCode::usage);
  EXPECT_TRUE(fs::exists(root() / "out/precious"));
  const auto result = build({root() / "fresh/", false, false, {}, true});
  EXPECT_EQ(result.layout, root() / "fresh");
  EXPECT_TRUE(fs::exists(root() / "fresh/oci-layout"));
  EXPECT_TRUE(fs::exists(root() / "fresh.build.json"));
  write(folder() / "src/churn/score.py", "def main():\n    pass\n");
  EXPECT_NE(build({root() / "fresh", false, false, {}, true}).digest, result.digest);
}

TEST_F(Build, VersionsComeFromThreePlaces) {
  const auto version_with = [&](const std::string& text) {
    std::string changed = toml_;
    changed.replace(changed.find("\"1.4.0\""), 7, text);
    toml(changed);
    return project_version(project()).str();
  };
  EXPECT_EQ(version_with("\"1.4.0-rc1\""), "1.4.0rc1");
  EXPECT_EQ(version_with("{ file = \"src/churn/__init__.py\" }"), "1.4.0");
  write(folder() / "src/churn/__init__.py", "# __version__ = '0'\n__version__: str = '2.0.0'  # now\n");
  EXPECT_EQ(version_with("{ file = \"src/churn/__init__.py\" }"), "2.0.0");
  EXPECT_EQ(error_of([&] { version_with("{ file = \"README.md\" }"); }).code(), ErrorCode::version);
  EXPECT_EQ(error_of([&] { version_with("{ git-tag = \"v*\" }"); }).code(), ErrorCode::version);
  commit();
  git({"tag", "v3.1"});
  git({"tag", "model-4.0"});
  EXPECT_EQ(version_with("{ git-tag = \"v*\" }"), "3.1");
  EXPECT_EQ(version_with("{ git-tag = \"model-*\" }"), "4.0");
}

// Takes from root, while it lives, the right to write where the mode forbids it (capabilities(7)).
class LikeEverybody {
 public:
  LikeEverybody() {
    get(before_);
    auto now = before_;
    now[0].effective &= ~((1U << CAP_DAC_OVERRIDE) | (1U << CAP_DAC_READ_SEARCH));
    set(now);
  }
  ~LikeEverybody() { set(before_); }
  LikeEverybody(const LikeEverybody&) = delete;
  LikeEverybody& operator=(const LikeEverybody&) = delete;

 private:
  using Data = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;
  static __user_cap_header_struct header() { return {_LINUX_CAPABILITY_VERSION_3, 0}; }
  static void get(Data& data) {
    auto head = header();
    EXPECT_EQ(::syscall(SYS_capget, &head, data.data()), 0);
  }
  static void set(Data& data) {
    auto head = header();
    EXPECT_EQ(::syscall(SYS_capset, &head, data.data()), 0);
  }
  Data before_{};
};

TEST_F(Build, AReadOnlyProjectUsesTheUsersCache) {
  const LikeEverybody everybody;
  std::filesystem::permissions(folder(),
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  build({root() / "out", false, false, {}, true});
  EXPECT_TRUE(build({root() / "out", false, false, {}, true}).reused);
  std::filesystem::permissions(folder(), std::filesystem::perms::owner_all);
}

}  // namespace
}  // namespace mlship
