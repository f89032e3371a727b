#include "registry/blob_record.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "core/json_library.h"

namespace mlship {

BlobRecord::Identity BlobRecord::identity(const fs::Stat& at) {
  return {at.inode, at.size, at.mtime_ns, at.ctime_ns};
}

BlobRecord::BlobRecord(oci::Layout layout) : layout_(std::move(layout)) {
  Json json;
  try {
    const auto text = fs::read_if_exists(layout_.folder() / blob_record_name);
    json = text ? Json::parse(*text, nullptr, false) : Json();
  } catch (const Error&) {
    return;
  }
  if (!json.is_object()) return;
  for (const auto& [hex, row] : json.items()) {
    const auto digest = Digest::from_hex(hex);
    const bool whole =
        row.is_array() && row.size() == 4 &&
        std::all_of(row.begin(), row.end(), [](const Json& n) { return n.is_number_integer(); });
    if (!digest || !whole) continue;
    known_[*digest] = {row[0].get<std::uint64_t>(), row[1].get<std::uint64_t>(), row[2].get<std::int64_t>(),
                       row[3].get<std::int64_t>()};
  }
}

bool BlobRecord::sound(const oci::Descriptor& blob) {
  const Path file = layout_.blob_path(blob.digest);
  const auto at = fs::lstat(file);
  if (!at || at->kind != fs::Kind::file || at->size != blob.size) return false;
  const auto known = known_.find(blob.digest);
  if (known != known_.end() && known->second == identity(*at)) return true;
  if (fs::hash_file(file) != blob.digest) return false;
  known_[blob.digest] = identity(*at);
  news_ = true;
  return true;
}

void BlobRecord::wrote(const Digest& digest) {
  const auto at = fs::lstat(layout_.blob_path(digest));
  if (!at) return;
  known_[digest] = identity(*at);
  news_ = true;
}

void BlobRecord::save() {
  if (!news_) return;
  Json json = Json::object();
  for (const auto& [digest, at] : known_)
    json[digest.hex()] = Json::array({at.inode, at.size, at.mtime_ns, at.ctime_ns});
  try {
    fs::write_atomic(layout_.folder() / blob_record_name, canonical_json(json), fs::by_umask);
    news_ = false;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted) throw;
  }
}

}  // namespace mlship
