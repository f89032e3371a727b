#include "packager/zip_heads.h"

#include <algorithm>
#include <set>

#include "packager/inflate.h"
#include "packager/zip_records.h"

namespace mlship {
namespace {

constexpr std::uint64_t largest_directory = 256ULL << 20U;  // bytes
constexpr size_t most_rows = 200'000;

const Bytes nothing = [](std::uint64_t, std::uint64_t) { return std::string(); };

struct Directory {
  std::string bytes;
  std::uint64_t shift = 0;  // of everything: what stands before the first record
};

// APPNOTE 6.3.9 §4.3.16: the last end record; the directory ends where it begins, or its zip64 records.
Directory directory_of(const ByteFile& file) {
  constexpr std::uint64_t longest_end = 22 + 0xffff;
  const std::uint64_t from = file.size() > longest_end ? file.size() - longest_end : 0;
  const std::string tail = file.read(from, longest_end);
  const size_t found = tail.rfind("PK\x05\x06");
  if (found == std::string::npos || tail.size() - found < 22) return {};
  ZipFields end(std::string_view(tail).substr(found + 12));
  std::uint64_t size = end.u32();
  std::uint64_t offset = end.u32();
  std::uint64_t at = from + found;
  const std::string locator = at >= 20 ? file.read(at - 20, 20) : "";
  if (locator.starts_with("PK\x06\x07")) {
    ZipFields fields(std::string_view(locator).substr(8));
    const std::string end64 = file.read(fields.u64(), 56);
    if (!end64.starts_with("PK\x06\x06")) return {};
    ZipFields big(std::string_view(end64).substr(40));
    size = big.u64();
    offset = big.u64();
    at = at - 20 >= 56 ? at - 20 - 56 : 0;
  }
  if (size > largest_directory || size > at) return {};
  const std::uint64_t begin = at - size;
  return {file.read(begin, size), begin > offset ? begin - offset : 0};
}

// Some loaders find the data by the local header alone.
Bytes content_of(const ByteFile& file, std::uint64_t header, unsigned method, std::uint64_t compressed) {
  const std::string local = file.read(header, 30);
  if (!local.starts_with("PK\x03\x04") || local.size() < 30) return nothing;
  ZipFields fields(std::string_view(local).substr(26));
  const std::uint64_t names = fields.u16();
  const std::uint64_t extra = fields.u16();
  const std::uint64_t begin = header + 30 + names + extra;
  const Bytes stored = [&file, begin, compressed](std::uint64_t offset, std::uint64_t length) {
    return offset < compressed ? file.read(begin + offset, std::min(length, compressed - offset)) : "";
  };
  return method == zip::deflated ? inflated(stored, Deflated::raw) : stored;
}

struct Row {
  std::string path;
  unsigned method = 0;
  std::uint64_t compressed = 0, header = 0;
};

// Takes one row of the directory off the front.
Row take_row(std::string_view& rest, std::uint64_t file_size) {
  ZipFields fields(rest.substr(10));
  Row row;
  row.method = fields.u16();
  fields.take(8);
  row.compressed = fields.u32();
  fields.take(4);
  const size_t name = fields.u16();
  const size_t extra = fields.u16();
  const size_t comment = fields.u16();
  fields.take(8);
  row.header = fields.u32();
  if (row.compressed == zip::saturated32) row.compressed = file_size;
  row.path = rest.substr(46, name);
  rest.remove_prefix(std::min(rest.size(), 46 + name + extra + comment));
  return row;
}

}  // namespace

ZipLook any_zip_member(const ByteFile& file,
                       const std::function<bool(const std::string&, const Bytes&)>& member) {
  const Directory directory = directory_of(file);
  std::string_view rest = directory.bytes;
  std::set<std::uint64_t> seen;
  for (size_t rows = 0; rest.size() >= 46 && rest.starts_with("PK\x01\x02"); ++rows) {
    if (rows == most_rows) return ZipLook::too_many;
    const Row row = take_row(rest, file.size());
    // A zip64 offset: beyond 4 GiB, where a member's own name still speaks.
    const bool far = row.header == zip::saturated32;
    const bool shown = far || !seen.insert(row.header).second;
    if (member(row.path,
               shown ? nothing : content_of(file, row.header + directory.shift, row.method, row.compressed)))
      return ZipLook::found;
  }
  return ZipLook::none;
}

}  // namespace mlship
