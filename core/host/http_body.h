// A file as a request body.
#pragma once

#include <functional>

#include "core/digest.h"
#include "core/host/fs.h"
#include "core/host/http.h"

namespace mlship {

// Hashed while it is sent: when the file is not `size` bytes with `digest` any more, `changed` makes the
// Error that is thrown before the last byte is handed over, so that no server ever gets the whole of
// something else.
HttpBody file_body(const Path& file, const Digest& digest, std::uint64_t size,
                   std::function<Error(const std::string& actual, std::uint64_t actual_size)> changed);

// The part [first, first + size) of a file, not hashed.
HttpBody file_part(const Path& file, std::uint64_t first, std::uint64_t size);

}  // namespace mlship
