// The records of a zip (APPNOTE 6.3.9 §4.3), read so that every byte of the file belongs to exactly one of
// them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "packager/byte_file.h"
#include "packager/zip.h"

namespace mlship {

namespace zip {
// APPNOTE 6.3.9 §4.3.7, §4.3.9, §4.3.12, §4.3.14, §4.3.15, §4.3.16
constexpr std::uint32_t local_signature = 0x04034b50;
constexpr std::uint32_t descriptor_signature = 0x08074b50;
constexpr std::uint32_t central_signature = 0x02014b50;
constexpr std::uint32_t end64_signature = 0x06064b50;
constexpr std::uint32_t locator64_signature = 0x07064b50;
constexpr std::uint32_t end_signature = 0x06054b50;
constexpr std::uint32_t saturated32 = 0xffffffff;  // "see the zip64 field"
constexpr std::uint16_t saturated16 = 0xffff;
// §4.4.4 general purpose bits.
constexpr unsigned flag_deflate_level = 0x0006;
constexpr unsigned flag_descriptor = 0x0008;
constexpr unsigned flag_utf8 = 0x0800;
constexpr unsigned stored = 0;
constexpr unsigned deflated = 8;
}  // namespace zip

// Little-endian fields out of a record; takes never run past its end.
class ZipFields {
 public:
  explicit ZipFields(std::string_view data) : data_(data) {}
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  std::string_view take(size_t length);
  // False once something was taken that was not there; what was taken then is zero.
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] size_t left() const { return data_.size(); }

 private:
  std::uint64_t number(size_t length);
  std::string_view data_;
  bool ok_ = true;
};

[[noreturn]] void refuse_zip(const std::string& shown, const std::string& why);

// What the end records say (§4.3.14–16).
struct ZipEnd {
  std::uint64_t entries = 0;
  std::uint64_t offset = 0;  // of the central directory
  std::uint64_t size = 0;    // of the central directory, which ends where the end records begin
};
ZipEnd read_zip_end(const ByteFile& file, const std::string& shown);

// Every entry, in the file's order, its local header and data descriptor checked against the central
// directory.
std::vector<ZipEntry> read_zip_entries(const ByteFile& file, const std::string& shown,
                                       const ZipLimits& limits);

}  // namespace mlship
