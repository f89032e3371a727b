// Which blobs of a layout were hashed, and what their files looked like then: a file that was touched since
// is hashed again before it is trusted, one that was not is not read.
#pragma once

#include <map>

#include "core/host/fs.h"
#include "core/oci.h"

namespace mlship {

constexpr std::string_view blob_record_name = ".blob-stats.json";

class BlobRecord {
 public:
  // Of the layout in `folder`. A record that is absent or cannot be read knows nothing.
  explicit BlobRecord(oci::Layout layout);

  // The blob is there, with the bytes that its digest names: as recorded, or as it was hashed just now.
  bool sound(const oci::Descriptor& blob);
  // It was just written with these bytes.
  void wrote(const Digest& digest);
  // Something was learned that save() would keep.
  [[nodiscard]] bool news() const { return news_; }
  // Needs the package's lock. Not being able to keep it is no failure: the next one hashes again.
  void save();

 private:
  struct Identity {
    std::uint64_t inode = 0, size = 0;
    std::int64_t mtime_ns = 0, ctime_ns = 0;
    bool operator==(const Identity&) const = default;
  };
  [[nodiscard]] static Identity identity(const fs::Stat& at);

  oci::Layout layout_;
  std::map<Digest, Identity> known_;
  bool news_ = false;
};

}  // namespace mlship
