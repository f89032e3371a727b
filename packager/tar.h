// The canonical tar: directories then files, parents first, bytewise order, constant owner and time, ustar
// with a pax `x` record only where ustar cannot say it, exactly 1,024 zero bytes at the end. One tree, one
// byte sequence.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/digest.h"
#include "core/host/fs.h"

namespace mlship {

struct TarMember {
  std::string_view path;    // of a regular file; relative, UTF-8 in NFC, `/`; the caller keeps the text
  bool executable = false;  // 0755, else 0644
  std::uint64_t size = 0;
  // Gives exactly `size` bytes to the sink.
  std::function<void(const std::function<void(std::string_view)>& sink)> content;
};

// Members in any order; folders are derived. Throws Error(duplicate_path) on equal paths or a file that is
// also a folder, Error(source_tree) on a path that is absolute, has `.`/`..`, control characters or is not
// UTF-8 in NFC.
void write_tar(std::vector<TarMember> members, const std::function<void(std::string_view)>& sink);

// Throws the Error of write_tar for one path.
void check_member_path(std::string_view path, std::string_view where);

// Unpacks a tar of ours from untrusted bytes into the empty folder `into` (libarchive's tar reader only).
// Refused with Error(archive): links, devices, absolute or dotted paths, duplicates, control characters,
// non-canonical modes, more than `limit_bytes` of content. Nothing is written outside `into`.
void extract_tar(const Path& tar, const Path& into, std::uint64_t limit_bytes);
// Its members without unpacking.
struct TarEntry {
  std::string path;
  bool executable = false;
  std::uint64_t size = 0;
  Digest digest;
};
std::vector<TarEntry> list_tar(const Path& tar);

}  // namespace mlship
