#include "packager/zip_records.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>

#include "core/error.h"
#include "packager/member_path.h"

namespace mlship {

std::string_view ZipFields::take(size_t length) {
  if (length > data_.size()) {
    ok_ = false;
    data_ = {};
    return {};
  }
  const auto out = data_.substr(0, length);
  data_.remove_prefix(length);
  return out;
}

std::uint64_t ZipFields::number(size_t length) {
  const auto bytes = take(length);
  std::uint64_t out = 0;
  for (size_t i = bytes.size(); i > 0; --i) out = out << 8U | static_cast<unsigned char>(bytes[i - 1]);
  return out;
}

void refuse_zip(const std::string& shown, const std::string& why) {
  throw Error(ErrorCode::archive, "cannot read " + shown + ": " + why)
      .hint("get the file again from its publisher, or build it again with a current tool");
}

namespace {

constexpr size_t central_size = 46;  // bytes, without name, extra field and comment
constexpr size_t local_size = 30;
constexpr std::uint64_t largest_directory = 32ULL << 20U;
constexpr std::uint64_t ratio_counts_above = 64ULL << 20U;
constexpr std::uint16_t extra_zip64 = 0x0001;
constexpr std::uint16_t extra_unicode_path = 0x7075;

struct Central {
  ZipEntry entry;
  std::string name;  // as written
  unsigned flags = 0;
};

std::string in_quotes(std::string_view name) {
  return "'" + printable(name) + "'";
}

struct Extra {
  std::optional<std::string_view> zip64;
};

// §4.5.1: id, length, data, and nothing else.
Extra read_extra(std::string_view data, std::string_view name, const std::string& shown) {
  Extra out;
  ZipFields fields(data);
  while (fields.left() > 0) {
    const std::uint16_t id = fields.u16();
    const std::string_view value = fields.take(fields.u16());
    if (!fields.ok()) refuse_zip(shown, "the extra field of " + in_quotes(name) + " is malformed");
    // §4.6.9: a second name that some readers would use instead.
    if (id == extra_unicode_path && (value.size() < 5 || value.substr(5) != name)) {
      refuse_zip(shown, in_quotes(name) + " has a second, different name");
    }
    if (id != extra_zip64) continue;
    if (out.zip64) refuse_zip(shown, in_quotes(name) + " has two zip64 fields");
    out.zip64 = value;
  }
  return out;
}

// §4.5.3: exactly the fields whose 32-bit places are saturated, in this order.
void widen_central(Central& c, const Extra& extra, const std::string& shown) {
  const std::array<std::uint64_t*, 3> places{&c.entry.size, &c.entry.compressed, &c.entry.header_offset};
  const auto wanted = static_cast<size_t>(
      std::count_if(places.begin(), places.end(), [](const auto* p) { return *p == zip::saturated32; }));
  const std::string_view value = extra.zip64.value_or("");
  if (value.size() != wanted * 8)
    refuse_zip(shown, "the zip64 field of " + in_quotes(c.name) + " is not what its sizes need");
  ZipFields fields(value);
  for (auto* place : places) {
    if (*place == zip::saturated32) *place = fields.u64();
  }
}

constexpr unsigned type_mask = 0170000;
constexpr unsigned regular = 0100000;
constexpr unsigned directory = 0040000;
constexpr unsigned special_bits = 07000;
constexpr unsigned dos_directory = 0x10;

// §4.4.15: the upper half is a Unix mode whatever system the writer claims to be.
void check_attributes(Central& c, std::uint32_t attributes, const std::string& shown) {
  const unsigned mode = attributes >> 16U;
  const unsigned type = mode & type_mask;
  const unsigned expected = c.entry.folder ? directory : regular;
  if (type != 0 && type != expected) {
    refuse_zip(shown, in_quotes(c.name) + " is a link, a special file, or a folder that claims to be a file");
  }
  if ((mode & special_bits) != 0)
    refuse_zip(shown, in_quotes(c.name) + " has a setuid, setgid or sticky bit");
  if ((attributes & dos_directory) != 0 && !c.entry.folder) {
    refuse_zip(shown, in_quotes(c.name) + " is a file that claims to be a folder");
  }
  c.entry.executable = !c.entry.folder && (mode & 0100U) != 0;
}

void check_name(Central& c, const std::string& shown) {
  if (const size_t nul = c.name.find('\0'); nul != std::string::npos) {
    refuse_zip(shown, "the name " + in_quotes(c.name) + " holds a NUL");
  }
  const bool ascii =
      std::all_of(c.name.begin(), c.name.end(), [](char b) { return static_cast<unsigned char>(b) < 0x80; });
  if (!ascii && (c.flags & zip::flag_utf8) == 0) {
    refuse_zip(shown, "the name " + in_quotes(c.name) + " is not ASCII and not marked as UTF-8");
  }
  c.entry.folder = c.name.ends_with('/');
  c.entry.path = c.entry.folder ? c.name.substr(0, c.name.size() - 1) : c.name;
  std::string_view fault = path_fault(c.entry.path);
  if (fault.empty() && c.name.find('\\') != std::string::npos) fault = "it has a backslash";
  if (!fault.empty())
    refuse_zip(shown, "the name " + in_quotes(c.name) + " is refused: " + std::string(fault));
}

void check_sizes(const Central& c, const ZipLimits& limits, const std::string& shown) {
  const ZipEntry& e = c.entry;
  if (e.method == zip::stored && e.size != e.compressed) {
    refuse_zip(shown, in_quotes(c.name) + " is stored, yet has two sizes");
  }
  if (e.method == zip::stored && e.size != 0 && (c.flags & zip::flag_descriptor) != 0) {
    refuse_zip(shown, in_quotes(c.name) + " is stored with a data descriptor, so that its end is ambiguous");
  }
  if (e.folder && (e.size != 0 || e.crc != 0))
    refuse_zip(shown, "the folder " + in_quotes(c.name) + " has content");
  if (e.size > ratio_counts_above && e.size / limits.ratio > e.compressed) {
    refuse_zip(shown, in_quotes(c.name) + " unpacks to more than " + std::to_string(limits.ratio) +
                          " times its size");
  }
}

Central read_central(ZipFields& fields, const ZipLimits& limits, const std::string& shown) {
  Central c;
  if (fields.left() < central_size || fields.u32() != zip::central_signature) {
    refuse_zip(shown, "its central directory is malformed");
  }
  fields.u32();  // versions
  c.flags = fields.u16();
  c.entry.method = fields.u16();
  fields.u32();  // time and date
  c.entry.crc = fields.u32();
  c.entry.compressed = fields.u32();
  c.entry.size = fields.u32();
  const size_t name = fields.u16();
  const size_t extra = fields.u16();
  const size_t comment = fields.u16();
  const std::uint16_t disk = fields.u16();
  fields.u16();  // internal attributes
  const std::uint32_t attributes = fields.u32();
  c.entry.header_offset = fields.u32();
  c.name = fields.take(name);
  const std::string_view extra_data = fields.take(extra);
  fields.take(comment);
  if (!fields.ok()) refuse_zip(shown, "its central directory is cut off");
  check_name(c, shown);
  if (disk != 0) refuse_zip(shown, "it is one part of several");
  constexpr unsigned known = zip::flag_deflate_level | zip::flag_descriptor | zip::flag_utf8;
  if ((c.flags & ~known) != 0)
    refuse_zip(shown, in_quotes(c.name) + " is encrypted, patched or otherwise special");
  if (c.entry.method != zip::stored && c.entry.method != zip::deflated) {
    refuse_zip(shown, in_quotes(c.name) + " uses compression method " + std::to_string(c.entry.method));
  }
  widen_central(c, read_extra(extra_data, c.name, shown), shown);
  check_attributes(c, attributes, shown);
  check_sizes(c, limits, shown);
  return c;
}

// A size in a local header: the central one, or zero when a data descriptor follows.
bool local_fits(std::uint64_t local, std::uint64_t central, bool descriptor) {
  return local == central || (descriptor && local == 0);
}

// §4.3.9: optional signature, crc, compressed and uncompressed size. `length` bytes lie between the data and
// the next record; they must be one descriptor and nothing else.
void check_descriptor(const ByteFile& file, const Central& c, std::uint64_t length, bool wide,
                      const std::string& shown) {
  const std::uint64_t width = wide ? 8 : 4;
  const std::uint64_t bare = 4 + 2 * width;
  const std::string record = file.read(c.entry.data_offset + c.entry.compressed, bare + 4);
  ZipFields fields(record);
  const bool marked = length == bare + 4;
  bool fits = marked || length == bare;
  if (marked) fits = fits && fields.u32() == zip::descriptor_signature;
  const std::uint32_t crc = fields.u32();
  const std::uint64_t compressed = wide ? fields.u64() : fields.u32();
  const std::uint64_t size = wide ? fields.u64() : fields.u32();
  fits =
      fits && fields.ok() && crc == c.entry.crc && compressed == c.entry.compressed && size == c.entry.size;
  // Without a signature, such a crc would be taken for one.
  fits = fits && (marked || crc != zip::descriptor_signature);
  if (!fits) refuse_zip(shown, "the data descriptor of " + in_quotes(c.name) + " does not fit");
}

struct Local {
  std::uint64_t size = 0, compressed = 0;
  bool zip64 = false;
};

// The two sizes of the local header; §4.5.3: both stand in its zip64 field when either is saturated.
Local local_sizes(std::uint32_t compressed, std::uint32_t size, const Extra& extra, const Central& c,
                  const std::string& shown) {
  Local out{size, compressed, extra.zip64.has_value()};
  const bool saturated = size == zip::saturated32 || compressed == zip::saturated32;
  if (!extra.zip64) {
    if (saturated) refuse_zip(shown, "the zip64 field of " + in_quotes(c.name) + " is missing");
    return out;
  }
  ZipFields fields(*extra.zip64);
  const std::uint64_t wide_size = fields.u64();
  const std::uint64_t wide_compressed = fields.u64();
  const bool contradicts = (size != zip::saturated32 && size != wide_size) ||
                           (compressed != zip::saturated32 && compressed != wide_compressed);
  if (!fields.ok() || fields.left() != 0 || contradicts) {
    refuse_zip(shown, "the zip64 field of " + in_quotes(c.name) + " contradicts its header");
  }
  out.size = wide_size;
  out.compressed = wide_compressed;
  return out;
}

// Checks the local header at `c.entry.header_offset` and all bytes up to `next`, the start of the following
// record.
void check_local(const ByteFile& file, Central& c, std::uint64_t next, const std::string& shown) {
  const ZipEntry& e = c.entry;
  const std::string header = file.read(e.header_offset, local_size);
  ZipFields fields(header);
  const bool signature = fields.u32() == zip::local_signature;
  fields.u16();  // version
  const unsigned flags = fields.u16();
  const unsigned method = fields.u16();
  fields.u32();  // time and date
  const std::uint32_t crc = fields.u32();
  const std::uint32_t compressed = fields.u32();
  const std::uint32_t size = fields.u32();
  const std::uint64_t name = fields.u16();
  const std::uint64_t extra = fields.u16();
  if (!fields.ok() || !signature)
    refuse_zip(shown, "the local header of " + in_quotes(c.name) + " is missing");
  c.entry.data_offset = e.header_offset + local_size + name + extra;
  if (c.entry.data_offset > next || e.compressed > next - c.entry.data_offset) {
    refuse_zip(shown, in_quotes(c.name) + " overlaps the record after it");
  }
  const std::string rest = file.read(e.header_offset + local_size, name + extra);
  const auto local =
      local_sizes(compressed, size, read_extra(std::string_view(rest).substr(name), c.name, shown), c, shown);
  const bool descriptor = (c.flags & zip::flag_descriptor) != 0;
  const bool same = std::string_view(rest).substr(0, name) == c.name &&
                    ((flags ^ c.flags) & ~zip::flag_deflate_level) == 0 &&
                    method == static_cast<unsigned>(e.method) && local_fits(crc, e.crc, descriptor) &&
                    local_fits(local.size, e.size, descriptor) &&
                    local_fits(local.compressed, e.compressed, descriptor);
  if (!same) refuse_zip(shown, "the two headers of " + in_quotes(c.name) + " contradict each other");
  const std::uint64_t rest_length = next - c.entry.data_offset - e.compressed;
  // Writers that learn late that the sizes need 64 bits write a wide descriptor without the local field.
  const bool wide = local.zip64 || e.size >= zip::saturated32 || e.compressed >= zip::saturated32;
  if (descriptor) return check_descriptor(file, c, rest_length, wide, shown);
  if (rest_length != 0) refuse_zip(shown, "bytes after " + in_quotes(c.name) + " belong to no record");
}

// Two entries with one path, or one that is a file here and a folder there.
void check_paths(const std::vector<Central>& all, const std::string& shown) {
  std::unordered_map<std::string_view, bool> folder;
  for (const auto& c : all) {
    if (!folder.emplace(c.entry.path, c.entry.folder).second)
      refuse_zip(shown, in_quotes(c.name) + " stands twice");
  }
  for (const auto& c : all) {
    const std::string_view path = c.entry.path;
    for (size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
      const auto parent = folder.find(path.substr(0, slash));
      if (parent != folder.end() && !parent->second)
        refuse_zip(shown, in_quotes(parent->first) + " is a file and also a folder");
    }
  }
}

std::vector<Central> read_directory(const ByteFile& file, const ZipEnd& end, const ZipLimits& limits,
                                    const std::string& shown) {
  if (end.entries > limits.entries || end.size > largest_directory) {
    refuse_zip(shown, "it holds more than " + std::to_string(limits.entries) + " entries");
  }
  const std::string directory_bytes = file.read(end.offset, end.size);
  ZipFields fields(directory_bytes);
  std::vector<Central> all;
  std::uint64_t total = 0;
  while (fields.left() > 0) {
    if (all.size() == end.entries)
      refuse_zip(shown, "its central directory has more entries than its end record says");
    all.push_back(read_central(fields, limits, shown));
    if (all.back().entry.size > limits.bytes - total) {
      refuse_zip(shown, "it unpacks to more than " + std::to_string(limits.bytes) + " bytes");
    }
    total += all.back().entry.size;
  }
  if (all.size() != end.entries)
    refuse_zip(shown, "its central directory has fewer entries than its end record says");
  return all;
}

}  // namespace

std::vector<ZipEntry> read_zip_entries(const ByteFile& file, const std::string& shown,
                                       const ZipLimits& limits) {
  const ZipEnd end = read_zip_end(file, shown);
  std::vector<Central> all = read_directory(file, end, limits, shown);
  check_paths(all, shown);
  std::sort(all.begin(), all.end(),
            [](const Central& a, const Central& b) { return a.entry.header_offset < b.entry.header_offset; });
  const std::uint64_t first = all.empty() ? end.offset : all.front().entry.header_offset;
  if (first != 0) refuse_zip(shown, "bytes before its first record belong to none");
  std::vector<ZipEntry> out;
  out.reserve(all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    const std::uint64_t next = i + 1 < all.size() ? all[i + 1].entry.header_offset : end.offset;
    if (all[i].entry.header_offset > end.offset || next > end.offset) {
      refuse_zip(shown, in_quotes(all[i].name) + " lies outside the archive");
    }
    check_local(file, all[i], next, shown);
    out.push_back(std::move(all[i].entry));
  }
  return out;
}

}  // namespace mlship
