#include "core/error.h"
#include "packager/zip_records.h"

namespace mlship {
namespace {

constexpr std::uint64_t end_size = 22;
constexpr std::uint64_t locator64_size = 20;
constexpr std::uint64_t end64_size = 56;  // without an extensible data sector
constexpr std::uint64_t longest_comment = 0xffff;

struct EndRecord {
  std::uint64_t position = 0;
  std::uint16_t entries = 0;
  std::uint32_t size = 0, offset = 0;
};

// Readers disagree on which end record counts when a comment holds a second one: there must be one choice
// only.
std::uint64_t end_position(const ByteFile& file, const std::string& shown) {
  const std::uint64_t start =
      file.size() > end_size + longest_comment ? file.size() - end_size - longest_comment : 0;
  const std::string tail = file.read(start, end_size + longest_comment);
  constexpr std::string_view signature = "PK\x05\x06";
  size_t fitting = 0;
  bool last_fits = false;
  std::uint64_t position = 0;
  for (size_t at = tail.find(signature); at != std::string::npos; at = tail.find(signature, at + 1)) {
    last_fits = false;
    if (tail.size() - at < end_size) continue;
    const std::uint64_t comment = ZipFields(std::string_view(tail).substr(at + 20)).u16();
    if (at + end_size + comment != tail.size()) continue;
    last_fits = true;
    position = start + at;
    ++fitting;
  }
  if (fitting == 0) refuse_zip(shown, "it does not end with the end record of a zip");
  if (fitting > 1 || !last_fits) refuse_zip(shown, "its comment hides a second end record");
  return position;
}

EndRecord read_end(const ByteFile& file, const std::string& shown) {
  EndRecord out;
  out.position = end_position(file, shown);
  const std::string record = file.read(out.position, end_size);
  ZipFields fields(record);
  fields.u32();
  const unsigned disks = fields.u16() | fields.u16();
  const std::uint16_t here = fields.u16();
  out.entries = fields.u16();
  out.size = fields.u32();
  out.offset = fields.u32();
  if (!fields.ok() || disks != 0 || here != out.entries) refuse_zip(shown, "it is one part of several");
  return out;
}

// §4.3.14: "the zip64 end of central directory record"; version 1, no extensible data.
ZipEnd read_end64(const ByteFile& file, const std::string& shown, std::uint64_t position) {
  const std::string record = file.read(position, end64_size);
  ZipFields fields(record);
  const bool signature = fields.u32() == zip::end64_signature;
  const bool length = fields.u64() == end64_size - 12;
  fields.u32();  // versions
  const std::uint32_t disks = fields.u32() | fields.u32();
  const std::uint64_t here = fields.u64();
  ZipEnd end;
  end.entries = fields.u64();
  end.size = fields.u64();
  end.offset = fields.u64();
  if (!fields.ok() || !signature || !length)
    refuse_zip(shown, "its zip64 end record is not where it should be");
  if (disks != 0 || here != end.entries) refuse_zip(shown, "it is one part of several");
  return end;
}

bool agrees(std::uint64_t narrow, std::uint64_t saturated, std::uint64_t wide) {
  return narrow == wide || narrow == saturated;
}

}  // namespace

ZipEnd read_zip_end(const ByteFile& file, const std::string& shown) {
  const EndRecord record = read_end(file, shown);
  ZipEnd end{record.entries, record.offset, record.size};
  std::uint64_t limit = record.position;
  const bool wanted = record.entries == zip::saturated16 || record.size == zip::saturated32 ||
                      record.offset == zip::saturated32;
  const std::uint64_t at = record.position < locator64_size ? 0 : record.position - locator64_size;
  const std::string locator = file.read(at, locator64_size);
  ZipFields fields(locator);
  if (record.position >= locator64_size && fields.u32() == zip::locator64_signature) {
    const std::uint32_t disk = fields.u32();
    const std::uint64_t position = fields.u64();
    const std::uint32_t disks = fields.u32();
    if (disk != 0 || disks != 1) refuse_zip(shown, "it is one part of several");
    if (at < end64_size || position != at - end64_size) {
      refuse_zip(shown, "its zip64 end record is not where it should be");
    }
    end = read_end64(file, shown, position);
    if (!agrees(record.entries, zip::saturated16, end.entries) ||
        !agrees(record.size, zip::saturated32, end.size) ||
        !agrees(record.offset, zip::saturated32, end.offset)) {
      refuse_zip(shown, "its two end records contradict each other");
    }
    limit = position;
  } else if (wanted) {
    refuse_zip(shown, "its zip64 end record is missing");
  }
  if (end.offset > limit || end.size != limit - end.offset) {
    refuse_zip(shown, "its central directory does not end where the end record begins");
  }
  return end;
}

}  // namespace mlship
