// The header blocks of the canonical tar: what the writer writes is what the reader demands, byte for byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mlship {

constexpr std::uint64_t tar_block = 512;  // bytes
constexpr std::uint64_t tar_trailer =
    1024;  // two zero blocks, no padding to a record: streaming readers stop here

constexpr std::uint64_t tar_padding(std::uint64_t size) {
  return (tar_block - size % tar_block) % tar_block;
}

// The ustar header of one member, preceded by a pax `x` record where ustar cannot say its path (POSIX.1-2017
// pax §ustar Interchange Format: ASCII, 100 + 155 bytes) or its size (8 GiB and more). Folders without a
// trailing `/`.
std::string tar_headers(std::string_view path, bool folder, bool executable, std::uint64_t size);

}  // namespace mlship
