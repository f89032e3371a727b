// From a lock to verified wheels, against a real index on loopback.
#include <algorithm>

#include "packager/zip.h"
#include "tests/unit/packager/resolve_fixture.h"

namespace mlship {
namespace {

const std::string linux_wheel = "numpy-1.26.4-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl";
const std::string mac_wheel = "numpy-1.26.4-cp311-cp311-macosx_11_0_arm64.whl";
const std::string source = "numpy-1.26.4.tar.gz";
const std::string pure = "idna-3.7-py3-none-any.whl";

class Resolve : public ResolveTest {
 protected:
  Resolve() {
    for (const auto& name : {linux_wheel, mac_wheel, source, pure}) serve(name);
  }
  std::string lock() const {
    return pin("numpy==1.26.4", {source, mac_wheel, linux_wheel}) + pin("idna==3.7", {pure}) +
           pin("colorama==0.4", {"colorama-0.4-py3-none-any.whl"}, "sys_platform == 'win32'");
  }
};

TEST_F(Resolve, TakesOneWheelForEachRequirementAndPlatform) {
  for (const bool json : {false, true}) {
    json_ = json;
    const auto found = run(lock(), {"cp311-manylinux_2_28_x86_64", "cp311-macosx_12_0_arm64"});
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found[0].file, pure);
    EXPECT_EQ(found[0].platforms.size(), 2U);
    EXPECT_EQ(found[0].name + " " + found[0].version, "idna 3.7");
    EXPECT_EQ(found[1].file, mac_wheel);
    EXPECT_EQ(found[1].platforms, std::vector<std::string>{"cp311-macosx_12_0_arm64"});
    EXPECT_EQ(found[2].file, linux_wheel);
    EXPECT_EQ(found[2].digest, sha256(bytes_of(linux_wheel)));
    EXPECT_EQ(found[2].size, bytes_of(linux_wheel).size());
    EXPECT_EQ(fs::read_file(found[2].cached), bytes_of(linux_wheel));
    EXPECT_EQ(cache_files().size(), 3U);
    fs::remove_tree(cache_.folder());
  }
  EXPECT_NE(
      std::find(diagnostics_.started.begin(), diagnostics_.started.end(), "look up packages of 2 items"),
      diagnostics_.started.end());
  EXPECT_NE(std::find(diagnostics_.started.begin(), diagnostics_.started.end(),
                      "download " + pure + " of " + std::to_string(bytes_of(pure).size()) + " bytes"),
            diagnostics_.started.end());
}

TEST_F(Resolve, AsksNothingOfTheNetworkTheSecondTime) {
  const auto first = run(lock());
  const auto before = asked().size();
  settings_.offline = true;
  const auto offline = run(lock());
  settings_.offline = false;
  const auto again = run(lock());
  EXPECT_EQ(asked().size(), before);
  ASSERT_EQ(again.size(), first.size());
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(again[i].digest, first[i].digest);
    EXPECT_EQ(offline[i].digest, first[i].digest);
  }
}

TEST_F(Resolve, FetchesADamagedCacheEntryAgain) {
  const auto first = run(lock());
  fs::write_atomic(first[0].cached, "damaged");
  EXPECT_FALSE(cache_.has(first[0].digest));
  EXPECT_FALSE(fs::exists(first[0].cached));
  fs::write_atomic(first[1].cached, "damaged");
  const auto again = run(lock());
  EXPECT_EQ(fs::read_file(again[1].cached), bytes_of(linux_wheel));
}

TEST_F(Resolve, TakesFilesFromFoldersWithoutTheNetwork) {
  const Path wheels = folder_.path() / "wheels";
  fs::make_folders(wheels);
  fs::write_atomic(wheels / linux_wheel, bytes_of(linux_wheel));
  fs::write_atomic(wheels / pure, bytes_of(pure));
  fs::write_atomic(wheels / "numpy-1.26.3-cp311-cp311-manylinux_2_17_x86_64.whl", "another version");
  settings_.find_links = {wheels.string()};
  const auto whole = run(pin("numpy==1.26.4", {linux_wheel}) + pin("idna==3.7", {pure}));
  EXPECT_TRUE(asked().empty());
  ASSERT_EQ(whole.size(), 2U);
  EXPECT_EQ(fs::read_file(whole[1].cached), bytes_of(linux_wheel));
  EXPECT_TRUE(whole[1].cached.string().starts_with(cache_.folder().string()));

  // A lock with more hashes than the folder has files: offline it is what there is.
  fs::remove_tree(cache_.folder());
  settings_.offline = true;
  EXPECT_EQ(run(lock()).size(), 2U);
  EXPECT_TRUE(asked().empty());

  settings_.find_links = {(folder_.path() / "absent").string()};
  EXPECT_EQ(refusal(lock())->code(), ErrorCode::not_found);
}

TEST_F(Resolve, ChoosesTheSameFileWhateverAFolderHolds) {
  const std::string better = "numpy-1.26.4-cp311-cp311-manylinux_2_28_x86_64.whl";
  serve(better);
  const Path wheels = folder_.path() / "wheels";
  fs::make_folders(wheels);
  fs::write_atomic(wheels / linux_wheel, bytes_of(linux_wheel));
  settings_.find_links = {wheels.string()};
  const auto found = run(pin("numpy==1.26.4", {linux_wheel, better}));
  EXPECT_EQ(found.at(0).file, better);
}

TEST_F(Resolve, ReadsFindLinksPages) {
  settings_.urls.clear();
  settings_.find_links = {server_.url("/page.html")};
  special_["/page.html"] = [](const auto&) {
    return testing::reply(200, "<a href=files/" + pure + ">x</a>", "Content-Type: text/html\r\n");
  };
  EXPECT_EQ(run(pin("idna==3.7", {pure})).at(0).digest, sha256(bytes_of(pure)));
  EXPECT_EQ(refusal(pin("other==1", {"other"}))->code(), ErrorCode::not_found);
}

TEST_F(Resolve, GoesOnToTheNextIndexOnlyWhenTheFirstDoesNotHaveIt) {
  settings_.urls = {server_.url("/empty/"), server_.url("/simple")};
  special_["/empty/idna/"] = [](const auto&) { return testing::reply(404); };
  EXPECT_EQ(run(pin("idna==3.7", {pure})).size(), 1U);
  for (const auto& [status, code] :
       {std::pair(401, ErrorCode::unauthorized), std::pair(403, ErrorCode::forbidden),
        std::pair(500, ErrorCode::server_error)}) {
    fs::remove_tree(cache_.folder());
    special_["/empty/idna/"] = [status = status](const auto&) { return testing::reply(status); };
    EXPECT_EQ(refusal(pin("idna==3.7", {pure}))->code(), code) << status;
  }
}

TEST_F(Resolve, RetriesAServerThatFailsForAMoment) {
  int failures = 3;
  special_["/simple/idna/"] = [&](const auto&) {
    if (failures-- > 0) return testing::reply(503);
    return testing::reply(200, "<a href=\"../../files/" + pure + "\">x</a>", "Content-Type: text/html\r\n");
  };
  EXPECT_EQ(run(pin("idna==3.7", {pure})).size(), 1U);
}

TEST_F(Resolve, RefusesBytesThatTheLockDoesNotAllow) {
  // The index tells the right hash and serves other bytes; tells none; tells the true hash of a wrong file.
  for (const std::string& told : {sha256(bytes_of(pure)).hex(), std::string("no"), std::string("yes")}) {
    serve(pure, {"evil", told, false});
    const auto error = refusal(pin("idna==3.7", {pure}));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), ErrorCode::hash_mismatch) << told;
    EXPECT_EQ(error->exit_code(), ExitCode::verification);
    EXPECT_EQ(error->message(), "cannot use " + pure + ": its hash is not in requirements.txt:1");
    EXPECT_EQ(error->facts().at(0).value, sha256(bytes_of(pure)).str());
    EXPECT_EQ(error->facts().at(1).value, sha256("evil").str());
    EXPECT_TRUE(cache_files().empty());
  }
}

TEST_F(Resolve, RefusesAFileOfAnotherSizeThanTold) {
  json_ = true;
  for (const std::string size : {"3", "300"}) {
    special_["/simple/idna/"] = [&](const auto&) {
      return testing::reply(200,
                            R"({"meta": {"api-version": "1.0"}, "files": [{"filename": ")" + pure +
                                R"(", "url": "../../files/)" + pure + R"(", "hashes": {"sha256": ")" +
                                sha256(bytes_of(pure)).hex() + R"("}, "size": )" + size + "}]}",
                            "Content-Type: application/vnd.pypi.simple.v1+json\r\n");
    };
    EXPECT_EQ(refusal(pin("idna==3.7", {pure}))->code(), ErrorCode::hash_mismatch);
    EXPECT_TRUE(cache_files().empty());
  }
}

TEST_F(Resolve, LeavesNothingOfADownloadThatBreaksOff) {
  const std::string body = bytes_of(pure);
  special_["/files/" + pure] = [&](const auto&) {
    return testing::Reply{
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body.substr(0, 5),
        true,
        {},
        {}};
  };
  EXPECT_EQ(refusal(lock())->code(), ErrorCode::network);
  for (const auto& file : cache_files()) EXPECT_TRUE(file.starts_with("sha256/")) << file;

  int failures = 1;
  special_["/files/" + pure] = [&](const auto&) {
    testing::Reply whole = testing::reply(200, body);
    if (failures-- > 0) {
      whole.bytes.resize(whole.bytes.size() - 3);
      whole.close = true;
    }
    return whole;
  };
  EXPECT_EQ(run(pin("idna==3.7", {pure})).at(0).digest, sha256(body));
}

TEST_F(Resolve, TellsADeletedFileFromAnUnreachableOne) {
  special_["/files/" + pure] = [](const auto&) { return testing::reply(404); };
  EXPECT_EQ(refusal(pin("idna==3.7", {pure}))->code(), ErrorCode::not_found);
  special_["/files/" + pure] = [](const auto&) { return testing::reply(403); };
  EXPECT_EQ(refusal(pin("idna==3.7", {pure}))->code(), ErrorCode::forbidden);
}

TEST_F(Resolve, GivesPasswordsToTheirOwnOriginOnly) {
  std::vector<testing::WireRequest> elsewhere;
  testing::LoopbackServer files([&](const testing::WireRequest& request) {
    elsewhere.push_back(request);
    return testing::reply(200, bytes_of(pure));
  });
  special_["/files/" + pure] = [&](const testing::WireRequest& request) {
    EXPECT_TRUE(request.has("authorization"));
    return testing::reply(302, "", "Location: " + files.url("/x/" + pure) + "\r\n");
  };
  // In the URL, then in netrc: for the second server there is no entry, its port is another origin.
  const std::string good = "Basic bWU6cHc=";  // me:pw
  settings_.urls = {"http://me:pw@127.0.0.1:" + std::to_string(server_.port()) + "/simple/"};
  EXPECT_EQ(run(pin("idna==3.7", {pure})).size(), 1U);
  fs::remove_tree(cache_.folder());
  settings_.urls = {server_.url("/simple/")};
  fs::write_atomic(folder_.path() / ".netrc", "machine 127.0.0.1 login me password pw\n");
  EXPECT_EQ(run(pin("idna==3.7", {pure})).size(), 1U);
  for (const auto& request : server_.requests()) EXPECT_EQ(request.headers.at("authorization"), good);
  ASSERT_EQ(elsewhere.size(), 2U);
  for (const auto& request : elsewhere) EXPECT_FALSE(request.has("authorization"));
}

TEST_F(Resolve, NeverPrintsAPassword) {
  settings_.urls = {"http://me:hunter2@127.0.0.1:" + std::to_string(server_.port()) + "/simple/"};
  special_["/simple/idna/"] = [](const auto&) { return testing::reply(401); };
  const auto error = refusal(pin("idna==3.7", {pure}));
  std::string all = error->message() + error->hint_text();
  for (const auto& fact : error->facts()) all += fact.value;
  EXPECT_EQ(all.find("hunter2"), std::string::npos) << all;
}

TEST_F(Resolve, NamesTheNearestWheelsWhenNoneFits) {
  const auto error = refusal(lock(), {"cp311-win_amd64"});
  EXPECT_EQ(error->code(), ErrorCode::wheel);
  EXPECT_EQ(error->exit_code(), ExitCode::bad_input);
  EXPECT_EQ(error->message(),
            "cannot find a wheel of numpy 1.26.4 for cp311-win_amd64: none of its 2 locked wheels fits");
  EXPECT_EQ(error->facts().at(0).value, "requirements.txt:1");
  EXPECT_NE(error->facts().at(1).value.find("cp311-cp311-macosx_11_0_arm64"), std::string::npos);
  const auto older = refusal(lock(), {"cp310-manylinux_2_28_x86_64"});
  EXPECT_TRUE(older->facts().at(1).value.starts_with("cp311-cp311-manylinux_2_17_x86_64"))
      << older->facts()[1].value;
  EXPECT_TRUE(cache_files().empty());
}

TEST_F(Resolve, RefusesSourceDistributions) {
  serve("old-1.0.tar.gz");
  const auto error = refusal(pin("old==1.0", {"old-1.0.tar.gz"}));
  EXPECT_EQ(error->code(), ErrorCode::wheel);
  EXPECT_EQ(error->message(),
            "cannot find a wheel of old 1.0 for cp311-manylinux_2_28_x86_64: there is only the "
            "source old-1.0.tar.gz");
}

TEST_F(Resolve, SaysWhatIsMissing) {
  EXPECT_EQ(refusal(pin("absent==1", {"x"}))->message(), "cannot find absent 1: no index has a file of it");
  settings_.offline = true;
  EXPECT_TRUE(refusal(lock())->message().starts_with("cannot find numpy 1.26.4 while offline"));
  EXPECT_TRUE(asked().size() == 1);
  settings_ = {};
  EXPECT_EQ(refusal(lock())->code(), ErrorCode::project_file);
}

TEST_F(Resolve, TakesAYankedFileThatIsLockedAndWarns) {
  serve(pure, {bytes_of(pure), "yes", true});
  EXPECT_EQ(run(pin("idna==3.7", {pure})).size(), 1U);
  EXPECT_EQ(diagnostics_.warnings,
            std::vector<std::string>{"requirements.txt:1: " + pure + " is yanked from its index: broken"});
}

TEST_F(Resolve, TakesAFileFromTheUrlInTheLock) {
  const std::string lock =
      "idna @ " + server_.url("/files/" + pure) + " --hash=sha256:" + sha256(bytes_of(pure)).hex() + "\n";
  settings_.urls.clear();
  EXPECT_EQ(run(lock).at(0).file, pure);
  EXPECT_EQ(run(lock + "\n").size(), 1U);
  EXPECT_EQ(asked(), std::vector<std::string>{"/files/" + pure});
}

TEST_F(Resolve, RefusesTwoVersionsOnOnePlatform) {
  const std::string two = pin("idna==3.7", {pure}) + pin("IDNA==3.6", {"x"});
  const auto error = refusal(two);
  EXPECT_EQ(error->code(), ErrorCode::lock);
  EXPECT_EQ(error->message(),
            "cannot use requirements.txt:2: it is a second version of IDNA for cp311-manylinux_2_28_x86_64");
  const std::string forked =
      pin("idna==3.7", {pure}, "python_version >= '3.9'") + pin("idna==3.6", {"x"}, "python_version < '3.9'");
  EXPECT_EQ(run(forked).size(), 1U);
}

// A wheel that says what it is.
std::string wheel_of(const std::string& name, const std::string& version,
                     const std::vector<std::string>& tags) {
  std::string out;
  ZipWriter zip([&](std::string_view data) { out += data; });
  std::string wheel = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n";
  for (const auto& tag : tags) wheel += "Tag: " + tag + "\n";
  const std::string info = name + "-" + version + ".dist-info/";
  zip.add(info + "METADATA", "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n", false);
  zip.add(info + "WHEEL", wheel, false);
  zip.finish();
  return out;
}

std::string pinned(const std::string& requirement, const std::vector<std::string>& wheels) {
  std::string line = requirement;
  for (const auto& bytes : wheels) line += " --hash=sha256:" + sha256(bytes).hex();
  return line + "\n";
}

TEST_F(Resolve, RefusesAWheelUnderAnotherName) {
  struct Row {
    std::string file, inside;
  };
  const std::string here = "cp311-cp311-manylinux_2_17_x86_64";
  const std::vector<Row> table{
      {"tool-1.0-" + here + ".whl", wheel_of("tool", "1.0", {"cp311-cp311-win_amd64"})},  // another system
      {"tool-1.0-" + here + ".whl", wheel_of("tool", "1.0", {"cp311-cp311-macosx_11_0_arm64"})},
      {"tool-1.0-" + here + ".whl",
       wheel_of("tool", "1.0", {"cp310-cp310-manylinux_2_17_x86_64"})},  // another Python
      {"tool-1.0-py3-none-any.whl", wheel_of("tool", "1.0", {"py2-none-any"})},
      {"tool-1.0-py3-none-any.whl", wheel_of("tool", "1.0.1", {"py3-none-any"})},  // another version
      {"tool-1.0-py3-none-any.whl", wheel_of("tool", "1.0+cpu", {"py3-none-any"})},
      {"tool-1.0-py3-none-any.whl", wheel_of("tools", "1.0", {"py3-none-any"})},  // another package
      {"tool-1.0-py3-none-any.whl", wheel_of("tool", "1.0", {})},                 // says nothing
  };
  for (const auto& row : table) {
    files_.clear();
    serve(row.file, {row.inside, "yes", false});
    const auto error = refusal(pinned("tool==1.0", {row.inside}));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), ErrorCode::wheel) << row.file;
    EXPECT_NE(std::string(error->what()).find(row.file), std::string::npos) << error->what();
  }
}

TEST_F(Resolve, TakesAWheelWhoseOwnWordsMeanTheSame) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"my_tool-1.0-py3-none-any.whl", wheel_of("My.Tool", "1.0.0", {"py2-none-any", "py3-none-any"})},
      {"my_tool-1.0-py2.py3-none-any.whl", wheel_of("my-tool", "1.0", {"py2.py3-none-any"})},
      {"my_tool-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
       wheel_of("my_tool", "1.0", {"cp311-cp311-manylinux_2_17_x86_64", "cp311-cp311-manylinux2014_x86_64"})},
  };
  for (const auto& [file, inside] : table) {
    files_.clear();
    serve(file, {inside, "yes", false});
    special_["/simple/my-tool/"] = [&](const auto&) {
      return testing::reply(200,
                            "<a href=\"../../files/" + file + "#sha256=" + sha256(inside).hex() + "\">x</a>",
                            "Content-Type: text/html\r\n");
    };
    EXPECT_EQ(run(pinned("my-tool==1.0", {inside})).at(0).file, file);
  }
}

TEST_F(Resolve, ForgetsTheNameThatAnIndexGaveAnotherWheel) {
  const std::string name = "tool-1.0-cp311-cp311-manylinux_2_17_x86_64.whl";
  const std::string right = wheel_of("tool", "1.0", {"cp311-cp311-manylinux_2_17_x86_64"});
  const std::string wrong = wheel_of("tool", "1.0", {"cp311-cp311-win_amd64"});
  const std::string both = pinned("tool==1.0", {right, wrong});
  serve(name, {wrong, "yes", false});
  serve("tool-1.0-cp311-cp311-win_amd64.whl", {right, "yes", false});
  EXPECT_EQ(refusal(both)->code(), ErrorCode::wheel);

  const Path wheels = folder_.path() / "wheels";
  fs::make_folders(wheels);
  fs::write_atomic(wheels / name, right);
  fs::write_atomic(wheels / "tool-1.0-cp311-cp311-win_amd64.whl", wrong);
  settings_.find_links = {wheels.string()};
  settings_.offline = true;
  EXPECT_EQ(run(both).at(0).digest, sha256(right));
}

TEST_F(Resolve, TellsAChoiceAmongFewerFilesThanTheLockHas) {
  const std::string compiled = wheel_of("tool", "1.0", {"cp311-cp311-manylinux_2_17_x86_64"});
  const std::string any = wheel_of("tool", "1.0", {"py3-none-any"});
  const std::string both = pinned("tool==1.0", {compiled, any});
  const Path wheels = folder_.path() / "wheels";
  fs::make_folders(wheels);
  fs::write_atomic(wheels / "tool-1.0-py3-none-any.whl", any);
  settings_.find_links = {wheels.string()};
  settings_.offline = true;
  const auto poorer = run(both);
  EXPECT_EQ(poorer.at(0).digest, sha256(any));
  EXPECT_TRUE(poorer.at(0).among_fewer);

  fs::write_atomic(wheels / "tool-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", compiled);
  const auto whole = run(both);
  EXPECT_EQ(whole.at(0).digest, sha256(compiled));
  EXPECT_FALSE(whole.at(0).among_fewer);
}

TEST_F(Resolve, KnowsWhatAnIndexHolds) {
  const std::string index = "pypi+" + server_.url("/simple");
  EXPECT_TRUE(index_has(index, "idna", sha256(bytes_of(pure)), *host_));
  EXPECT_FALSE(index_has(index, "idna", sha256("other"), *host_));
  EXPECT_FALSE(index_has(index, "absent", sha256("other"), *host_));
  special_["/simple/idna/"] = [](const auto&) { return testing::reply(401); };
  EXPECT_THROW(index_has(index, "idna", sha256("other"), *host_), Error);
}

}  // namespace
}  // namespace mlship
