#include <algorithm>
#include <memory>
#include <numeric>

#include <zlib.h>

#include "core/error.h"
#include "packager/member_path.h"
#include "packager/zip.h"
#include "packager/zip_records.h"

namespace mlship {
namespace {

constexpr size_t chunk_size = 64U << 10U;  // bytes

using Sink = std::function<void(std::string_view)>;

// Counts and sums what goes through, and refuses more than the headers promised before handing it on.
class Checked {
 public:
  Checked(const ZipEntry& entry, const std::string& shown, const Sink& sink)
      : entry_(entry), shown_(shown), sink_(sink) {}

  void take(std::string_view data) {
    if (data.size() > entry_.size - size_) refuse("is longer than its header says");
    size_ += data.size();
    crc_ = ::crc32_z(crc_, reinterpret_cast<const Bytef*>(data.data()), data.size());
    if (!data.empty()) sink_(data);
  }

  void finish() const {
    if (size_ != entry_.size) refuse("is shorter than its header says");
    if (crc_ != entry_.crc) refuse("is damaged (CRC-32)");
  }

  [[noreturn]] void refuse(const char* why) const {
    refuse_zip(shown_, "'" + printable(entry_.path) + "' " + why);
  }

 private:
  const ZipEntry& entry_;
  const std::string& shown_;
  const Sink& sink_;
  std::uint64_t size_ = 0;
  uLong crc_ = 0;
};

class Inflater {
 public:
  Inflater() {
    // Negative: raw deflate, no zlib header.
    if (::inflateInit2(&stream_, -MAX_WBITS) != Z_OK) throw Error(ErrorCode::internal, "zlib cannot start");
  }
  ~Inflater() { ::inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // True once the deflate stream has ended, which must be with the last byte of the last piece.
  bool feed(std::string& piece, Checked& out) {
    stream_.next_in = reinterpret_cast<Bytef*>(piece.data());
    stream_.avail_in = static_cast<uInt>(piece.size());
    int result = Z_OK;
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
      stream_.avail_out = static_cast<uInt>(buffer_.size());
      result = ::inflate(&stream_, Z_NO_FLUSH);
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        out.refuse("is not valid deflate data");
      out.take(std::string_view(buffer_.data(), buffer_.size() - stream_.avail_out));
    } while (result != Z_STREAM_END && (stream_.avail_in > 0 || stream_.avail_out == 0));
    if (stream_.avail_in > 0) out.refuse("has bytes after its deflate data");
    return result == Z_STREAM_END;
  }

 private:
  z_stream stream_{};
  std::string buffer_ = std::string(chunk_size, '\0');
};

void inflate_entry(const ByteFile& file, const ZipEntry& entry, Checked& out) {
  Inflater inflater;
  bool ended = false;
  for (std::uint64_t done = 0; done < entry.compressed; done += chunk_size) {
    if (ended) out.refuse("has bytes after its deflate data");
    std::string piece =
        file.read(entry.data_offset + done, std::min<std::uint64_t>(chunk_size, entry.compressed - done));
    ended = inflater.feed(piece, out);
  }
  if (!ended) out.refuse("is cut off");
}

void copy_entry(const ByteFile& file, const ZipEntry& entry, Checked& out) {
  for (std::uint64_t done = 0; done < entry.size; done += chunk_size) {
    out.take(file.read(entry.data_offset + done, std::min<std::uint64_t>(chunk_size, entry.size - done)));
  }
}

}  // namespace

struct ZipReader::Impl {
  std::string shown;
  ByteFile file;
  std::vector<ZipEntry> entries;
  std::vector<size_t> by_path;  // indexes into entries, in order of path
};

ZipReader::ZipReader(const Path& file, ZipLimits limits, const std::string& shown)
    : impl_(new Impl{shown.empty() ? file.string() : shown, ByteFile(file), {}, {}}) {
  impl_->entries = read_zip_entries(impl_->file, impl_->shown, limits);
  impl_->by_path.resize(impl_->entries.size());
  std::iota(impl_->by_path.begin(), impl_->by_path.end(), 0U);
  std::sort(impl_->by_path.begin(), impl_->by_path.end(),
            [this](size_t a, size_t b) { return impl_->entries[a].path < impl_->entries[b].path; });
}

ZipReader::~ZipReader() = default;
ZipReader::ZipReader(ZipReader&&) noexcept = default;

const std::vector<ZipEntry>& ZipReader::entries() const {
  return impl_->entries;
}

const ZipEntry* ZipReader::find(std::string_view path) const {
  const auto at =
      std::lower_bound(impl_->by_path.begin(), impl_->by_path.end(), path,
                       [this](size_t i, std::string_view p) { return impl_->entries[i].path < p; });
  return at == impl_->by_path.end() || impl_->entries[*at].path != path ? nullptr : &impl_->entries[*at];
}

void ZipReader::read(const ZipEntry& entry, const Sink& sink) const {
  Checked out(entry, impl_->shown, sink);
  if (entry.method == static_cast<int>(zip::deflated)) {
    inflate_entry(impl_->file, entry, out);
  } else {
    copy_entry(impl_->file, entry, out);
  }
  out.finish();
}

std::string ZipReader::read(const ZipEntry& entry, std::uint64_t limit) const {
  if (entry.size > limit) {
    refuse_zip(impl_->shown,
               "'" + printable(entry.path) + "' is larger than " + std::to_string(limit) + " bytes");
  }
  std::string out;
  read(entry, [&out](std::string_view data) { out += data; });
  return out;
}

}  // namespace mlship
