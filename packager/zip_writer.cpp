#include <algorithm>

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

constexpr size_t central_length_at = 28;  // §4.3.12: of the path
constexpr size_t central_size = 46;       // of what precedes the path

}  // namespace

std::string_view ZipWriter::path_at(std::uint32_t start) const {
  const size_t length_at = start - central_size + central_length_at;
  const auto low = static_cast<unsigned char>(directory_[length_at]);
  const auto high = static_cast<unsigned char>(directory_[length_at + 1]);
  return std::string_view(directory_).substr(start, low | static_cast<size_t>(high) << 8U);
}

// The end for one path after the other in order.
std::vector<std::uint32_t>::iterator ZipWriter::place_of(std::string_view path) {
  if (by_path_.empty() || path_at(by_path_.back()) < path) return by_path_.end();
  return std::lower_bound(by_path_.begin(), by_path_.end(), path,
                          [this](std::uint32_t start, std::string_view p) { return path_at(start) < p; });
}

void ZipWriter::add(std::string_view path, std::string_view content, bool executable) {
  if (const auto fault = path_fault(path); !fault.empty()) {
    throw Error(ErrorCode::archive, "cannot put '" + printable(path) + "' into a zip: " + std::string(fault));
  }
  const auto place = place_of(path);
  if (place != by_path_.end() && path_at(*place) == path) {
    throw Error(ErrorCode::duplicate_path, "cannot pack " + std::string(path) + ": two files have this path");
  }
  const std::string shared = shared_fields(path, content);
  directory_ += central_header(path, shared, executable, offset_);
  std::string local;
  put32(local, zip::local_signature);
  local += shared;
  local += path;
  if (by_path_.size() + 1 >= zip::saturated16 ||
      offset_ + local.size() + content.size() + directory_.size() >= zip::saturated32) {
    throw Error(ErrorCode::archive, "cannot write the zip: it would hold 65,535 files or 4 GiB and more")
        .hint("leave files out with exclude in [code]; declare large files as [[models]]");
  }
  by_path_.insert(place, static_cast<std::uint32_t>(directory_.size() - path.size()));
  sink_(local);
  sink_(content);
  offset_ += local.size() + content.size();
}

void ZipWriter::finish() {
  std::string end;
  put32(end, zip::end_signature);
  put32(end, 0);  // disks
  put16(end, by_path_.size());
  put16(end, by_path_.size());
  put32(end, directory_.size());
  put32(end, offset_);
  put16(end, 0);  // comment
  sink_(directory_);
  sink_(end);
}

}  // namespace mlship
