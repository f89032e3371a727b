// Hostile zips are forged field by field here; ordinary ones are written by Python's zipfile.
#include <functional>
#include <optional>

#include <zlib.h>

#include "packager/zip.h"
#include "tests/unit/packager/archive_fixture.h"

namespace mlship::test {
namespace {

std::string le(std::uint64_t value, size_t length) {
  std::string out;
  for (size_t i = 0; i < length; ++i, value >>= 8U) out += static_cast<char>(value & 0xffU);
  return out;
}

std::string deflate_raw(const std::string& data) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string in = data;
  std::string out(deflateBound(&stream, data.size()) + 16, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::uint32_t crc_of(const std::string& data) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size()));
}

struct Header {
  std::string name;
  unsigned flags = 0, method = 0;
  std::uint64_t crc = 0, compressed = 0, size = 0;
  std::string extra;
};

// One member: its two headers can be made to differ.
struct Part {
  Header local, central;
  std::string data, before, descriptor, comment;
  std::uint64_t attributes = 0100644ULL << 16U;
  unsigned disk = 0;
  std::optional<std::uint64_t> offset;
};

Part part(const std::string& name, const std::string& content, bool deflated = false) {
  Part out;
  out.data = deflated ? deflate_raw(content) : content;
  out.central = {name, 0, deflated ? 8U : 0U, crc_of(content), out.data.size(), content.size(), ""};
  out.local = out.central;
  return out;
}

Part folder_part(const std::string& name, const std::string& content) {
  Part out = part(name, content);
  out.attributes = 0040755ULL << 16U;
  return out;
}

// As a streaming writer: zero sizes in front, a descriptor behind.
Part streamed(const std::string& name, const std::string& content) {
  Part out = part(name, content, true);
  out.local.flags = out.central.flags = 8;
  out.local.crc = out.local.compressed = out.local.size = 0;
  out.descriptor =
      "PK\x07\x08" + le(out.central.crc, 4) + le(out.central.compressed, 4) + le(out.central.size, 4);
  return out;
}

struct Tail {
  std::string gap, directory_gap, comment, after;
  int entries_off = 0;
  std::uint64_t disk = 0;
  std::int64_t offset_off = 0, size_off = 0;
  std::string zip64;  // records between the directory and the end record
  bool saturate = false;
};

std::string shared(const Header& h) {
  return le(20, 2) + le(h.flags, 2) + le(h.method, 2) + le(0, 2) + le(33, 2) + le(h.crc, 4) +
         le(h.compressed, 4) + le(h.size, 4) + le(h.name.size(), 2) + le(h.extra.size(), 2);
}

std::string forge(const std::vector<Part>& parts, const Tail& tail = {}) {
  std::string out;
  std::string directory;
  for (const auto& p : parts) {
    out += p.before;
    const std::uint64_t offset = p.offset.value_or(out.size());
    directory += "PK\x01\x02" + le(3U << 8U | 20U, 2) + shared(p.central) + le(p.comment.size(), 2) +
                 le(p.disk, 2) + le(0, 2) + le(p.attributes, 4) + le(offset, 4) + p.central.name +
                 p.central.extra + p.comment;
    out += "PK\x03\x04" + shared(p.local) + p.local.name + p.local.extra + p.data + p.descriptor;
  }
  out += tail.gap;
  const auto offset = static_cast<std::int64_t>(out.size()) + tail.offset_off;
  const auto size = static_cast<std::int64_t>(directory.size()) + tail.size_off;
  const auto entries = static_cast<std::uint64_t>(static_cast<int>(parts.size()) + tail.entries_off);
  out += directory + tail.directory_gap + tail.zip64;
  out += "PK\x05\x06" + le(tail.disk, 2) + le(tail.disk, 2) + le(entries, 2) + le(entries, 2);
  out += tail.saturate ? le(0xffffffff, 4) + le(0xffffffff, 4)
                       : le(static_cast<std::uint64_t>(size), 4) + le(static_cast<std::uint64_t>(offset), 4);
  return out + le(tail.comment.size(), 2) + tail.comment + tail.after;
}

std::string zip64_records(std::uint64_t entries, std::uint64_t size, std::uint64_t offset,
                          std::uint64_t position, std::uint64_t length = 44) {
  return "PK\x06\x06" + le(length, 8) + le(45, 2) + le(45, 2) + le(0, 4) + le(0, 4) + le(entries, 8) +
         le(entries, 8) + le(size, 8) + le(offset, 8) + "PK\x06\x07" + le(0, 4) + le(position, 8) + le(1, 4);
}

void read_all(const Path& file, ZipLimits limits = {}) {
  const ZipReader zip(file, limits);
  for (const auto& entry : zip.entries()) {
    if (!entry.folder) zip.read(entry, [](std::string_view) {});
  }
}

class ZipReaderTest : public ArchiveTest {};

TEST_F(ZipReaderTest, ReadsWhatPythonWrites) {
  python(R"(
import zipfile
z = zipfile.ZipFile('a.zip', 'w', zipfile.ZIP_DEFLATED)
z.writestr('pkg/a.py', 'print(1)\n' * 1000)
z.writestr(zipfile.ZipInfo('pkg/stored.bin'), bytes(range(256)))
z.mkdir('pkg/folder') if hasattr(z, 'mkdir') else z.writestr('pkg/folder/', b'')
info = zipfile.ZipInfo('bin/tool'); info.external_attr = 0o100755 << 16
z.writestr(info, '#!/bin/sh\n')
z.writestr('pkg/größe.txt', 'ü')
z.writestr('empty', b'')
z.comment = b'a comment'
z.close()
)");
  const ZipReader zip(folder() / "a.zip");
  ASSERT_EQ(zip.entries().size(), 6U);
  EXPECT_EQ(zip.read(*zip.find("pkg/a.py")).substr(0, 9), "print(1)\n");
  EXPECT_EQ(zip.read(*zip.find("pkg/stored.bin")).size(), 256U);
  EXPECT_TRUE(zip.find("pkg/folder")->folder);
  EXPECT_TRUE(zip.find("bin/tool")->executable);
  EXPECT_FALSE(zip.find("pkg/a.py")->executable);
  EXPECT_EQ(zip.read(*zip.find("pkg/größe.txt")), "ü");
  EXPECT_EQ(zip.read(*zip.find("empty")), "");
  EXPECT_EQ(zip.find("missing"), nullptr);
}

// A pipe cannot be seeked: sizes come in data descriptors, wide ones with force_zip64.
TEST_F(ZipReaderTest, ReadsWhatPythonStreams) {
  python(R"(
import io, zipfile
class Pipe(io.RawIOBase):
    def __init__(self, f): self.f = f
    def writable(self): return True
    def write(self, b): return self.f.write(b)
    def seekable(self): return False
with open('s.zip', 'wb') as f:
    with zipfile.ZipFile(Pipe(f), 'w', zipfile.ZIP_DEFLATED) as z:
        z.writestr('a.txt', 'alpha' * 100)
        with z.open(zipfile.ZipInfo('dir/wide.txt'), 'w', force_zip64=True) as m: pass
        i = zipfile.ZipInfo('dir/b.txt'); i.compress_type = zipfile.ZIP_DEFLATED
        with z.open(i, 'w', force_zip64=True) as m: m.write(b'beta' * 100)
)");
  const ZipReader zip(folder() / "s.zip");
  EXPECT_EQ(zip.read(*zip.find("a.txt")).size(), 500U);
  EXPECT_EQ(zip.read(*zip.find("dir/b.txt")).size(), 400U);
  EXPECT_EQ(zip.read(*zip.find("dir/wide.txt")), "");
}

TEST_F(ZipReaderTest, ReadsForcedZip64) {
  python(R"(
import zipfile
z = zipfile.ZipFile('w.zip', 'w')
with z.open('big', 'w', force_zip64=True) as m: m.write(b'x' * 10)
z.close()
)");
  EXPECT_NO_THROW(read_all(folder() / "w.zip"));
}

TEST_F(ZipReaderTest, ReadsMoreEntriesThanSixteenBitsCount) {
  python(R"(
import zipfile
with zipfile.ZipFile('many.zip', 'w') as z:
    for i in range(65600): z.writestr(f'{i}', b'')
)");
  EXPECT_EQ(ZipReader(folder() / "many.zip").entries().size(), 65600U);
  ZipLimits few;
  few.entries = 1000;
  EXPECT_EQ(error_of([&] { ZipReader(folder() / "many.zip", few); }).code(), ErrorCode::archive);
}

TEST_F(ZipReaderTest, ReadsForgedOrdinaryOnes) {
  const auto one = part("a", "alpha");
  const std::string records = zip64_records(1, 47, 36, 36 + 47);
  Tail wide;
  wide.zip64 = records;
  wide.saturate = true;
  Part mac = part("a", "alpha");
  mac.central.extra = le(0x5455, 2) + le(5, 2) + std::string(5, '\1');
  mac.local.extra = le(0x7875, 2) + le(2, 2) + std::string(2, '\1');
  Part bare = streamed("a", "alpha");
  bare.descriptor = bare.descriptor.substr(4);
  Part reordered_b = part("b", "beta");
  for (const auto& zip : {forge({}), forge({one, part("b", "")}), forge({one}, wide), forge({mac}),
                          forge({bare}), forge({streamed("a", "alpha"), reordered_b})}) {
    EXPECT_NO_THROW(read_all(put("ok.zip", zip)));
  }
}

struct Hostile {
  std::string rule;  // a part of the message
  std::function<std::string()> make;
};

std::string with(const std::function<void(Part&)>& change, bool deflated = false) {
  Part p = part("a", "alpha", deflated);
  change(p);
  return forge({p, part("z", "zeta")});
}
std::string named(const std::string& name) {
  return with([&](Part& p) { p.local.name = p.central.name = name; });
}
std::string with_extra(const std::string& extra) {
  return with([&](Part& p) { p.central.extra = extra; });
}
std::string moded(unsigned mode) {
  return with([&](Part& p) { p.attributes = static_cast<std::uint64_t>(mode) << 16U; });
}
std::string streamed_with(const std::function<void(Part&)>& change) {
  Part p = streamed("a", "alpha");
  change(p);
  return forge({p, part("z", "zeta")});
}
std::string tailed(const std::function<void(Tail&)>& change) {
  Tail tail;
  change(tail);
  return forge({part("a", "alpha"), part("z", "zeta")}, tail);
}

const std::vector<Hostile>& names_and_attributes() {
  static const std::vector<Hostile> table{
      {"absolute", [] { return named("/etc/passwd"); }},
      {"component", [] { return named("../a"); }},
      {"component", [] { return named("a/../../b"); }},
      {"component", [] { return named("./a"); }},
      {"component", [] { return named("a//b"); }},
      {"component", [] { return named("a//"); }},
      {"backslash", [] { return named("..\\x"); }},
      {"NUL", [] { return named(std::string("a.py\0.txt", 9)); }},
      {"control", [] { return named("a\nb"); }},
      {"is empty", [] { return named(""); }},
      {"marked as UTF-8", [] { return named("gr\xc3\xb6\xc3\x9f"); }},
      {"UTF-8",
       [] {
         return with([](Part& p) {
           p.local.name = p.central.name = "\xff\xfe";
           p.local.flags = p.central.flags = 0x0800;
         });
       }},
      {"UTF-8",
       [] {  // an overlong '/'
         return with([](Part& p) {
           p.local.name = p.central.name =
               "a\xc0\xaf"
               "b";
           p.local.flags = p.central.flags = 0x0800;
         });
       }},
      {"stands twice", [] { return forge({part("a", "1"), part("a", "2")}); }},
      {"stands twice", [] { return forge({part("a", ""), folder_part("a/", "")}); }},
      {"also a folder", [] { return forge({part("a", "1"), part("a/b", "2")}); }},
      {"a link", [] { return moded(0120777); }},
      {"a link", [] { return moded(0020644); }},
      {"a link", [] { return moded(0010644); }},
      {"a link", [] { return moded(0040755); }},
      {"setuid", [] { return moded(0104755); }},
      {"claims to be a folder", [] { return with([](Part& p) { p.attributes = 0x10; }); }},
      {"has content", [] { return forge({folder_part("a/", "x")}); }},
      {"different name", [] { return with_extra(le(0x7075, 2) + le(6, 2) + "\1" + le(0, 4) + "b"); }},
  };
  return table;
}

const std::vector<Hostile>& headers() {
  static const std::vector<Hostile> table{
      {"contradict", [] { return with([](Part& p) { p.local.name = "b"; }); }},
      {"contradict", [] { return with([](Part& p) { p.local.crc ^= 1U; }); }},
      {"contradict", [] { return with([](Part& p) { p.local.size = 4; }); }},
      {"contradict", [] { return with([](Part& p) { p.local.compressed = 4; }); }},
      {"contradict", [] { return with([](Part& p) { p.local.method = 8; }); }},
      {"contradict", [] { return with([](Part& p) { p.local.flags = 8; }); }},
      {"contradict", [] { return with([](Part& p) { p.local.flags = 1; }); }},
      {"two sizes", [] { return with([](Part& p) { p.central.size = 4; }); }},
      {"encrypted", [] { return with([](Part& p) { p.local.flags = p.central.flags = 1; }); }},
      {"encrypted", [] { return with([](Part& p) { p.local.flags = p.central.flags = 0x2000; }); }},
      {"method 12", [] { return with([](Part& p) { p.local.method = p.central.method = 12; }); }},
      {"method 99", [] { return with([](Part& p) { p.local.method = p.central.method = 99; }); }},
      {"CRC", [] { return with([](Part& p) { p.local.crc = p.central.crc = 7; }); }},
      {"several", [] { return with([](Part& p) { p.disk = 1; }); }},
      {"extra field", [] { return with_extra("\1"); }},
      {"extra field", [] { return with_extra(le(0x5455, 2) + le(9, 2) + "x"); }},
      {"zip64 field", [] { return with_extra(le(1, 2) + le(8, 2) + le(5, 8)); }},
      {"two zip64", [] { return with_extra(le(1, 2) + le(0, 2) + le(1, 2) + le(0, 2)); }},
      {"zip64 field", [] { return with([](Part& p) { p.central.size = 0xffffffff; }); }},
      {"zip64 field", [] { return with([](Part& p) { p.local.size = 0xffffffff; }); }},
      {"zip64 field",
       [] { return with([](Part& p) { p.local.extra = le(1, 2) + le(16, 2) + le(6, 8) + le(5, 8); }); }},
      {"contradict",
       [] {
         return with([](Part& p) {
           p.local.size = p.local.compressed = 0xffffffff;
           p.local.extra = le(1, 2) + le(16, 2) + le(6, 8) + le(6, 8);
         });
       }},
      {"bytes after its deflate",
       [] {
         return with(
             [](Part& p) {
               p.data += "x";
               p.local.compressed = p.central.compressed = p.data.size();
             },
             true);
       }},
      {"cut off",
       [] {
         return with(
             [](Part& p) {
               p.data.pop_back();
               p.local.compressed = p.central.compressed = p.data.size();
             },
             true);
       }},
      {"longer than", [] { return with([](Part& p) { p.local.size = p.central.size = 3; }, true); }},
      {"shorter than", [] { return with([](Part& p) { p.local.size = p.central.size = 9; }, true); }},
      {"not valid deflate", [] { return with([](Part& p) { p.data[0] = '\7'; }, true); }},
      {"data descriptor", [] { return streamed_with([](Part& p) { p.descriptor[4] ^= 1; }); }},
      {"data descriptor", [] { return streamed_with([](Part& p) { p.descriptor[12] ^= 1; }); }},
      {"data descriptor", [] { return streamed_with([](Part& p) { p.descriptor.clear(); }); }},
      {"data descriptor", [] { return streamed_with([](Part& p) { p.descriptor += "PK\x07\x08"; }); }},
      {"data descriptor",
       [] {
         return streamed_with([](Part& p) {
           p.descriptor =
               "PK\x07\x08" + le(p.central.crc, 4) + le(p.central.compressed, 8) + le(p.central.size, 8);
         });
       }},
      {"contradict", [] { return streamed_with([](Part& p) { p.local.size = 77; }); }},
      {"ambiguous",
       [] {
         return with([](Part& p) {
           p.local.flags = p.central.flags = 8;
           p.descriptor = "PK\x07\x08" + le(p.central.crc, 4) + le(5, 4) + le(5, 4);
         });
       }},
      {"belong to no record", [] { return with([](Part& p) { p.data += "hidden"; }); }},
      {"overlaps", [] { return with([](Part& p) { p.data = "al"; }); }},
      {"belong to none", [] { return with([](Part& p) { p.before = "#!/bin/sh\n"; }); }},
      {"overlaps",
       [] {
         Part second = part("b", "2");
         second.offset = 5;
         return forge({part("a", "1"), second});
       }},
      {"local header",
       [] {
         Part second = part("b", "2");
         second.before = std::string(40, 'x');
         second.offset = 32;
         return forge({part("a", "1"), second});
       }},
      {"overlaps",
       [] {
         return forge({part("a", "1"), [] {
                         auto p = part("a2", "1");
                         p.offset = 0;
                         return p;
                       }()});
       }},
      {"outside",
       [] {
         return forge({part("a", "1"), [] {
                         auto p = part("b", "2");
                         p.offset = 90000;
                         return p;
                       }()});
       }},
  };
  return table;
}

const std::vector<Hostile>& ends() {
  static const std::vector<Hostile> table{
      {"end record", [] { return std::string("not a zip at all, only some text"); }},
      {"end record", [] { return std::string(); }},
      {"end record", [] { return forge({part("a", "alpha")}).substr(0, 60); }},
      {"end record", [] { return tailed([](Tail& t) { t.after = "trailing"; }); }},
      {"second end", [] { return tailed([](Tail& t) { t.comment = forge({part("b", "beta")}); }); }},
      {"second end", [] { return tailed([](Tail& t) { t.comment = "PK\x05\x06"; }); }},
      {"more entries", [] { return tailed([](Tail& t) { t.entries_off = -1; }); }},
      {"fewer entries", [] { return tailed([](Tail& t) { t.entries_off = 1; }); }},
      {"several", [] { return tailed([](Tail& t) { t.disk = 1; }); }},
      {"where the end record", [] { return tailed([](Tail& t) { t.directory_gap = "gap"; }); }},
      {"where the end record", [] { return tailed([](Tail& t) { t.offset_off = -5; }); }},
      {"where the end record", [] { return tailed([](Tail& t) { t.size_off = 500; }); }},
      {"central directory", [] { return tailed([](Tail& t) { t.offset_off = 46, t.size_off = -46; }); }},
      {"belong to no record", [] { return tailed([](Tail& t) { t.gap = "between"; }); }},
      {"zip64 end record is missing", [] { return tailed([](Tail& t) { t.saturate = true; }); }},
      {"contradict", [] { return tailed([](Tail& t) { t.zip64 = zip64_records(1, 94, 71, 71 + 94); }); }},
      {"where it should be", [] { return tailed([](Tail& t) { t.zip64 = zip64_records(2, 94, 71, 3); }); }},
      {"where it should be",
       [] { return tailed([](Tail& t) { t.zip64 = zip64_records(2, 94, 71, 165, 45); }); }},
      {"where the end record", [] { return "MZ" + forge({}); }},
  };
  return table;
}

class HostileZip : public ZipReaderTest {
 protected:
  void expect_refused(const std::vector<Hostile>& table) {
    for (size_t i = 0; i < table.size(); ++i) {
      SCOPED_TRACE("row " + std::to_string(i) + ": " + table[i].rule);
      const Path file = put("bad.zip", table[i].make());
      const Error error = error_of([&] { read_all(file); });
      EXPECT_EQ(error.code(), ErrorCode::archive);
      EXPECT_NE(error.message().find(table[i].rule), std::string::npos) << error.message();
      EXPECT_NE(error.message().find("bad.zip"), std::string::npos) << error.message();
    }
  }
};

TEST_F(HostileZip, NamesAndAttributes) {
  expect_refused(names_and_attributes());
}
TEST_F(HostileZip, Headers) {
  expect_refused(headers());
}
TEST_F(HostileZip, EndRecords) {
  expect_refused(ends());
}

TEST_F(HostileZip, Bombs) {
  const std::string zeros(100U << 20U, '\0');
  const Path bomb = put("bad.zip", forge({part("zeros", zeros, true)}));
  const Error error = error_of([&] { ZipReader{bomb}; });
  EXPECT_EQ(error.code(), ErrorCode::archive);
  EXPECT_NE(error.message().find("50 times"), std::string::npos) << error.message();
  ZipLimits small;
  small.bytes = 8;
  const Path two = put("two.zip", forge({part("a", "alpha"), part("b", "beta")}));
  EXPECT_NE(error_of([&] { ZipReader(two, small); }).message().find("more than 8 bytes"), std::string::npos);
}

// Whatever one byte is changed to, the reader refuses or returns what it would have returned.
TEST_F(HostileZip, NoSingleByteChangesWhatIsRead) {
  const std::string good = forge({part("a", "alpha"), streamed("b/c", "beta beta beta")});
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x11);
    const Path file = put("bad.zip", bad);
    try {
      const ZipReader zip(file);
      ASSERT_EQ(zip.entries().size(), 2U) << i;
      EXPECT_EQ(zip.read(zip.entries()[0]), "alpha") << i;
      EXPECT_EQ(zip.read(zip.entries()[1]), "beta beta beta") << i;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::archive) << i;
    }
  }
}

TEST_F(ZipReaderTest, MissingFilesAndFolders) {
  EXPECT_EQ(error_of([&] { ZipReader(folder() / "none.zip"); }).code(), ErrorCode::not_found);
  EXPECT_EQ(error_of([&] { ZipReader{folder()}; }).code(), ErrorCode::io);
}

}  // namespace
}  // namespace mlship::test
