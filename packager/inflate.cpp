#include "packager/inflate.h"

#include <zlib.h>

namespace mlship {

std::string inflated(std::string_view data, Deflated as, std::uint64_t most) {
  z_stream stream{};
  // Negative: raw deflate; 32: zlib or gzip, by header.
  if (::inflateInit2(&stream, as == Deflated::raw ? -MAX_WBITS : MAX_WBITS + 32) != Z_OK) return {};
  std::string in(data);
  std::string out(static_cast<size_t>(most), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ::inflate(&stream, Z_SYNC_FLUSH);
  out.resize(out.size() - stream.avail_out);
  ::inflateEnd(&stream);
  return out;
}

}  // namespace mlship
