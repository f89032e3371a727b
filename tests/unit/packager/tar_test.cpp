#include "packager/tar.h"

#include <algorithm>
#include <set>

#include <sys/stat.h>

#include "tests/unit/packager/archive_fixture.h"

namespace mlship::test {
namespace {

TarMember member(const std::string& path, const std::string& content, bool executable = false) {
  static std::set<std::string> kept;  // what members point to
  return {*kept.insert(path).first, executable, content.size(),
          [content](const auto& sink) { sink(content); }};
}

std::string tar_of(std::vector<TarMember> members) {
  std::string out;
  write_tar(std::move(members), [&out](std::string_view data) { out += data; });
  return out;
}

constexpr std::uint64_t plenty = 1U << 30U;

class TarTest : public ArchiveTest {
 protected:
  // Members written by Python, in our own spelling of the device fields, so that one thing is wrong at a
  // time.
  Path foreign(const std::string& members) const {
    python(R"(
import tarfile
out = bytearray()
def add(name, type=tarfile.REGTYPE, mode=0o644, data=b'', **more):
    i = tarfile.TarInfo(name); i.type = type; i.mode = mode; i.size = len(data)
    for k, v in more.items(): setattr(i, k, v)
    b = bytearray(i.tobuf(tarfile.USTAR_FORMAT))
    b[329:345] = b'0000000\0' * 2
    b[148:156] = b' ' * 8
    b[148:156] = b'%06o\0 ' % sum(b)
    out.extend(b + data + b'\0' * (-len(data) % 512))
)" + members +
           R"(
open('bad.tar', 'wb').write(out + b'\0' * 1024)
)");
    return folder() / "bad.tar";
  }
};

TEST_F(TarTest, TheForeignWriterIsRightOtherwise) {
  EXPECT_EQ(list_tar(foreign("add('d', tarfile.DIRTYPE, 0o755); add('d/a', data=b'x')")).size(), 1U);
}

TEST_F(TarTest, OneTreeOneByteSequence) {
  const auto forward = tar_of({member("b/x", "1"), member("a.py", "2", true), member("b/a/y", "3")});
  const auto backward = tar_of({member("b/a/y", "3"), member("a.py", "2", true), member("b/x", "1")});
  EXPECT_EQ(forward, backward);
  // 2 folders, 3 files of one block each, the trailer.
  EXPECT_EQ(forward.size(), (2 + 3 * 2 + 2) * 512U);
  EXPECT_EQ(forward.substr(forward.size() - 1024), std::string(1024, '\0'));
  EXPECT_EQ(sha256(forward).str(), "sha256:b796e9084f96d6095a43fbf7fbe39ba642ad5b4c38906df3222485df5c1e6487");
}

TEST_F(TarTest, OtherReadersSeeTheSameTree) {
  const std::string deep = std::string(120, 'd') + "/" + std::string(90, 'f') + ".py";
  const std::string longest = std::string(200, 'n') + ".bin";
  put("a.tar", tar_of({member("b/x", "content"), member("run", "#!", true), member(deep, "deep"),
                       member(longest, "long"), member("größe.txt", "ü"), member("empty", "")}));
  EXPECT_EQ(python(R"(
import tarfile
for m in tarfile.open('a.tar'):
    print(m.name if len(m.name) < 30 else len(m.name), oct(m.mode), m.uid, m.gid, m.mtime, repr(m.uname), m.type.decode(), m.size)
)"),
            "b 0o755 0 0 0 '' 5 0\n120 0o755 0 0 0 '' 5 0\nb/x 0o644 0 0 0 '' 0 7\n214 0o644 0 0 0 '' 0 4\n"
            "empty 0o644 0 0 0 '' 0 0\ngröße.txt 0o644 0 0 0 '' 0 2\n204 0o644 0 0 0 '' 0 4\nrun 0o755 0 0 0 "
            "'' 0 2\n");
  EXPECT_EQ(run({"tar", "-tf", "a.tar"}).exit, 0);
}

TEST_F(TarTest, RoundTrip) {
  const std::string deep = std::string(120, 'd') + "/" + std::string(120, 'e') + "/" + std::string(200, 'f');
  const Path tar =
      put("a.tar", tar_of({member("b/x", std::string(1000, 'c')), member("run", "#!", true),
                           member(deep, "deep"), member("größe/ü.txt", "ü"), member("empty", "")}));
  const auto entries = list_tar(tar);
  ASSERT_EQ(entries.size(), 5U);
  const auto into = folder() / "out";
  fs::make_folders(into);
  const auto old = ::umask(077);
  extract_tar(tar, into, plenty);
  ::umask(old);
  for (const auto& entry : entries) {
    EXPECT_EQ(fs::hash_file(into / entry.path), entry.digest) << entry.path;
    EXPECT_EQ(fs::stat(into / entry.path)->mode, entry.executable ? 0755U : 0644U) << entry.path;
  }
  EXPECT_EQ(fs::walk(into).size(), 5U);
  EXPECT_EQ(fs::stat(into / "b")->mode, 0755U);
  EXPECT_EQ(fs::read_file(into / "größe/ü.txt"), "ü");
}

TEST_F(TarTest, AnEmptyTree) {
  const Path tar = put("a.tar", tar_of({}));
  EXPECT_TRUE(list_tar(tar).empty());
}

TEST_F(TarTest, LargeFilesNeedNoMemory) {
  TarMember big{"big", false, 9ULL << 30U, [](const auto& sink) {
                  const std::string piece(1U << 20U, 'x');
                  for (int i = 0; i < 9 * 1024; ++i) sink(piece);
                }};
  std::string head;
  std::uint64_t total = 0;
  write_tar({big}, [&](std::string_view data) {
    total += data.size();
    if (head.size() < 2048) head += data.substr(0, 2048);
  });
  EXPECT_EQ(total, (9ULL << 30U) + 512 * 3 + 1024);
  EXPECT_NE(head.find("19 size=9663676416\n"), std::string::npos);
}

TEST_F(TarTest, RefusesBadMembers) {
  const auto code = [](std::vector<TarMember> members) {
    return error_of([&] { tar_of(std::move(members)); }).code();
  };
  EXPECT_EQ(code({member("a", "1"), member("a", "2")}), ErrorCode::duplicate_path);
  EXPECT_EQ(code({member("a", "1"), member("a/b", "2")}), ErrorCode::duplicate_path);
  EXPECT_EQ(code({member("a", "1"), member("a.b", "1"), member("a/b/c", "2")}), ErrorCode::duplicate_path);
  for (const std::string path :
       {"/a", "../a", "a/./b", "a//b", "", "a/", "a\nb", "a\x7f", "gr\xff", "gro\xcc\x88"}) {
    EXPECT_EQ(code({member(path, "")}), ErrorCode::source_tree) << path;
  }
  TarMember shrunk = member("a", "12");
  shrunk.size = 3;
  EXPECT_EQ(code({shrunk}), ErrorCode::source_tree);
}

TEST_F(TarTest, RefusesForeignAndHostileOnes) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"link", "add('a', tarfile.SYMTYPE, linkname='/etc/passwd')"},
      {"link", "add('a', data=b'x'); add('b', tarfile.LNKTYPE, linkname='a')"},
      {"special", "add('a', tarfile.FIFOTYPE)"},
      {"special", "add('a', tarfile.CHRTYPE)"},
      {"absolute", "add('/tmp/a', data=b'x')"},
      {"'..' component", "add('../a', data=b'x')"},
      {"'.' or", "add('./a', data=b'x')"},
      {"control", "add('a\\nb', data=b'x')"},
      {"twice", "add('a', data=b'x'); add('a', data=b'y')"},
      {"order", "add('b', data=b'x'); add('a', data=b'y')"},
      {"order", "add('a', data=b'x'); add('d', tarfile.DIRTYPE, 0o755)"},
      {"folder of", "add('d/a', data=b'x')"},
      {"without files", "add('d', tarfile.DIRTYPE, 0o755); add('e', data=b'x')"},
      {"also a folder", "add('d', tarfile.DIRTYPE, 0o755); add('d', data=b'x')"},
      {"mode", "add('a', mode=0o4755, data=b'x')"},
      {"mode", "add('a', mode=0o600, data=b'x')"},
      {"not canonical", "add('a', data=b'x', mtime=1)"},
      {"not canonical", "add('a', data=b'x', uid=1000)"},
      {"not canonical", "add('a', data=b'x', uname='root')"},
  };
  const auto into = folder() / "out";
  for (const auto& [rule, members] : table) {
    SCOPED_TRACE(members);
    const Path tar = foreign(members);
    fs::make_folders(into);
    const Error error = error_of([&] { extract_tar(tar, into, plenty); });
    EXPECT_EQ(error.code(), ErrorCode::archive);
    EXPECT_NE(error.message().find(rule), std::string::npos) << error.message();
    EXPECT_TRUE(fs::walk(folder(), [](const Path& p) { return p == "bad.tar"; }).empty())
        << "something was written";
  }
}

TEST_F(TarTest, RefusesDamagedOnes) {
  const std::string good = tar_of({member("a/b", "content"), member("c", std::string(700, 'x'))});
  const auto refused = [&](const std::string& bytes) {
    const Path tar = put("bad.tar", bytes);
    return error_of([&] { (void)list_tar(tar); }).code() == ErrorCode::archive;
  };
  EXPECT_TRUE(refused(""));
  EXPECT_TRUE(refused("hello"));
  EXPECT_TRUE(refused(good + std::string(512, '\0')));
  EXPECT_TRUE(refused(good + good));
  EXPECT_TRUE(refused(good.substr(0, good.size() - 512)));
  EXPECT_TRUE(refused(good.substr(0, good.size() - 1024)));
  EXPECT_TRUE(refused(good.substr(0, 1100)));
  EXPECT_TRUE(refused("\x1f\x8b" + good));
}

// Every byte but the content counts. Each fifth is tried: 5 and the block size share no factor.
TEST_F(TarTest, NoHeaderByteIsFree) {
  const std::string good = tar_of({member("a/b", "content"), member(std::string(150, 'l'), "x")});
  for (size_t i = 0; i < good.size(); i += 5) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x01);
    const Path tar = put("bad.tar", bad);
    try {
      const auto entries = list_tar(tar);
      std::vector<TarMember> again;
      for (const auto& e : entries) again.push_back(member(e.path, std::string(e.size, 'x'), e.executable));
      // Accepted: then only content differs, so the headers written again are these.
      EXPECT_EQ(tar_of(again).size(), bad.size()) << i;
      EXPECT_EQ(tar_of(again).substr(0, 1024), bad.substr(0, 1024)) << i;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::archive) << i << error.message();
    }
  }
}

TEST_F(TarTest, RefusesMoreThanTheLimit) {
  const Path tar = put("a.tar", tar_of({member("a", "12345"), member("b", "12345")}));
  const auto into = folder() / "out";
  fs::make_folders(into);
  EXPECT_EQ(error_of([&] { extract_tar(tar, into, 9); }).code(), ErrorCode::archive);
  EXPECT_TRUE(fs::walk(into).empty());
  EXPECT_NO_THROW(extract_tar(tar, into, 10));
  // A second time: nothing is overwritten.
  EXPECT_THROW(extract_tar(tar, into, 10), Error);
}

TEST_F(TarTest, NeverWritesThroughALink) {
  const Path tar = put("a.tar", tar_of({member("d/a", "12345")}));
  fs::make_folders(folder() / "out");
  fs::make_folders(folder() / "elsewhere");
  std::filesystem::create_symlink(folder() / "elsewhere", folder() / "out/d");
  EXPECT_THROW(extract_tar(tar, folder() / "out", plenty), Error);
  EXPECT_TRUE(fs::walk(folder() / "elsewhere").empty());
}

}  // namespace
}  // namespace mlship::test
