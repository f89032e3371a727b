#include <set>

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
std::string shared_fields(const ZipMember& member) {
  bool ascii = true;
  for (const char c : member.path) ascii = ascii && static_cast<unsigned char>(c) < 0x80;
  const auto* data = reinterpret_cast<const Bytef*>(member.content.data());
  std::string out;
  put16(out, version_needed);
  put16(out, ascii ? 0 : zip::flag_utf8);
  put16(out, zip::stored);
  put16(out, midnight);
  put16(out, first_day);
  put32(out, ::crc32_z(0, data, member.content.size()));
  put32(out, member.content.size());
  put32(out, member.content.size());
  put16(out, member.path.size());
  put16(out, 0);
  return out;
}

std::string central_header(const ZipMember& member, std::uint64_t offset) {
  std::string out;
  put32(out, zip::central_signature);
  put16(out, made_by_unix);
  out += shared_fields(member);
  put16(out, 0);  // comment
  put16(out, 0);  // disk
  put16(out, 0);  // internal attributes
  put32(out, (regular_file | (member.executable ? 0755U : 0644U)) << 16U);
  put32(out, offset);
  return out + member.path;
}

void check_members(const std::vector<ZipMember>& members) {
  std::set<std::string_view> seen;
  for (const auto& member : members) {
    if (const auto fault = path_fault(member.path); !fault.empty()) {
      throw Error(ErrorCode::archive,
                  "cannot put '" + printable(member.path) + "' into a zip: " + std::string(fault));
    }
    if (!seen.insert(member.path).second) {
      throw Error(ErrorCode::duplicate_path, "cannot pack " + member.path + ": two files have this path");
    }
  }
}

}  // namespace

std::string make_zip(const std::vector<ZipMember>& members) {
  check_members(members);
  std::string out;
  std::string directory;
  for (const auto& member : members) {
    directory += central_header(member, out.size());
    put32(out, zip::local_signature);
    out += shared_fields(member);
    out += member.path;
    out += member.content;
  }
  if (members.size() >= zip::saturated16 || out.size() + directory.size() >= zip::saturated32) {
    throw Error(ErrorCode::archive, "cannot write the zip: it would hold 65,535 files or 4 GiB and more")
        .hint("leave files out with exclude in [code]; declare large files as [[models]]");
  }
  const size_t offset = out.size();
  out += directory;
  put32(out, zip::end_signature);
  put32(out, 0);  // disks
  put16(out, members.size());
  put16(out, members.size());
  put32(out, directory.size());
  put32(out, offset);
  put16(out, 0);  // comment
  return out;
}

}  // namespace mlship
