// The first bytes of every member of a zip, read as leniently as the loaders of models read them: PyTorch's
// own zips break the strict rules.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "packager/byte_file.h"

namespace mlship {

// Calls `member` with name and content (up to `most` bytes, inflated) of what the central directory lists,
// until it returns true; returns whether it did. A file that is no zip has no members.
bool any_zip_member(const ByteFile& file, std::uint64_t most,
                    const std::function<bool(const std::string& name, const std::string& head)>& member);

}  // namespace mlship
