// pip's requirements file with hashes, as the tools write it and as attackers and accidents do.
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/host/fs.h"
#include "packager/lock.h"
#include "tests/support/source_folder.h"

namespace mlship {
namespace {

const std::string hash_a(64, 'a');
const std::string hash_b(64, 'b');

std::string sha(const std::string& hex) {
  return " --hash=sha256:" + hex;
}

TEST(Requirements, ReadWhatEveryToolWrites) {
  for (const std::string tool : {"pdm-export", "pex-export", "pip-tools", "poetry-export", "uv-export",
                                 "uv-pip-compile", "uv-universal"}) {
    const std::string file = "requirements." + tool + ".txt";
    const Lock lock = read_lock(fs::read_file(test::source_folder() / "tests/data/locks" / file), file);
    EXPECT_EQ(lock.format, "requirements") << tool;
    std::set<std::string> names;
    for (const auto& r : lock.requirements) {
      names.insert(r.normal);
      EXPECT_FALSE(r.hashes.empty()) << tool << " " << r.name;
      EXPECT_FALSE(r.version.empty());
      EXPECT_TRUE(r.origin.starts_with(file + ":")) << r.origin;
    }
    for (const auto* name : {"numpy", "requests", "scikit-learn", "python-dateutil", "certifi", "urllib3"}) {
      EXPECT_TRUE(names.contains(name)) << tool << " " << name;
    }
  }
}

TEST(Requirements, ReadEveryFormOfALine) {
  const std::string text =
      "\xEF\xBB\xBF# a comment\r\n"
      "--index-url https://${USER}:${TOKEN}@index.test/simple\r\n"
      "-i https://index.test/simple\n--trusted-host index.test\n--only-binary :all:\n"
      "--require-hashes\n--find-links ./wheels\n--pre\n"
      "Foo.Bar_baz == 1.0+local.1 ; python_version >= '3.8' \\\r\n   --hash=sha256:" +
      hash_a + " \\\r\n   --hash=sha512:00 --hash=sha256:" + hash_b +
      "   # why\n    # via other\n\n"
      "requests[socks, security]===2.32.0" +
      sha(hash_a) + "\nplain==1" + sha(hash_a) + "\nspaced (==1.5) --hash sha256:" + hash_a +
      "\nw @ https://index.test/w-1.0-py3-none-any.whl#sha256=" + hash_a +
      "&egg=w ; sys_platform == 'linux'\nhttps://index.test/x%2B/x-2.0-py3-none-any.whl" + sha(hash_b) +
      "\nlast==1" + sha(hash_a) + " \\";
  const Lock lock = read_lock(text, "locks/requirements.lock");
  ASSERT_EQ(lock.requirements.size(), 7U);
  const auto& r = lock.requirements;
  EXPECT_EQ(r[0].name, "Foo.Bar_baz");
  EXPECT_EQ(r[0].normal, "foo-bar-baz");
  EXPECT_EQ(r[0].version, "1.0+local.1");
  EXPECT_EQ(r[0].marker, "python_version >= '3.8'");
  EXPECT_EQ(r[0].hashes, (std::vector<Digest>{*Digest::from_hex(hash_a), *Digest::from_hex(hash_b)}));
  EXPECT_EQ(r[0].origin, "locks/requirements.lock:9");
  EXPECT_EQ(r[1].name + " " + r[1].version, "requests 2.32.0");
  EXPECT_EQ(r[1].origin, "locks/requirements.lock:14");
  EXPECT_EQ(r[3].version, "1.5");
  EXPECT_EQ(r[4].url, "https://index.test/w-1.0-py3-none-any.whl");
  EXPECT_EQ(r[4].file, "w-1.0-py3-none-any.whl");
  EXPECT_EQ(r[4].marker, "sys_platform == 'linux'");
  EXPECT_EQ(r[4].hashes.size(), 1U);
  EXPECT_EQ(r[5].name + " " + r[5].version, "x 2.0");
  EXPECT_EQ(r[6].name, "last");
}

TEST(Requirements, TakeMarkersWithTheLiteralOnTheLeft) {
  const std::string hash = " --hash=sha256:" + std::string(64, 'a');
  for (const std::string marker :
       {"'3.11.7' ~= python_full_version", "\"2.7\" ~= python_version", "'3.11' === python_version",
        "'3.9.1' ~= implementation_version", "'5.10.3' ~= platform_release", "'3' > python_version"}) {
    EXPECT_EQ(read_lock("x==1 ; " + marker + hash, "requirements.txt").requirements.at(0).marker, marker);
  }
  for (const std::string marker : {"'linux' ~= sys_platform", "'posix' === os_name",
                                   "'1' ~= platform_machine", "'3.11' ~= '3.11'", "python_version ~= '3'"}) {
    EXPECT_THROW(read_lock("x==1 ; " + marker + hash, "requirements.txt"), Error) << marker;
  }
}

TEST(Requirements, ReadAnEmptyLock) {
  EXPECT_TRUE(read_lock("# nothing needed\n", "requirements.txt").requirements.empty());
  EXPECT_TRUE(read_lock("", "requirements.txt").requirements.empty());
}

struct Bad {
  std::string text;
  const char* message;  // after "cannot read requirements.txt:"
};

TEST(Requirements, RefuseWhatDoesNotPinOneSetOfFiles) {
  const std::string url = "https://index.test/w-1.0-py3-none-any.whl";
  const Bad cases[] = {
      {"a==1\n", "1: a 1 has no sha256 hash"},
      {"\n\na==1 --hash=md5:d41d8cd98f00b204e9800998ecf8427e", "3: a 1 has no sha256 hash"},
      {"a==1 --hash=sha1:00", "1: a 1 has no sha256 hash"},
      {"a==1 --hash=sha256:12", "1: 'sha256:12' is not a sha256 hash"},
      {"a==1 --hash=sha256:" + std::string(64, 'g'), "is not a sha256 hash"},
      {"a>=1" + sha(hash_a), "1: a is not pinned to one version with =="},
      {"a" + sha(hash_a), "1: a is not pinned"},
      {"a==1.*" + sha(hash_a), "1: a is not pinned"},
      {"a==1,<2" + sha(hash_a), "1: a is not pinned"},
      {"a~=1.0" + sha(hash_a), "1: a is not pinned"},
      {"a==banana" + sha(hash_a), "1: 'banana' is not a version of a"},
      {"a==1 ; python_version >= 3" + sha(hash_a), "1: bad marker"},
      {"a==1 ; os_nam == 'x'" + sha(hash_a), "unknown variable 'os_nam'"},
      {"a[b==1" + sha(hash_a), "1: a ']' is missing"},
      {"-r other.txt", "1: another file is included"},
      {"--requirement=other.txt", "1: another file is included"},
      {"-cother.txt", "1: a constraints file is included"},
      {"-e .", "1: an editable requirement cannot be locked"},
      {"--require-hash", "1: unknown option --require-hash (did you mean '--require-hashes'?)"},
      {"a==${VERSION}" + sha(hash_a), "1: the environment variable ${VERSION} would change what is locked"},
      {"--find-links ${HOME}/x", "1: the environment variable ${HOME}"},
      {"git+https://index.test/x.git#egg=x" + sha(hash_a), "only https: and http: URLs"},
      {"x @ git+ssh://index.test/x.git" + sha(hash_a), "only https: and http: URLs"},
      {"x @ file:///tmp/x-1-py3-none-any.whl" + sha(hash_a), "only https: and http: URLs"},
      {"./x-1-py3-none-any.whl" + sha(hash_a), "a path on this machine cannot be locked"},
      {"wheels/x-1-py3-none-any.whl" + sha(hash_a), "a path on this machine cannot be locked"},
      {"w @ " + url, "1: w 1.0 has no sha256 hash"},
      {url + "#md5=00", "1: w 1.0 has no sha256 hash"},
      {"other @ " + url + sha(hash_a), "is not a wheel of other"},
      {"x @ https://index.test/x-1.tar.gz" + sha(hash_a), "does not name a wheel"},
      {"x @ https://index.test/..%2F..%2Fx-1-py3-none-any.whl" + sha(hash_a), "does not name a wheel"},
      {"x @ https://me:secret@index.test/x-1-py3-none-any.whl" + sha(hash_a), "holds a password"},
      {"a==1" + sha(hash_a) + " --global-option=x",
       "option --global-option only matters to a build from source"},
      {"a==1 \\\n# why\n --hash=sha256:" + hash_a, "1: a backslash is missing"},
      {"!!!" + sha(hash_a), "does not start with a package's name"},
      {std::string(300, 'a') + "==1" + sha(hash_a), "does not start with a package's name"},
  };
  for (const auto& c : cases) {
    try {
      read_lock(c.text, "requirements.txt");
      ADD_FAILURE() << "accepted: " << c.text;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::lock);
      EXPECT_EQ(e.exit_code(), ExitCode::bad_input);
      EXPECT_TRUE(e.message().starts_with("cannot read requirements.txt:")) << e.message();
      EXPECT_NE(e.message().find(c.message), std::string::npos) << e.message();
      EXPECT_EQ(e.message().find("secret"), std::string::npos);
    }
  }
}

TEST(Requirements, SayWhichHashWasFoundInstead) {
  try {
    read_lock("a==1 --hash=md5:00 --hash=sha1:00", "requirements.txt");
    FAIL();
  } catch (const Error& e) {
    ASSERT_EQ(e.facts().size(), 1U);
    EXPECT_EQ(e.facts()[0].value, "md5, sha1, which is not accepted");
  }
  EXPECT_THROW(read_lock(std::string("a==1\0b", 6), "requirements.txt"), Error);
}

TEST(Locks, AreKnownByNameOrFirstLine) {
  EXPECT_EQ(read_lock("a==1" + sha(hash_a), "frozen.lock").requirements.size(), 1U);
  EXPECT_EQ(read_lock("# by a tool\n--require-hashes\na==1" + sha(hash_a), "x").requirements.size(), 1U);
  for (const std::string other : {"version = 1\n[[package]]\nname = \"a==1\"\n", "{\"a\": \"==1\"}",
                                  "[[package]]\n", "version: 6\n", ""}) {
    EXPECT_THROW(read_lock(other, "uv.lock"), Error) << other;
  }
}

TEST(Locks, SayWhatHelps) {
  struct Case {
    std::string file, text, said;
  };
  const std::vector<Case> cases{
      {"uv.lock", "version = 1\nrevision = 3\n", "uv export"},
      {"locks/linux.lock", "version = 1\nrevision = 3\n", "uv export"},
      {"poetry.lock", "[[package]]\n", "poetry export"},
      {"pdm.lock", "[metadata]\n", "pdm export"},
      {"Pipfile.lock", "{\n  \"_meta\": {}}", "pipenv requirements --hash"},
      {"requirements.txt", "-e .\n", "--no-emit-project"},
      {"requirements.txt", "--editable=git+https://git.test/a\n", "--no-emit-project"},
      {"requirements.txt", "a==1\n  --hash=sha256:00\n", "backslash"},
      {"requirements.txt", "a==1  # note\n# more\n--hash=sha256:00\n", "backslash"},
      {"requirements.txt",
       std::string("\xFF\xFE"
                   "a\0=\0",
                   6),
       "UTF-8"},
      {"requirements.txt",
       std::string("\xFE\xFF"
                   "\0a\0=",
                   6),
       "UTF-8"},
  };
  for (const auto& c : cases) {
    try {
      read_lock(c.text, c.file);
      ADD_FAILURE() << c.file << " " << c.text;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::lock);
      EXPECT_NE(e.hint_text().find(c.said), std::string::npos) << c.text << ": " << e.hint_text();
    }
  }
}

}  // namespace
}  // namespace mlship
