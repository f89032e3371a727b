#include <algorithm>
#include <optional>
#include <set>

#include "core/error.h"
#include "packager/member_path.h"
#include "packager/tar.h"
#include "packager/tar_format.h"

namespace mlship {
namespace {

constexpr std::uint64_t largest_ustar_size = (1ULL << 33U) - 1;  // 11 octal digits

struct UstarName {
  std::string_view name, prefix;
};

// POSIX.1-2017 pax §ustar: prefix (at most 155 bytes), `/`, name (at most 100). The shortest prefix that
// fits.
std::optional<UstarName> ustar_name(std::string_view path) {
  if (std::any_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
    return std::nullopt;
  }
  if (path.size() <= 100) return UstarName{path, ""};
  const size_t slash = path.find('/', path.size() - 101);
  if (slash == std::string_view::npos || slash + 1 == path.size() || slash > 155) return std::nullopt;
  return UstarName{path.substr(slash + 1), path.substr(0, slash)};
}

std::string octal(std::uint64_t value, size_t digits) {
  std::string out(digits, '0');
  for (size_t i = digits; i > 0; --i, value >>= 3U) out[i - 1] = static_cast<char>('0' + (value & 7U));
  return out;
}

struct Field {
  size_t offset;
  std::string_view value;
};

std::string ustar_block(const UstarName& at, char type, bool executable, std::uint64_t size) {
  const std::string mode = octal(executable ? 0755 : 0644, 7);
  const std::string length = octal(size, 11);
  const Field fields[] = {
      {0, at.name},
      {100, mode},
      {108, "0000000"},
      {116, "0000000"},
      {124, length},
      {136, "00000000000"},  // mtime
      {148, "        "},     // the checksum counts itself as spaces
      {257, std::string_view("ustar\0"
                             "00",
                             8)},
      {329, "0000000"},
      {337, "0000000"},
      {345, at.prefix},
  };
  std::string block(tar_block, '\0');
  for (const auto& field : fields) block.replace(field.offset, field.value.size(), field.value);
  block[156] = type;
  std::uint64_t sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  block.replace(148, 7, octal(sum, 6) + '\0');
  return block;
}

// "<length> <key>=<value>\n", where the length counts its own digits.
std::string pax_record(std::string_view key, std::string_view value) {
  const size_t rest = key.size() + value.size() + 3;
  size_t length = rest + 1;
  while (std::to_string(length).size() + rest != length) ++length;
  return std::to_string(length) + " " + std::string(key) + "=" + std::string(value) + "\n";
}

// For readers without pax: ASCII, cut to fit, the same on every machine.
std::string fallback_name(std::string_view path, size_t limit) {
  std::string out(path.substr(0, limit));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '_';
  }
  return out;
}

using Sink = std::function<void(std::string_view)>;
constexpr char zeros[tar_trailer] = {};

void write_member(const TarMember& member, const Sink& sink) {
  sink(tar_headers(member.path, false, member.executable, member.size));
  std::uint64_t written = 0;
  member.content([&](std::string_view data) {
    written += data.size();
    if (written <= member.size) sink(data);
  });
  if (written != member.size) {
    throw Error(ErrorCode::source_tree,
                "cannot read " + std::string(member.path) + ": it changed while it was read")
        .fact("size before", std::to_string(member.size))
        .fact("size read", std::to_string(written));
  }
  sink({zeros, tar_padding(member.size)});
}

// The folders that the members need; refuses two members with one path and a file that is also a folder.
std::set<std::string_view> folders_of(const std::vector<TarMember>& sorted) {
  std::set<std::string_view> folders;
  std::string_view before;
  for (size_t i = 0; i < sorted.size(); ++i) {
    const std::string_view path = sorted[i].path;
    check_member_path(path, "the code tree");
    if (i > 0 && before == path) {
      throw Error(ErrorCode::duplicate_path,
                  "cannot pack " + std::string(path) + ": two files have this path");
    }
    const size_t last = path.rfind('/');
    const std::string_view folder = last == std::string_view::npos ? "" : path.substr(0, last + 1);
    // Neighbours share their folder, nearly all of them.
    for (size_t slash = before.starts_with(folder) ? folder.size() : path.find('/'); slash < folder.size();
         slash = path.find('/', slash + 1)) {
      folders.insert(path.substr(0, slash));
    }
    before = path;
  }
  for (const auto& member : sorted) {
    if (folders.contains(member.path)) {
      throw Error(ErrorCode::duplicate_path,
                  "cannot pack " + std::string(member.path) + ": it is a file and also a folder");
    }
  }
  return folders;
}

}  // namespace

std::string tar_headers(std::string_view path, bool folder, bool executable, std::uint64_t size) {
  const std::string with_slash = folder ? std::string(path) + "/" : "";
  const std::string_view full = folder ? with_slash : path;
  const char type = folder ? '5' : '0';
  const auto at = ustar_name(full);
  if (at && size <= largest_ustar_size) return ustar_block(*at, type, folder || executable, size);
  std::string records;
  if (!at) records += pax_record("path", full);
  const bool large = size > largest_ustar_size;
  if (large) records += pax_record("size", std::to_string(size));
  constexpr std::string_view folder_name = "PaxHeaders/";
  const std::string name = std::string(folder_name) + fallback_name(path, 100 - folder_name.size());
  std::string out = ustar_block({name, ""}, 'x', false, records.size()) + records;
  out.append(tar_padding(records.size()), '\0');
  const std::string fallback = fallback_name(full, 100);
  const auto shown = at.value_or(UstarName{fallback, ""});
  return out + ustar_block(shown, type, folder || executable, large ? 0 : size);
}

void write_tar(std::vector<TarMember> members, const Sink& sink) {
  const auto by_path = [](const TarMember& a, const TarMember& b) { return a.path < b.path; };
  if (!std::is_sorted(members.begin(), members.end(), by_path)) {
    std::sort(members.begin(), members.end(), by_path);
  }
  for (const auto& folder : folders_of(members)) sink(tar_headers(folder, true, true, 0));
  for (const auto& member : members) write_member(member, sink);
  sink({zeros, tar_trailer});
}

}  // namespace mlship
