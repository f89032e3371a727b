#include <zlib.h>

#include "core/error.h"
#include "packager/member_path.h"
#include "packager/zip.h"
#include "packager/zip_records.h"

namespace mlship {
namespace {

constexpr std::uint16_t version_needed = 20;  // §4.4.3.2: stored files in folders
constexpr std::uint16_t made_by_unix = 3U << 8U | version_needed;
constexpr std::uint16_t midnight = 0;
constexpr std::uint16_t first_day = 1U << 5U | 1U;  // 1980-01-01, the earliest a zip can say
constexpr std::uint32_t regular_file = 0100000;

void put16(std::string& out, std::uint64_t value) {
  out += static_cast<char>(value & 0xffU);
  out += static_cast<char>(value >> 8U & 0xffU);
}
void put32(std::string& out, std::uint64_t value) {
  put16(out, value & 0xffffU);
  put16(out, value >> 16U);
}

// §4.3.7: the fields that the local and the central header share, from "version needed" to "extra field
// length".
std::string shared_fields(std::string_view path, std::string_view content) {
  bool ascii = true;
  for (const char c : path) ascii = ascii && static_cast<unsigned char>(c) < 0x80;
  const auto* data = reinterpret_cast<const Bytef*>(content.data());
  std::string out;
  put16(out, version_needed);
  put16(out, ascii ? 0 : zip::flag_utf8);
  put16(out, zip::stored);
  put16(out, midnight);
  put16(out, first_day);
  put32(out, ::crc32_z(0, data, content.size()));
  put32(out, content.size());
  put32(out, content.size());
  put16(out, path.size());
  put16(out, 0);
  return out;
}

std::string central_header(std::string_view path, const std::string& shared, bool executable,
                           std::uint64_t offset) {
  std::string out;
  put32(out, zip::central_signature);
  put16(out, made_by_unix);
  out += shared;
  put16(out, 0);  // comment
  put16(out, 0);  // disk
  put16(out, 0);  // internal attributes
  put32(out, (regular_file | (executable ? 0755U : 0644U)) << 16U);
  put32(out, offset);
  out += path;
  return out;
}

}  // namespace

void ZipWriter::add(const std::string& path, std::string_view content, bool executable) {
  if (const auto fault = path_fault(path); !fault.empty()) {
    throw Error(ErrorCode::archive, "cannot put '" + printable(path) + "' into a zip: " + std::string(fault));
  }
  if (!paths_.insert(path).second) {
    throw Error(ErrorCode::duplicate_path, "cannot pack " + path + ": two files have this path");
  }
  const std::string shared = shared_fields(path, content);
  directory_ += central_header(path, shared, executable, offset_);
  std::string local;
  put32(local, zip::local_signature);
  local += shared + path;
  if (paths_.size() >= zip::saturated16 ||
      offset_ + local.size() + content.size() + directory_.size() >= zip::saturated32) {
    throw Error(ErrorCode::archive, "cannot write the zip: it would hold 65,535 files or 4 GiB and more")
        .hint("leave files out with exclude in [code]; declare large files as [[models]]");
  }
  sink_(local);
  sink_(content);
  offset_ += local.size() + content.size();
}

void ZipWriter::finish() {
  std::string end;
  put32(end, zip::end_signature);
  put32(end, 0);  // disks
  put16(end, paths_.size());
  put16(end, paths_.size());
  put32(end, directory_.size());
  put32(end, offset_);
  put16(end, 0);  // comment
  sink_(directory_);
  sink_(end);
}

}  // namespace mlship
