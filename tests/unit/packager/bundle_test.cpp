#include "packager/bundle.h"

#include <functional>

#include <sys/stat.h>

#include "packager/machine.h"
#include "tests/support/packager_fixture.h"

namespace mlship {
namespace {

using test::error_of;
using test::safetensors;
using test::write;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

class BundleTest : public test::ProjectTest {
 protected:
  Bundle built() { return open_bundle(build().layout); }
  // Replaces the manifest of the bundle by one that was tampered with, consistently.
  static void replace(const Bundle& bundle, const oci::Manifest& manifest) {
    auto entry = bundle.layout.write_blob(oci::serialize(manifest), oci::media::manifest);
    entry.artifact_type = manifest.artifact_type;
    bundle.layout.write_index({entry});
  }
  static void damage(const Path& file) {
    std::string content = fs::read_file(file);
    content[content.size() / 2] ^= 1;
    write(file, content);
  }
};

TEST_F(BundleTest, BundleJsonSurvivesTheWayOutAndBack) {
  const auto bundle = built();
  const Json json = to_json(bundle.info);
  EXPECT_EQ(to_json(parse_bundle_info(canonical_json(json), "bundle.json")), json);
  EXPECT_EQ(bundle.info.version.str(), "1.4.0");
  EXPECT_EQ(bundle.info.models[0].paths, std::vector<std::string>{"models/classifier.safetensors"});
}

TEST_F(BundleTest, ABrokenBundleJsonIsRefusedByField) {
  const Json good = to_json(built().info);
  for (const auto& [key, value] : good.items()) {
    Json bad = good;
    bad.erase(key);
    EXPECT_TRUE(has(error_of([&] { parse_bundle_info(bad.dump(), "x"); }).message(), key));
    bad[key] = Json::array({Json::array()});
    EXPECT_EQ(error_of([&] { parse_bundle_info(bad.dump(), "x"); }).code(), ErrorCode::bundle) << key;
  }
  Json newer = good;
  newer["schema"] = 2;
  EXPECT_TRUE(has(error_of([&] { parse_bundle_info(newer.dump(), "x"); }).message(), "newer"));
}

TEST_F(BundleTest, OpensByDigestToo) {
  const auto bundle = built();
  EXPECT_EQ(open_bundle(bundle.layout.folder(), bundle.digest).digest, bundle.digest);
  EXPECT_THROW(open_bundle(bundle.layout.folder(), sha256("other")), Error);
  EXPECT_EQ(error_of([&] { open_bundle(root() / "absent"); }).code(), ErrorCode::not_found);
  EXPECT_EQ(error_of([&] { open_bundle(folder()); }).code(), ErrorCode::bundle);
}

TEST_F(BundleTest, RefusesManifestsOutsideTheProfile) {
  const auto bundle = built();
  using Change = std::function<void(oci::Manifest&)>;
  const auto title = [](oci::Descriptor& d, const std::string& path) {
    d.annotations = {{oci::annotation::title, path}, {oci::annotation::filepath, path}};
  };
  const Change changes[] = {
      [](oci::Manifest& m) { m.layers.clear(); },
      [](oci::Manifest& m) { std::swap(m.layers[0], m.layers[1]); },
      [](oci::Manifest& m) { m.layers[1].annotations.clear(); },
      [](oci::Manifest& m) { m.layers[1].annotations[oci::annotation::title] = "else"; },
      [](oci::Manifest& m) { m.layers[1].media_type = "application/x"; },
      [&](oci::Manifest& m) { title(m.layers[2], "code.tar"); },
      [](oci::Manifest& m) { m.layers[2].digest = m.layers[1].digest; },
      [&](oci::Manifest& m) { title(m.layers[2], "../outside"); },
      [&](oci::Manifest& m) { title(m.layers[2], "/etc/passwd"); },
      [](oci::Manifest& m) { m.artifact_type = "application/x"; },
      [](oci::Manifest& m) { m.config.media_type = "application/x"; },
  };
  for (const auto& change : changes) {
    oci::Manifest manifest = bundle.manifest;
    change(manifest);
    replace(bundle, manifest);
    EXPECT_THROW(open_bundle(bundle.layout.folder()), Error) << oci::serialize(manifest);
  }
}

TEST_F(BundleTest, VerifyFindsAFlippedByteInAnyBlob) {
  const auto good = verify_bundle(built());
  EXPECT_EQ(good.blobs, 5U);
  EXPECT_GT(good.bytes, 0U);
  const auto layers = built().manifest.layers;
  for (const auto& layer : layers) {
    write(folder() / "src/churn/score.py", fs::read_file(folder() / "src/churn/score.py"));  // builds anew
    const auto bundle = built();
    damage(bundle.layout.blob_path(layer.digest));
    const Error e = error_of([&] { verify_bundle(bundle); });
    EXPECT_EQ(e.code(), ErrorCode::verification);
    EXPECT_TRUE(has(e.message(), layer.title())) << e.message();
    std::filesystem::remove(bundle.layout.blob_path(layer.digest));
    EXPECT_TRUE(has(error_of([&] { verify_bundle(bundle); }).message(), "missing"));
  }
}

TEST_F(BundleTest, VerifyHoldsBundleJsonAgainstTheFiles) {
  auto bundle = built();
  const auto refused = [&](const BundleInfo& info) {
    Bundle changed = bundle;
    changed.info = info;
    return error_of([&] { verify_bundle(changed); }).message();
  };
  BundleInfo info = bundle.info;
  info.outputs[0].digest = sha256("other");
  EXPECT_TRUE(has(refused(info), "churn-1.4.0-py3-none-any.whl"));
  info = bundle.info;
  info.outputs.clear();
  EXPECT_TRUE(has(refused(info), "not named in bundle.json"));
  info = bundle.info;
  info.models[0].header["parameters"] = 7;
  EXPECT_TRUE(has(refused(info), "models/classifier.safetensors"));
  info = bundle.info;
  info.dependencies.push_back({"numpy", "1.26.4", "numpy-1.26.4-py3-none-any.whl", "", 1, sha256("n"), {}});
  EXPECT_TRUE(has(refused(info), "missing"));
}

TEST(Machine, WheelsDecideWhatFits) {
  const Machine here{"x86_64", 2, 36};
  const auto fit = [&](const std::string& file, const std::string& machine = "x86_64") {
    BundleInfo info;
    Platform platform;
    platform.name = "p";
    platform.machine = machine;
    info.platforms = {platform};
    info.dependencies = {{"a", "1", file, "", 1, {}, {"p"}}};
    return fitting_platform(info, here) != nullptr;
  };
  EXPECT_TRUE(fit("a-1-py3-none-any.whl"));
  EXPECT_TRUE(fit("a-1-cp311-cp311-manylinux_2_28_x86_64.whl"));
  EXPECT_TRUE(fit("a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"));
  EXPECT_TRUE(fit("a-1-cp311-cp311-linux_x86_64.whl"));
  EXPECT_FALSE(fit("a-1-cp311-cp311-manylinux_2_39_x86_64.whl"));
  EXPECT_FALSE(fit("a-1-cp311-cp311-manylinux_2_28_aarch64.whl"));
  EXPECT_FALSE(fit("a-1-cp311-cp311-musllinux_1_2_x86_64.whl"));
  EXPECT_FALSE(fit("a-1-py3-none-any.whl", "aarch64"));
  EXPECT_FALSE(this_machine().name.empty());
}

// The platforms that a bundle names, in this order; nothing but pure wheels.
std::string chosen(const std::vector<std::string>& platforms, const Machine& machine) {
  BundleInfo info;
  info.package = info.name = "churn";
  info.version = *Version::parse("1.0");
  for (const auto& name : platforms) info.platforms.push_back(load_platform(name, {}));
  info.dependencies = {{"a", "1", "a-1-py3-none-any.whl", "", 1, {}, platforms}};
  // As a host reads it.
  const BundleInfo read = parse_bundle_info(canonical_json(to_json(info)), "bundle.json");
  const Platform* found = fitting_platform(read, machine);
  return found == nullptr ? "" : found->name;
}

TEST(Machine, SystemAndLibcDecideWhateverTheOrder) {
  const Machine glibc{"x86_64", 2, 36}, musl{"x86_64", 0, 0}, arm{"aarch64", 2, 36};
  const std::string mac = "cp311-macosx_11_0_x86_64", linux = "cp311-manylinux_2_28_x86_64",
                    alpine = "cp311-musllinux_1_2_x86_64";
  EXPECT_EQ(chosen({mac, alpine, linux}, glibc), linux);
  EXPECT_EQ(chosen({linux, mac, alpine}, glibc), linux);
  EXPECT_EQ(chosen({mac, linux, alpine}, musl), alpine);
  EXPECT_EQ(chosen({mac, "cp311-win_amd64", alpine}, glibc), "");
  EXPECT_EQ(chosen({alpine, "databricks-15.4"}, glibc), "databricks-15.4");
  EXPECT_EQ(chosen({"cp311-macosx_11_0_arm64", "aws-lambda-python3.12-arm64"}, arm),
            "aws-lambda-python3.12-arm64");
}

TEST(Machine, ABundleSaysOfAFileWhichSystemItMeans) {
  const fs::TempFolder folder(std::filesystem::temp_directory_path());
  const auto file = [&](const std::string& system, const std::string& tags) {
    fs::write_atomic(folder.path() / (system + ".json"),
                     R"({"marker_environment":{"python_version":"3.11","python_full_version":"3.11.4",)"
                     R"("platform_machine":"x86_64","sys_platform":"x"},"compatible_tags":[)" +
                         tags + "]}");
    BundleInfo info;
    info.package = info.name = "churn";
    info.version = *Version::parse("1.0");
    info.platforms = {load_platform(system + ".json", folder.path())};
    return parse_bundle_info(canonical_json(to_json(info)), "bundle.json");
  };
  const Machine glibc{"x86_64", 2, 36}, musl{"x86_64", 0, 0};
  const auto mac = file("mac", R"("cp311-cp311-macosx_14_0_x86_64","py3-none-any")");
  const auto linux = file("linux", R"("cp311-cp311-linux_x86_64","cp311-cp311-manylinux_2_35_x86_64")");
  const auto alpine = file("alpine", R"("cp311-cp311-linux_x86_64","cp311-cp311-musllinux_1_2_x86_64")");
  EXPECT_EQ(fitting_platform(mac, glibc), nullptr);
  EXPECT_NE(fitting_platform(linux, glibc), nullptr);
  EXPECT_EQ(fitting_platform(linux, musl), nullptr);
  EXPECT_NE(fitting_platform(alpine, musl), nullptr);
  EXPECT_EQ(fitting_platform(alpine, glibc), nullptr);
}

class Tree : public BundleTest {
 protected:
  Path tree_ = root() / "tree";
  Digest digest_;

  void make() {
    const auto bundle = built();
    digest_ = bundle.digest;
    EXPECT_TRUE(bundle.release().has_tree);
    make_tree(bundle, tree_, Env(), *process_);
  }
  std::string check() { return check_tree(tree_, digest_); }
};

TEST_F(Tree, IsMadeRunsAndIsChecked) {
  make();
  std::string files;
  for (const auto& path : fs::walk(tree_)) {
    files += path.string() + (fs::lstat(tree_ / path)->executable() ? "* " : " ");
  }
  EXPECT_TRUE(has(files, ".mlship/bundle.json .mlship/tree.json bin/python* bin/python3* bin/score* "))
      << files;
  EXPECT_TRUE(has(files, "lib/churn/__init__.py lib/churn/score.py "));
  EXPECT_TRUE(has(files, " models/classifier.safetensors "));
  EXPECT_EQ(fs::stat(tree_)->mode, 0755U);
  EXPECT_EQ(fs::stat(tree_ / "models/classifier.safetensors")->mode, 0644U);
  EXPECT_EQ(fs::stat(tree_ / "models/classifier.safetensors")->links, 1U);
  EXPECT_EQ(check(), "");
  std::filesystem::create_directory_symlink(tree_, root() / "current");
  const auto ran =
      process_->run({{(root() / "current/bin/score").string()}, "/", {}, {}, std::chrono::seconds(60)});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(ran.out, "scored " + std::to_string(safetensors('a').size()) + "\n");
  EXPECT_EQ(check(), "") << "Python's cache files are no part of the tree";
}

TEST_F(Tree, IsTheSameWhateverTheUmask) {
  const mode_t old = umask(0077);
  make();
  umask(old);
  EXPECT_EQ(fs::stat(tree_ / "lib/churn")->mode, 0755U);
  EXPECT_EQ(fs::stat(tree_ / "lib/churn/score.py")->mode, 0644U);
  EXPECT_EQ(fs::stat(tree_ / "bin/score")->mode, 0755U);
}

TEST_F(Tree, EveryDifferenceIsFound) {
  make();
  const auto differs = [&](const std::string& what, const std::function<void()>& change) {
    std::filesystem::remove_all(tree_);
    make();
    change();
    EXPECT_TRUE(has(check(), what)) << check();
  };
  differs("other content", [&] { damage(tree_ / "lib/churn/score.py"); });
  differs("size", [&] { write(tree_ / "lib/churn/score.py", ""); });
  differs("missing", [&] { std::filesystem::remove(tree_ / "models/classifier.safetensors"); });
  differs("does not belong", [&] { write(tree_ / "lib/churn/extra.py", ""); });
  differs("mode", [&] { fs::set_mode(tree_ / "bin/score", 0644); });
  differs("not a file", [&] {
    std::filesystem::rename(tree_ / "lib/churn/score.py", root() / "moved");
    std::filesystem::create_symlink(root() / "moved", tree_ / "lib/churn/score.py");
    EXPECT_FALSE(check().empty());
  });
  differs("tree.json", [&] { std::filesystem::remove(tree_ / ".mlship/tree.json"); });
  differs("damaged", [&] {
    write(tree_ / ".mlship/tree.json", R"({"schema":"mlship.tree/1","digest":")" + digest_.str() + "\"}");
  });
  EXPECT_TRUE(has(check_tree(root() / "absent", digest_), "there is no"));
  std::filesystem::remove_all(tree_);
  make();
  EXPECT_TRUE(has(check_tree(tree_, sha256("other")), "another bundle"));
}

TEST_F(Tree, WithoutAWheelTheCodeComesFromItsTar) {
  add_toml("\n[outputs]\nwheel = false\n\n[[models]]\nname = \"all\"\npath = \"weights\"\n");
  write(folder() / "weights/run.sh", "#!/bin/sh\n", 0755);
  write(folder() / "weights/empty", "");
  make();
  EXPECT_TRUE(fs::exists(tree_ / "lib/churn/score.py"));
  EXPECT_TRUE(fs::stat(tree_ / "models/weights/run.sh")->executable());
  EXPECT_TRUE(fs::exists(tree_ / "models/weights/empty"));
  EXPECT_EQ(check(), "");
}

TEST_F(Tree, RefusesADamagedBundleAndAFolderThatExists) {
  const auto bundle = built();
  fs::make_folders(tree_);
  EXPECT_THROW(make_tree(bundle, tree_, Env(), *process_), Error);
  std::filesystem::remove(tree_);
  damage(bundle.layout.blob_path(bundle.manifest.layers[2].digest));
  EXPECT_EQ(error_of([&] { make_tree(bundle, tree_, Env(), *process_); }).code(), ErrorCode::verification);
}

TEST_F(Tree, ABundleForOtherMachinesSaysSo) {
  const std::string other = this_machine().name == "aarch64" ? "x86_64" : "aarch64";
  const std::string target = "cp311-manylinux_2_28_" + other;
  add_toml("\n[dependencies]\nlock = \"requirements.lock\"\ntargets = [\"" + target + "\"]\n");
  write(folder() / "requirements.lock", "");
  const auto bundle = built();
  EXPECT_FALSE(bundle.release().has_tree);
  const Error e = error_of([&] { make_tree(bundle, tree_, Env(), *process_); });
  EXPECT_EQ(e.code(), ErrorCode::wheel);
  EXPECT_EQ(e.facts()[0].value, target);
  EXPECT_FALSE(fs::exists(tree_));
}

}  // namespace
}  // namespace mlship
