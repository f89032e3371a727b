// A strict zip reader and a deterministic zip writer (APPNOTE 6.3.9; PyPI's 2025 rules for wheels).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/fs.h"

namespace mlship {

struct ZipEntry {
  std::string path;  // checked: relative, UTF-8, no `.`/`..`/backslash/control characters; no trailing `/`
  bool folder = false;
  bool executable = false;
  std::uint64_t size = 0;  // uncompressed
  std::uint64_t compressed = 0;
  std::uint32_t crc = 0;
  int method = 0;  // 0 stored, 8 deflated
  std::uint64_t header_offset = 0;
  std::uint64_t data_offset = 0;
};

struct ZipLimits {
  std::uint64_t entries = 200'000;
  std::uint64_t bytes = 16ULL << 30U;  // uncompressed, all entries together
  std::uint64_t ratio = 50;            // per entry, above 64 MiB uncompressed
};

// Refuses, with Error(archive) naming the file and the rule: bytes before, between or after the records,
// local and central headers that disagree, duplicates, data descriptors that lie or stand behind stored data
// (its end could not be found by reading forward), links and special files, other methods, encryption,
// multi-disk, zip64 fields that contradict, names that are not ASCII and not marked as UTF-8, comments that
// hide an end record, bombs.
class ZipReader {
 public:
  // `shown`: what messages call the file; its path when empty.
  explicit ZipReader(const Path& file, ZipLimits limits = {}, const std::string& shown = "");
  ~ZipReader();
  ZipReader(ZipReader&&) noexcept;
  [[nodiscard]] const std::vector<ZipEntry>& entries() const;  // in the file's order
  [[nodiscard]] const ZipEntry* find(std::string_view path) const;
  // Streams one entry; checks size and CRC; throws Error(archive).
  void read(const ZipEntry& entry, const std::function<void(std::string_view)>& sink) const;
  [[nodiscard]] std::string read(const ZipEntry& entry, std::uint64_t limit = fs::small_file) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Stored, 1980-01-01, no extra fields, no data descriptors; members in the order given, one at a time in
// memory.
class ZipWriter {
 public:
  using Sink = std::function<void(std::string_view)>;
  explicit ZipWriter(Sink sink) : sink_(std::move(sink)) {}
  // Throws Error(duplicate_path) on a path that is there already, Error(archive) beyond what a zip without
  // zip64 can say (65,534 members, 4 GiB).
  void add(std::string_view path, std::string_view content, bool executable);
  void finish();

 private:
  [[nodiscard]] std::string_view path_at(std::uint32_t start) const;
  [[nodiscard]] std::vector<std::uint32_t>::iterator place_of(std::string_view path);

  Sink sink_;
  std::uint64_t offset_ = 0;
  std::string directory_;
  std::vector<std::uint32_t> by_path_;  // where the paths of the members begin in directory_
};

}  // namespace mlship
