#include "packager/wheel.h"

#include "packager/tree_plan.h"
#include "packager/tree_python.h"
#include "packager/wheel_format.h"
#include "packager/zip.h"
#include "tests/unit/packager/archive_fixture.h"

namespace mlship::test {
namespace {

WheelMetadata churn_metadata() {
  WheelMetadata m;
  m.name = "Churn.Model";
  m.version = "1.4.0+gpu.1";
  m.description = "Predicts churn\nand: nothing else";
  m.license = "Apache-2.0";
  m.requires_python = ">=3.9";
  m.requires_dist = {"numpy>=1.26 ; python_version >= '3.9'"};
  m.long_description = "# Churn\n\nText.\n";
  m.long_description_type = "text/markdown";
  m.entry_points = {{"score", "churn.score:main"}};
  return m;
}

struct ZipMember {
  std::string path, content;
  bool executable = false;
};

std::string make_zip(const std::vector<ZipMember>& members) {
  std::string out;
  ZipWriter zip([&](std::string_view data) { out += data; });
  for (const auto& m : members) zip.add(m.path, m.content, m.executable);
  zip.finish();
  return out;
}

const std::vector<ZipMember>& churn_code() {
  static const std::vector<ZipMember> code{{"churn/score.py",
                                            "import sys\n"
                                            "def main():\n"
                                            "    print('score', sys.argv[1:])\n"
                                            "    return 3\n"},
                                           {"churn/__init__.py", ""},
                                           {"churn/a,b.txt", "comma"},
                                           {"churn/tool.sh", "#!/bin/sh\n", true}};
  return code;
}

struct BuiltWheel {
  std::string file_name, bytes;
};
BuiltWheel build_wheel(std::vector<ZipMember> code) {
  std::sort(code.begin(), code.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  BuiltWheel built;
  WheelWriter writer([&](std::string_view data) { built.bytes += data; });
  for (const auto& m : code) writer.add(m.path, m.content, m.executable);
  built.file_name = writer.finish(churn_metadata());
  return built;
}

// A wheel whose RECORD is right for `files`, unless `record` says otherwise.
struct Forged {
  std::vector<ZipMember> files{};
  std::string wheel = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
  std::string info = "p-1.0.dist-info";
  std::optional<std::string> record{};
  std::string extra_rows{};
  bool metadata = true;
};

std::string forge(Forged f) {
  f.files.push_back({f.info + "/WHEEL", f.wheel});
  if (f.metadata) f.files.push_back({f.info + "/METADATA", "Metadata-Version: 2.1\nName: p\nVersion: 1.0\n"});
  std::string rows;
  for (const auto& file : f.files) {
    rows += record_line({file.path, record_hash(sha256(file.content)), std::to_string(file.content.size())});
  }
  rows += f.info + "/RECORD,,\n" + f.extra_rows;
  f.files.push_back({f.info + "/RECORD", f.record.value_or(rows)});
  return make_zip(f.files);
}

class WheelTest : public ArchiveTest {
 protected:
  // All wheels given so far, in one tree that is made anew.
  std::map<std::string, PlannedFile> install(const std::string& bytes,
                                             const std::string& name = "p-1.0.whl") {
    wheels_.emplace_back(put(name, bytes), name);
    TreePlan plan("3.11");
    for (const auto& [file, shown] : wheels_) plan.add_wheel(file, shown);
    plan.finish();
    fs::remove_tree(tree());
    plan.write(tree());
    write_python(tree(), "/usr/bin/python3.11");
    warnings_ = plan.warnings();
    return plan.files();
  }
  [[nodiscard]] Path tree() const { return folder() / "tree"; }
  std::vector<std::pair<Path, std::string>> wheels_;
  std::vector<std::string> warnings_;
};

TEST_F(WheelTest, OneInputOneByteSequence) {
  const auto wheel = build_wheel(churn_code());
  EXPECT_EQ(wheel.bytes, build_wheel(churn_code()).bytes);
  EXPECT_EQ(wheel.file_name, "churn_model-1.4.0+gpu.1-py3-none-any.whl");
  EXPECT_EQ(sha256(wheel.bytes).str(),
            "sha256:c64f0f55ec4390d2815288baf7d6488e343b79006b326228fe8742335c83f3c3");
}

TEST_F(WheelTest, MetadataIsOneLinePerFact) {
  const auto wheel = build_wheel(churn_code());
  const ZipReader zip(put(wheel.file_name, wheel.bytes));
  const std::string info = "churn_model-1.4.0+gpu.1.dist-info/";
  EXPECT_EQ(
      zip.read(*zip.find(info + "METADATA")),
      "Metadata-Version: 2.1\nName: Churn.Model\nVersion: 1.4.0+gpu.1\nSummary: Predicts churn and: nothing "
      "else\n"
      "License: Apache-2.0\nRequires-Python: >=3.9\nRequires-Dist: numpy>=1.26 ; python_version >= '3.9'\n"
      "Description-Content-Type: text/markdown\n\n# Churn\n\nText.\n");
  EXPECT_EQ(zip.read(*zip.find(info + "entry_points.txt")), "[console_scripts]\nscore = churn.score:main\n");
  EXPECT_EQ(zip.entries().back().path, info + "RECORD");
  EXPECT_TRUE(zip.find("churn/tool.sh")->executable);
}

TEST_F(WheelTest, PipInstallsItWithRequiredHashes) {
  const auto wheel = build_wheel(churn_code());
  put(wheel.file_name, wheel.bytes);
  put("requirements.txt", "churn-model @ file://" + (folder() / wheel.file_name).string() +
                              " --hash=sha256:" + sha256(wheel.bytes).hex() + "\n");
  const auto pip = run({"python3", "-m", "pip", "install", "--no-index", "--no-deps", "--require-hashes",
                        "-r", "requirements.txt", "--target", "site", "--disable-pip-version-check"});
  ASSERT_EQ(pip.exit, 0) << pip.err << pip.out;
  EXPECT_EQ(python("import sys; sys.path.insert(0, 'site'); import churn.score; churn.score.main()\n"
                   "from importlib.metadata import distribution as d\n"
                   "x = d('churn-model'); print(x.version, x.requires, x.metadata['License'])"),
            "score []\n1.4.0+gpu.1 [\"numpy>=1.26 ; python_version >= '3.9'\"] Apache-2.0\n");
  const auto wrong = put("wrong.txt", "churn-model @ file://" + (folder() / wheel.file_name).string() +
                                          " --hash=sha256:" + sha256("x").hex() + "\n");
  EXPECT_NE(run({"python3", "-m", "pip", "install", "--no-index", "--no-deps", "--require-hashes", "-r",
                 "wrong.txt", "--target", "other", "--disable-pip-version-check"})
                .exit,
            0);
}

TEST_F(WheelTest, RefusesCodeThatCannotBeInAWheel) {
  const auto code = [](std::vector<ZipMember> files) { return error_of([&] { build_wheel(files); }).code(); };
  EXPECT_EQ(code({{"a.py", ""}, {"a.py", ""}}), ErrorCode::duplicate_path);
  EXPECT_EQ(code({{"../a.py", ""}}), ErrorCode::source_tree);
  EXPECT_EQ(code({{"churn-1.0.dist-info/METADATA", ""}}), ErrorCode::source_tree);
}

TEST_F(WheelTest, InstallsWhatItBuilt) {
  const auto wheel = build_wheel(churn_code());
  const auto files = install(wheel.bytes);
  EXPECT_EQ(fs::read_file(tree() / "lib/churn/a,b.txt"), "comma");
  EXPECT_TRUE(files.at("lib/churn/tool.sh").executable);
  EXPECT_EQ(fs::stat(tree() / "lib/churn/score.py")->mode, 0644U);
  EXPECT_EQ(fs::stat(tree() / "bin/score")->mode, 0755U);
  EXPECT_TRUE(fs::exists(tree() / "lib/churn_model-1.4.0+gpu.1.dist-info/METADATA"));
  for (const auto& [path, file] : files) {
    EXPECT_EQ(fs::hash_file(tree() / path), file.digest);
    EXPECT_EQ(fs::stat(tree() / path)->size, file.size);
  }
  EXPECT_EQ(fs::walk(tree()).size(), files.size() + 3) << "and bin/python, bin/python3, pyvenv.cfg";
  const auto ran = run({(tree() / "bin/score").string(), "x", "y z"}, "/", {{"MLSHIP_PYTHON", "python3"}});
  EXPECT_EQ(ran.out, "score ['x', 'y z']\n") << ran.err;
  EXPECT_EQ(ran.exit, 3);
}

TEST_F(WheelTest, SpreadsTheDataFolder) {
  const std::string data = "p-1.0.data/";
  const std::string script =
      "#!python\n# -*- coding: utf-8 -*-\n\"\"\"the docstring\"\"\"\nimport sys, p\n"
      "print(__doc__, sys.argv[1:], __name__, p.here)\n";
  const auto files = install(forge({.files = {{"p.py", "here = 1\n"},
                                              {data + "purelib/a.py", "a"},
                                              {data + "platlib/b.so", "b"},
                                              {data + "scripts/tool", script},
                                              {data + "scripts/plain", "#!/bin/sh\necho plain\n"},
                                              {data + "data/share/x/y", "y"},
                                              {data + "data/etc/z", "z"},
                                              {data + "data/lib/more.txt", "e"},
                                              {data + "data/models/evil", "e"},
                                              {data + "data/pyvenv.cfg", "e"},
                                              {data + "headers/p.h", "h"},
                                              {"p-1.0.dist-info/INSTALLER", "pip"},
                                              {"p-1.0.dist-info/REQUESTED", ""},
                                              {"p-1.0.dist-info/direct_url.json", "{}"},
                                              {"p-1.0.dist-info/RECORD.jws", "{}"}},
                                    .extra_rows = ""}));
  std::vector<std::string> paths;
  for (const auto& [path, file] : files) paths.push_back(path);
  EXPECT_EQ(paths,
            (std::vector<std::string>{
                "bin/plain", "bin/tool", "data/models/evil", "data/pyvenv.cfg", "etc/z",
                "include/site/python3.11/p/p.h", "lib/a.py", "lib/b.so", "lib/more.txt",
                "lib/p-1.0.dist-info/METADATA", "lib/p-1.0.dist-info/RECORD", "lib/p-1.0.dist-info/WHEEL",
                "lib/p.py", "lib/python3.11/site-packages/mlship.pth", "libexec/tool", "share/x/y"}));
  EXPECT_EQ(fs::read_file(tree() / "lib/p-1.0.dist-info/RECORD").substr(0, 11), "../bin/plai");
  EXPECT_EQ(run({(tree() / "bin/plain").string()}).out, "plain\n");
  const auto ran = run({(tree() / "bin/tool").string(), "1"}, "/", {{"MLSHIP_PYTHON", "python3"}});
  EXPECT_EQ(ran.out, "the docstring ['1'] __main__ 1\n") << ran.err;
}

TEST_F(WheelTest, SharedNamespacePackagesAreFineAndClashesAreNot) {
  install(forge({.files = {{"ns/__init__.py", "same"}, {"ns/a.py", "a"}}, .info = "a-1.dist-info"}),
          "a-1.whl");
  install(forge({.files = {{"ns/__init__.py", "same"}, {"ns/b.py", "b"}}, .info = "b-1.dist-info"}),
          "b-1.whl");
  EXPECT_EQ(fs::read_file(tree() / "lib/ns/b.py"), "b");
  const Error error = error_of(
      [&] { install(forge({.files = {{"ns/a.py", "other"}}, .info = "c-1.dist-info"}), "c-1.whl"); });
  EXPECT_EQ(error.code(), ErrorCode::duplicate_path);
  EXPECT_EQ(error.message(), "cannot install c-1.whl: a-1.whl has another file at lib/ns/a.py");
  EXPECT_EQ(fs::read_file(tree() / "lib/ns/a.py"), "a");
  wheels_.pop_back();
  for (const std::string path : {"ns", "ns/a.py/deeper"}) {
    EXPECT_EQ(error_of([&] {
                install(forge({.files = {{path, "x"}}, .info = "d-1.dist-info"}), "d-1.whl");
              }).code(),
              ErrorCode::duplicate_path);
    wheels_.pop_back();
  }
}

TEST_F(WheelTest, TheFirstKeepsWhatNoImportReads) {
  const std::string stub = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n";
  const auto wheel = [&](const std::string& name, const std::string& mark) {
    const std::string info = name + "-1.dist-info";
    return forge({.files = {{"CHANGES.rst", mark},
                            {"tests/test_a.py", mark},
                            {"docs/conf.py", mark},
                            {"examples/deep/run.py", mark},
                            {"ns/__init__.py", "# " + mark + "\n" + stub},
                            {name + "-1.data/data/share/doc/x", mark},
                            {name + "-1.data/scripts/tool", "#!/bin/sh\n# " + mark},
                            {info + "/entry_points.txt", "[console_scripts]\nrun = " + mark + ":main\n"}},
                  .info = info});
  };
  install(wheel("b", "first"), "b-1.whl");
  const auto files = install(wheel("a", "second"), "a-1.whl");
  for (const std::string path :
       {"lib/CHANGES.rst", "lib/tests/test_a.py", "lib/docs/conf.py", "lib/examples/deep/run.py",
        "lib/ns/__init__.py", "share/doc/x", "bin/tool", "bin/run"}) {
    EXPECT_NE(fs::read_file(tree() / path).find("first"), std::string::npos) << path;
    EXPECT_EQ(files.at(path).from, "b-1.whl") << path;
  }
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_EQ(warnings_[0],
            "a-1.whl: a tree takes lib/CHANGES.rst, lib/tests/test_a.py, lib/docs/conf.py, "
            "lib/examples/deep/run.py and 4 more from b-1.whl, which brings other content for these paths");
}

TEST_F(WheelTest, TwoContentsOfWhatImportsReadAreRefused) {
  for (const std::string path :
       {"mod.py", "mod.so", "hook.pth", "pkg/__init__.py", "pkg/data.json", "pkg/tests/util.py"}) {
    wheels_.clear();
    install(forge({.files = {{path, "one"}}, .info = "a-1.dist-info"}), "a-1.whl");
    const Error error =
        error_of([&] { install(forge({.files = {{path, "two"}}, .info = "b-1.dist-info"}), "b-1.whl"); });
    EXPECT_EQ(error.code(), ErrorCode::duplicate_path) << path;
    EXPECT_NE(error.message().find("lib/" + path), std::string::npos) << error.message();
    EXPECT_NE(error.message().find("a-1.whl"), std::string::npos) << error.message();
  }
}

TEST_F(WheelTest, DataFoldersOfEverySpelling) {
  install(
      forge({.files = {{"My_Tool-1.0.0.data/purelib/a.py", "x = 1\n"},
                       {"other.data/data/share/b", "b"},
                       {"p-1.0.data/scripts/sub/deep", "#!python\nimport a\nprint('deep', a.__file__)\n"}}}));
  EXPECT_TRUE(fs::exists(tree() / "lib/a.py"));
  EXPECT_TRUE(fs::exists(tree() / "share/b"));
  EXPECT_EQ(run({(tree() / "bin/sub/deep").string()}, "/", {{"MLSHIP_PYTHON", "python3"}}).out,
            "deep " + (tree() / "lib/a.py").string() + "\n");
}

TEST_F(WheelTest, RefusesMalformedWheels) {
  const std::string good_row = record_line({"a.py", record_hash(sha256("a")), "1"});
  const std::vector<std::pair<std::string, Forged>> table{
      {"not 1.x", {.files = {}, .wheel = "Wheel-Version: 2.0\n"}},
      {"not 1.x", {.files = {}, .wheel = "Tag: py3-none-any\n"}},
      {"no .dist-info", {.files = {{"a.py", "a"}}, .info = "p-1.0.egg-info"}},
      {"two .dist-info", {.files = {{"q-1.0.dist-info/WHEEL", "x"}}}},
      {"METADATA", {.files = {}, .metadata = false}},
      {"not in its RECORD", {.files = {{"a.py", "a"}}, .record = "p-1.0.dist-info/RECORD,,\n"}},
      {"which it does not hold", {.files = {}, .extra_rows = good_row}},
      {"no sha256", {.files = {{"a.py", "a"}}, .record = "a.py,,\n"}},
      {"no sha256", {.files = {{"a.py", "a"}}, .record = "a.py,md5=1B2M2Y8AsgTpgAmY7PhCfg,1\n"}},
      {"no sha256", {.files = {{"a.py", "a"}}, .record = "a.py,sha256=short,1\n"}},
      {"no size", {.files = {{"a.py", "a"}}, .record = good_row.substr(0, good_row.size() - 2) + "one\n"}},
      {"line 1 of its RECORD", {.files = {}, .record = "a.py\n"}},
      {"line 1 of its RECORD", {.files = {}, .record = "\"a.py,x,1\n"}},
      {"two things",
       {.files = {{"a.py", "a"}}, .extra_rows = record_line({"a.py", record_hash(sha256("b")), "1"})}},
      {"no known place", {.files = {{"p-1.0.data/weird/a", "a"}}}},
      {"entry_points.txt",
       {.files = {{"p-1.0.dist-info/entry_points.txt", "[console_scripts]\n../evil = a:b\n"}}}},
      {"module:function",
       {.files = {{"p-1.0.dist-info/entry_points.txt", "[console_scripts]\nx = a:b;rm -r\n"}}}},
  };
  for (const auto& [rule, forged] : table) {
    SCOPED_TRACE(rule);
    const Error error = error_of([&, &f = forged] { install(forge(f)); });
    EXPECT_EQ(error.code(), ErrorCode::wheel);
    EXPECT_NE(error.message().find(rule), std::string::npos) << error.message();
    fs::remove_tree(tree());
    wheels_.clear();
  }
}

TEST_F(WheelTest, RefusesContentThatRecordDoesNotKnow) {
  Forged forged{.files = {{"a.py", "a"}}};
  std::string rows;
  for (const auto& [path, content] : std::vector<std::pair<std::string, std::string>>{
           {"a.py", "b"},
           {"p-1.0.dist-info/WHEEL", forged.wheel},
           {"p-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: p\nVersion: 1.0\n"}}) {
    rows += record_line({path, record_hash(sha256(content)), ""});
  }
  forged.record = rows;
  const Error error = error_of([&] { install(forge(forged)); });
  EXPECT_EQ(error.code(), ErrorCode::wheel);
  EXPECT_NE(error.message().find("another sha256"), std::string::npos) << error.message();
}

TEST_F(WheelTest, MessagesNameTheWheelNotTheBlob) {
  const Path blob = put("0123abcd", "no zip");
  const Error error = error_of([&] { TreePlan("3.11").add_wheel(blob, "numpy-1.26.4.whl"); });
  EXPECT_EQ(error.message(), "cannot read numpy-1.26.4.whl: it does not end with the end record of a zip");
  EXPECT_FALSE(fs::exists(tree()));
}

TEST(WheelFormat, RecordHashesRoundTrip) {
  EXPECT_EQ(record_hash(sha256("")), "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
  for (int i = 0; i < 50; ++i) {
    const Digest digest = sha256(std::to_string(i));
    EXPECT_EQ(parse_record_hash(record_hash(digest)), digest);
  }
  EXPECT_EQ(parse_record_hash("sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFV"), std::nullopt);
  const Digest empty = sha256("");
  for (const std::string spelled :
       {"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"})
    EXPECT_EQ(parse_record_hash("sha256=" + spelled), empty) << spelled;
  EXPECT_EQ(parse_record_hash("sha512=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"), std::nullopt);
}

TEST(WheelFormat, EntryPoints) {
  const auto points = parse_entry_points(
      "[other]\na = b\n\n[console_scripts]\r\n# note\nrun = p.cli : main "
      "[extra]\n[gui_scripts]\nwin=p:gui.start\n",
      "p");
  EXPECT_EQ(points, (std::map<std::string, std::string>{{"run", "p.cli:main"}, {"win", "p:gui.start"}}));
}

}  // namespace
}  // namespace mlship::test
