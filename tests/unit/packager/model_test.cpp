#include "packager/model.h"

#include "core/json_library.h"
#include "packager/zip.h"
#include "tests/unit/packager/archive_fixture.h"

namespace mlship::test {
namespace {

std::string le(std::uint64_t value, size_t length) {
  std::string out;
  for (size_t i = 0; i < length; ++i, value >>= 8U) out += static_cast<char>(value & 0xffU);
  return out;
}

std::string safetensors(const std::string& header, size_t buffer) {
  return le(header.size(), 8) + header + std::string(buffer, '\1');
}

class ModelTest : public ArchiveTest {
 protected:
  Json inspect(const std::string& name, const std::string& bytes, const std::string& format = "") const {
    return inspect_model(put(name, bytes), "models/" + name, format);
  }
};

constexpr auto two = R"({"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                     R"("b":{"dtype":"BF16","shape":[],"data_offsets":[24,26]},"__metadata__":{"k":"v"}})";

TEST_F(ModelTest, ReadsSafetensors) {
  const Json expected{
      {"format", "safetensors"}, {"tensors", 2}, {"parameters", 7}, {"dtypes", {"BF16", "F32"}}};
  EXPECT_EQ(inspect("m.safetensors", safetensors(two, 26)), expected);
  EXPECT_EQ(inspect("m.bin", safetensors(std::string(two) + "   ", 26)), expected);
  EXPECT_EQ(inspect("m.weights", safetensors(two, 26), "safetensors"), expected);
  EXPECT_EQ(inspect("none.safetensors", safetensors("{}", 0))["tensors"], 0);
  const std::string empty = R"({"e":{"dtype":"F32","shape":[0,4],"data_offsets":[0,0]}})";
  EXPECT_EQ(inspect("e.safetensors", safetensors(empty, 0))["parameters"], 0);
}

TEST_F(ModelTest, ReadsHeadersWithVeryManyTensors) {
  std::string header = "{";
  constexpr std::uint64_t tensors = 60'000;
  for (std::uint64_t i = 0; i < tensors; ++i) {
    header += (i == 0 ? "\"expert." : ",\"expert.") + std::to_string(i) +
              R"(":{"dtype":"U8","shape":[1],"data_offsets":[)" + std::to_string(i) + "," +
              std::to_string(i + 1) + "]}";
  }
  EXPECT_EQ(inspect("m.safetensors", safetensors(header + "}", tensors))["tensors"], tensors);
  EXPECT_THROW(inspect("m.safetensors", safetensors(header + ",\"expert.5\":{}}", tensors)), Error);
}

// A header of 640 bytes makes the file begin as a pickle does: 0x80 0x02.
TEST_F(ModelTest, AHeaderLengthIsNoPickle) {
  std::string header = two;
  header.resize(640, ' ');
  for (const std::string name : {"m.safetensors", "m.bin"}) {
    EXPECT_EQ(inspect(name, safetensors(header, 26))["format"], "safetensors") << name;
  }
}

TEST_F(ModelTest, RefusesHeadersThatLie) {
  const auto one = [](const std::string& entry, size_t buffer) {
    return safetensors("{\"a\":" + entry + "}", buffer);
  };
  const auto shaped = [&](const std::string& dtype, const std::string& shape, const std::string& offsets,
                          size_t n) {
    return one(R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}", n);
  };
  const std::string a = R"({"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  const std::vector<std::string> table{
      "",
      "short",
      le(100'000'001, 8) + "{}",
      le(~0ULL, 8) + "{}",
      le(50, 8) + "{}",
      safetensors(" {}", 0),
      safetensors("[]", 0),
      safetensors("{", 0),
      safetensors("{}x", 0),
      safetensors("{\"\xff\":1}", 0),
      safetensors("{\"a\":" + a + ",\"a\":" + a + "}", 4),
      safetensors(R"({"__metadata__":{"k":1}})", 0),
      safetensors(R"({"__metadata__":"v"})", 0),
      safetensors(std::string(10'000, '['), 0),
      safetensors("{}", 1),
      one("1", 0),
      one(R"({"dtype":"U8","shape":[4]})", 4),
      one(R"({"dtype":"U8","shape":[4],"data_offsets":[0,4],"more":1})", 4),
      one(R"({"dtype":8,"shape":[4],"data_offsets":[0,4]})", 4),
      shaped("U9", "[4]", "[0,4]", 4),
      shaped("U8", "4", "[0,4]", 4),
      shaped("U8", "[-4]", "[0,4]", 4),
      shaped("U8", "[4.0]", "[0,4]", 4),
      shaped("U8", "[\"4\"]", "[0,4]", 4),
      shaped("U8", "[4]", "[0]", 4),
      shaped("U8", "[4]", "[0,4,8]", 4),
      shaped("U8", "[4]", "[4,0]", 4),
      shaped("U8", "[4]", "[0,3]", 3),
      shaped("U8", "[4]", "[1,5]", 5),
      shaped("U8", "[4]", "[0,4]", 5),
      shaped("U8", "[4]", "[0,4]", 3),
      shaped("F4", "[3]", "[0,1]", 1),
      shaped("F64", "[2305843009213693952]", "[0,0]", 0),
      shaped("U8", "[4294967296,4294967296]", "[0,0]", 0),
      shaped("U8", "[18446744073709551616]", "[0,0]", 0),
      safetensors("{\"a\":" + a + ",\"b\":" + a + "}", 4),
      safetensors("{\"a\":" + a + R"(,"b":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}})", 4),
      safetensors("{\"a\":" + a + R"(,"b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}})", 7),
  };
  for (size_t i = 0; i < table.size(); ++i) {
    const Error error = error_of([&] { inspect("m.safetensors", table[i]); });
    EXPECT_EQ(error.code(), ErrorCode::model) << i;
    EXPECT_NE(error.message().find("models/m.safetensors"), std::string::npos) << i << error.message();
  }
}

// Whatever one byte of the header is changed to: refused, or a header that is true as well.
TEST_F(ModelTest, MutatedHeadersAreRefusedOrHarmless) {
  const std::string good = safetensors(two, 26);
  size_t refused = 0;
  for (size_t i = 0; i < good.size() - 26; ++i) {
    for (const int flip : {0x01, 0x10, 0x80}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ flip);
      try {
        const Json header = inspect("m.safetensors", bad);
        EXPECT_LE(header["parameters"].get<std::uint64_t>(), 26U) << i;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::model) << i;
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 250U);
}

TEST_F(ModelTest, RefusesPicklesByContent) {
  python(R"(
import collections, gzip, io, pickle, zipfile, zlib
class Evil:
    def __reduce__(self): return print, ('loaded',)
for protocol in range(6):
    open(f'p{protocol}.bin', 'wb').write(pickle.dumps(Evil(), protocol))
    open(f'd{protocol}.bin', 'wb').write(pickle.dumps({'weights': [1, 2]}, protocol))
open('o0.bin', 'wb').write(pickle.dumps(collections.OrderedDict(a=1), 0))
open('legacy.pt', 'wb').write(pickle.dumps(0x1950a86a20f9469cfc6c, 2) + pickle.dumps(1001, 2))
with zipfile.ZipFile('torch.pt', 'w') as z:
    z.writestr('archive/data.pkl', pickle.dumps(Evil(), 2)); z.writestr('archive/data/0', b'0' * 100)
with zipfile.ZipFile('late.bin', 'w') as z:
    z.writestr('archive/data/0', b'0' * 100000); z.writestr('archive/data.pkl', pickle.dumps(Evil(), 2))
open('joblib.bin', 'wb').write(zlib.compress(pickle.dumps(Evil(), 4)))
open('gz.bin', 'wb').write(gzip.compress(pickle.dumps(Evil(), 4)))
open('object.npy', 'wb').write(b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }" + b' ' * 60)
open('model.joblib', 'wb').write(b'ZF0x1234')
open('model.pkl.xz', 'wb').write(b'\xfd7zXZ\x00')
)");
  for (const auto& path : fs::walk(folder())) {
    const Error error = error_of([&] { inspect_model(folder() / path, path, ""); });
    EXPECT_EQ(error.code(), ErrorCode::model) << path;
    EXPECT_NE(error.hint_text().find("allow-pickle = true"), std::string::npos) << path;
    EXPECT_EQ(error_of([&] { inspect_model(folder() / path, path, "opaque"); }).code(), ErrorCode::model)
        << path;
  }
}

TEST_F(ModelTest, KnowsPicklesByWhatTheyDo) {
  const std::string text("X\x04\x00\x00\x00true", 9);
  const std::vector<std::string> table{
      "cos\nsystem\n" + text + "\x85R.",  // GLOBAL first
      std::string("\x80\x00", 2) + "cos\nsystem\n" + text + "\x85R.",
      "(S'true'\nios\nsystem\n.",                        // INST
      "(cos\nsystem\nS'true'\no.",                       // OBJ
      "I1\nI2\n00cos\nsystem\n(S'true'\ntR.",            // pushed and popped before
      "\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",  // STACK_GLOBAL
      "N0(lp0\n0cos\nsystem\np1\n(Vtrue\ntp2\nRp3\n.",
      "]cos\nsystem\n" + text + "\x85Ra.",
      "\x82\x01)R.",            // an extension's code
      "cos\nsystem\n.",         // imports, and calls nothing
      "cos\nsystem\n)\x81}b.",  // NEWOBJ, BUILD
  };
  for (const auto& bytes : table) {
    EXPECT_THROW(inspect("m.bin", bytes), Error) << bytes;
  }
  const std::vector<std::string> other{"cat\ndog\nbird\n",
                                       "class\nname\nNone\n",
                                       "Nothing. Really\n",
                                       "(a list)\n",
                                       "I am\n",
                                       "N.B. read this\n",
                                       "city,country\nLondon,UK\n",
                                       "]]]]",
                                       std::string(3000, 'N'),
                                       "V1\ncats\ndogs\n",
                                       "0.5 0.25\n",
                                       "}\n",
                                       ""};
  for (const auto& bytes : other) {
    EXPECT_EQ(inspect("m.bin", bytes)["format"], "opaque") << bytes;
  }
}

TEST_F(ModelTest, KnowsObjectArraysWhateverTheirSpelling) {
  const auto npy = [](const std::string& descr) {
    const std::string head = "{'descr': " + descr + ", 'fortran_order': False, 'shape': (1,), }\n";
    return "\x93NUMPY" + std::string("\x01\x00", 2) + le(head.size(), 2) + head + "NNNN";
  };
  for (const std::string descr :
       {"'O'", "'|O'", "'|O8'", "\"<O\"", "[('a', '<f4'), ('b', '|O')]", "[('a', [('b', 'O')])]"}) {
    EXPECT_THROW(inspect("m.npy", npy(descr)), Error) << descr;
  }
  for (const std::string descr : {"'<f8'", "[('O', '<f4')]", "'|S10'", "'<U5'"}) {
    EXPECT_EQ(inspect("m.npy", npy(descr))["format"], "opaque") << descr;
  }
}

TEST_F(ModelTest, LooksIntoEveryMemberOfAZip) {
  const auto zipped = [](const std::string& name, const std::string& content) {
    std::string out;
    ZipWriter zip([&](std::string_view data) { out += data; });
    zip.add("readme.txt", "a model", false);
    zip.add(name, content, false);
    zip.finish();
    return out;
  };
  const std::string call = "cos\nsystem\n(S'true'\ntR.";
  EXPECT_THROW(inspect("m.keras", zipped("assets/data", call)), Error);
  EXPECT_THROW(inspect("m.zip", "#!/bin/sh\n" + zipped("weights.bin", call)), Error);  // something before it
  EXPECT_THROW(inspect("m.npz", zipped("a.npy", "\x93NUMPY\x01 v {'descr': '|O', }\n")), Error);
  EXPECT_THROW(inspect("m.zip", zipped("x/data.pkl", "")), Error);
  EXPECT_EQ(inspect("m.zip", zipped("labels.txt", "cat\ndog\nNone\n"))["format"], "opaque");
}

TEST_F(ModelTest, TakesAnyOtherFileAsItIs) {
  python(R"(
import gzip, zipfile
open('text.txt', 'w').write('coefficients\n0.1\n0.2\n')
open('c.txt', 'w').write('c\n')
open('list.json', 'w').write('[1, 2]')
open('tree.json', 'w').write('{"learner": {}}')
open('paren.txt', 'w').write('(a list of features)\n')
open('config.ini', 'w').write('[model]\n')
open('zeros.bin', 'wb').write(bytes(100))
open('weights.npy', 'wb').write(b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }" + b' ' * 60)
open('data.csv.gz', 'wb').write(gzip.compress(b'a,b\n1,2\n'))
open('empty', 'w')
with zipfile.ZipFile('features.zip', 'w') as z: z.writestr('a.csv', 'x')
)");
  for (const auto& path : fs::walk(folder())) {
    EXPECT_EQ(inspect_model(folder() / path, path, ""), (Json{{"format", "opaque"}})) << path;
  }
}

TEST_F(ModelTest, KnowsItsFormats) {
  const Error error = error_of([&] { inspect("m.bin", "x", "safetensor"); });
  EXPECT_EQ(error.code(), ErrorCode::model);
  EXPECT_EQ(error.message(),
            "cannot read models/m.bin: unknown model format 'safetensor' (did you mean 'safetensors'?)");
  EXPECT_EQ(error_of([&] { inspect_model(folder() / "none", "none", ""); }).code(), ErrorCode::not_found);
}

// Written by Python, read without it.
TEST_F(ModelTest, WhatWouldBeImportedIsNamed) {
  const Path folder_of = folder();
  python(R"(
import collections, datetime, decimal, gzip, pickle, zipfile, zlib
o = collections.OrderedDict(a=datetime.date(2020, 1, 1), b=[collections.Counter('x')])
for p in range(6): open('p%d.bin' % p, 'wb').write(pickle.dumps(o, protocol=p))
open('z.joblib', 'wb').write(zlib.compress(pickle.dumps(o)))
open('g.joblib', 'wb').write(gzip.compress(pickle.dumps(o)))
with zipfile.ZipFile('t.pt', 'w') as z:
    z.writestr('archive/data.pkl', pickle.dumps(o, protocol=2)); z.writestr('archive/data/0', b'\0' * 99)
open('two.bin', 'wb').write(pickle.dumps(o) + pickle.dumps(decimal.Decimal(1)) + b'\0raw tensors')
open('cut.pkl', 'wb').write(pickle.dumps(o)[:-3])
)");
  const std::set<std::string> wanted{"collections.Counter", "collections.OrderedDict", "datetime.date"};
  for (const std::string name : {"p0.bin", "p1.bin", "p2.bin", "p3.bin", "p4.bin", "p5.bin", "z.joblib",
                                 "g.joblib", "t.pt", "two.bin", "cut.pkl"}) {
    const Json header = inspect_model(folder_of / name, name, "", Pickles::allowed);
    EXPECT_EQ(header.at("format"), "pickle") << name;
    const auto found = header.at("globals").get<std::set<std::string>>();
    EXPECT_TRUE(std::includes(found.begin(), found.end(), wanted.begin(), wanted.end())) << name << header;
    EXPECT_EQ(header.at("complete"), name != "cut.pkl") << name;
    const Error refused = error_of([&] { inspect_model(folder_of / name, name, ""); });
    EXPECT_EQ(refused.code(), ErrorCode::model);
    EXPECT_NE(refused.hint_text().find("allow-pickle = true"), std::string::npos);
  }
  const Json both = inspect_model(folder_of / "two.bin", "two.bin", "", Pickles::allowed);
  EXPECT_TRUE(both.at("globals").get<std::set<std::string>>().contains("decimal.Decimal"));
}

// What Python's machine takes before the call, in spellings that nobody's pickler writes.
TEST_F(ModelTest, NoDetourHidesACall) {
  python(R"(
import gzip, pickle, zipfile, zlib
call = b"cos\nsystem\n(S'true'\ntR."
detours = {'octal': b'I0o1\n0', 'binary': b'I0b1\n0', 'blank': b'I\t1 \n0', 'cr': b'I1\r\n0', 'infinity': b'Finfinity\n0',
           'nan': b'FNaN\n0', 'long': b'L1L\n0', 'padded': b'I' + b' ' * 5000 + b'1\n0',
           'line': b'V' + b'a' * (1 << 20) + b'b\n0', 'bytes': b'B' + (3 << 20).to_bytes(4, 'little') + bytes(3 << 20) + b'0'}
for name, detour in detours.items():
    open(name + '.bin', 'wb').write(detour + call)
    open(name + '.z', 'wb').write(zlib.compress(detour + call))
    open(name + '.gz', 'wb').write(gzip.compress(detour + call))
    for method in (0, 8):
        with zipfile.ZipFile('%s%d.zip' % (name, method), 'w', method) as z: z.writestr('weights', detour + call)
)");
  for (const auto& name : fs::list(folder())) {
    const Error error = error_of([&] { inspect_model(folder() / name, name, ""); });
    EXPECT_EQ(error.code(), ErrorCode::model) << name;
  }
}

// 10 KB that name one member 200 times took 38 s.
TEST_F(ModelTest, ASharedMemberIsReadOnce) {
  python(R"(
import zipfile
with zipfile.ZipFile('many.zip', 'w', 8) as z: z.writestr('a', b'N' * (1 << 20))
data = open('many.zip', 'rb').read()
at = data.index(b'PK\x01\x02'); end = data.index(b'PK\x05\x06')
row, tail = data[at:end], bytearray(data[end:])
n = 20000
tail[8:12] = n.to_bytes(2, 'little') * 2
tail[12:16] = (len(row) * n).to_bytes(4, 'little')
open('many.zip', 'wb').write(data[:at] + row * n + tail)
)");
  EXPECT_EQ(inspect_model(folder() / "many.zip", "many.zip", "").at("format"), "opaque");
}

}  // namespace
}  // namespace mlship::test
