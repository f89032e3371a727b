#include "packager/inflate.h"

#include <algorithm>
#include <memory>

#include <zlib.h>

namespace mlship {
namespace {

constexpr std::uint64_t piece = 64U << 10U;  // bytes, in and out

class Inflation {
 public:
  Inflation(Bytes source, Deflated as) : source_(std::move(source)), as_(as) { begin(); }
  ~Inflation() { ::inflateEnd(&stream_); }
  Inflation(const Inflation&) = delete;
  Inflation& operator=(const Inflation&) = delete;

  std::string read(std::uint64_t offset, std::uint64_t length) {
    if (offset < held_at_) {
      ::inflateEnd(&stream_);
      begin();
    }
    while (held_at_ + held_.size() < offset + length && more()) drop_before(offset);
    drop_before(offset);
    return offset > held_at_ ? "" : held_.substr(0, static_cast<size_t>(length));
  }

 private:
  void begin() {
    stream_ = {};
    // Negative: raw deflate; 32: zlib or gzip, by header.
    ended_ = ::inflateInit2(&stream_, as_ == Deflated::raw ? -MAX_WBITS : MAX_WBITS + 32) != Z_OK;
    held_.clear();
    held_at_ = source_at_ = 0;
  }

  // False at the end of the stream, or where it is none.
  bool more() {
    if (ended_) return false;
    std::string in = source_(source_at_, piece);
    source_at_ += in.size();
    stream_.next_in = reinterpret_cast<Bytef*>(in.data());
    stream_.avail_in = static_cast<uInt>(in.size());
    const size_t before = held_.size();
    int code = Z_OK;
    do {
      const size_t there = held_.size();
      held_.resize(there + piece);
      stream_.next_out = reinterpret_cast<Bytef*>(held_.data() + there);
      stream_.avail_out = static_cast<uInt>(piece);
      code = ::inflate(&stream_, Z_NO_FLUSH);
      held_.resize(there + piece - stream_.avail_out);
    } while (code == Z_OK && stream_.avail_out == 0);
    ended_ = in.empty() || (code != Z_OK && code != Z_BUF_ERROR);
    return held_.size() > before || !ended_;
  }

  void drop_before(std::uint64_t offset) {
    const auto gone = std::min<std::uint64_t>(offset - std::min(offset, held_at_), held_.size());
    held_.erase(0, static_cast<size_t>(gone));
    held_at_ += gone;
  }

  Bytes source_;
  Deflated as_;
  z_stream stream_{};
  bool ended_ = false;
  std::string held_;
  std::uint64_t held_at_ = 0, source_at_ = 0;
};

}  // namespace

Bytes inflated(Bytes source, Deflated as) {
  auto state = std::make_shared<Inflation>(std::move(source), as);
  return [state](std::uint64_t offset, std::uint64_t length) { return state->read(offset, length); };
}

}  // namespace mlship
