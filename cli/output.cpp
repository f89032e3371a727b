#include "cli/output.h"

#include <cerrno>
#include <cstdio>

#include "core/host/fs.h"
#include "core/json_library.h"

namespace mlship {

void Stdout::write(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size() && failed_ == 0) failed_ = errno;
}

void Stdout::text(std::string_view text) {
  if (!json_) write(text);
}

void Stdout::document(const OrderedJson& document) {
  if (!json_ || documented_) return;
  documented_ = true;
  write(pretty_json(document));
}

void Stdout::flush() {
  if (std::fflush(stdout) != 0 && failed_ == 0) failed_ = errno;
  if (failed_ != 0 && failed_ != EPIPE) fs::fail(failed_, "write", "standard output");
}

}  // namespace mlship
