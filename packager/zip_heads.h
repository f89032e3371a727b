// The members of a zip, read as leniently as the loaders of models read them: PyTorch's own zips break the
// strict rules.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "packager/byte_file.h"
#include "packager/inflate.h"

namespace mlship {

enum class ZipLook { none, found, too_many };
// Calls `member` with name and content (inflated) of what the central directory lists, until it returns true
// (found). A file that is no zip has no members. Content that many rows share is shown once; more rows than
// 200,000 are not looked at.
ZipLook any_zip_member(const ByteFile& file,
                       const std::function<bool(const std::string& name, const Bytes& content)>& member);

}  // namespace mlship
