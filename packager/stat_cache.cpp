#include "packager/stat_cache.h"

#include <algorithm>
#include <ctime>
#include <functional>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include "core/error.h"
#include "packager/replace_file.h"

namespace mlship {
namespace {

constexpr std::string_view magic = "mlship stat cache 1";
constexpr std::int64_t second = 1'000'000'000;
constexpr std::uint64_t worth_showing = 256ULL << 20U;  // bytes
constexpr int tries = 3;
constexpr int most_reads = 20;
constexpr size_t most_threads = 2;  // files at a time

bool same_but_ctime(const fs::Stat& a, fs::Stat b) {
  b.ctime_ns = a.ctime_ns;
  return same_identity(a, b);
}

// Reads one file completely; the stat before and after must agree, else what was read is no file's content. A
// link or a change of mode moves ctime alone: then the same bytes twice are the content.
void hash_one(FileToHash& item, const std::function<void(std::uint64_t)>& advance) {
  std::optional<Digest> earlier;
  int changes = 0;
  for (int attempt = 0; attempt < most_reads && changes < tries; ++attempt) {
    const auto before = settled_stat(item.file);
    if (!before) break;
    wait_past(before->ctime_ns);
    Sha256 hasher;
    fs::read_chunks(item.file, [&](std::string_view data) {
      hasher.update(data);
      advance(data.size());
    });
    const auto after = fs::stat(item.file);
    item.digest = hasher.finish();
    item.stat = *before;
    if (after && same_identity(*before, *after)) return;
    const bool linked = after && same_but_ctime(*before, *after);
    if (linked && earlier == item.digest) return;
    earlier = linked ? std::optional(item.digest) : std::nullopt;
    if (!linked) ++changes;
  }
  throw Error(ErrorCode::changed_since_build, "cannot hash " + item.shown + ": it changes while it is read")
      .hint("wait until it is written, then run mlship build again");
}

// False when it cannot be: who may not open it will not hash it either.
bool write_out(const Path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  const bool done = ::fdatasync(fd) == 0;
  ::close(fd);
  return done;
}

}  // namespace

bool same_identity(const fs::Stat& a, const fs::Stat& b) {
  return a.device == b.device && a.inode == b.inode && a.size == b.size && a.mtime_ns == b.mtime_ns &&
         a.ctime_ns == b.ctime_ns;
}

std::optional<fs::Stat> settled_stat(const Path& file) {
  std::optional<fs::Stat> stat;
  for (int attempt = 0; attempt < tries; ++attempt) {
    const std::int64_t begun = file_clock();
    const bool written = write_out(file);
    stat = fs::stat(file);
    // Younger: a page may have become dirty between the two.
    if (!written || !stat || stat->mtime_ns < begun) break;
    wait_past(stat->mtime_ns);
  }
  return stat;
}

std::int64_t file_clock() {
  // The kernel stamps files with the coarse clock, one tick (1 to 10 ms) behind at most.
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec * second + now.tv_nsec;
}

void wait_past(std::int64_t time_ns) {
  while (file_clock() <= time_ns && time_ns < file_clock() + second) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

StatCache::Key StatCache::key(const fs::Stat& s) {
  return {s.device, s.inode, s.size, s.mtime_ns, s.ctime_ns};
}

StatCache::StatCache(Path file) : file_(std::move(file)) {
  std::optional<std::string> text;
  std::optional<fs::Stat> own;
  try {
    own = fs::stat(file_);
    text = fs::read_if_exists(file_, 1ULL << 30U);
  } catch (const Error&) {
    return;  // unreadable: empty
  }
  if (!own || !text || !text->starts_with(magic)) return;
  std::istringstream in(text->substr(magic.size()));
  fs::Stat s;
  std::string hex;
  while (in >> s.device >> s.inode >> s.size >> s.mtime_ns >> s.ctime_ns >> hex) {
    const auto digest = Digest::from_hex(hex);
    if (!digest) break;
    if (s.mtime_ns < own->mtime_ns && s.ctime_ns < own->mtime_ns) entries_.emplace(key(s), *digest);
  }
}

std::optional<Digest> StatCache::find(const fs::Stat& stat) const {
  const auto found = entries_.find(key(stat));
  if (found == entries_.end()) return std::nullopt;
  return found->second;
}

void StatCache::put(const fs::Stat& stat, const Digest& digest) {
  // An inode has one content at a time.
  const auto first = entries_.lower_bound({stat.device, stat.inode, 0, INT64_MIN, INT64_MIN});
  const auto last = entries_.upper_bound({stat.device, stat.inode, UINT64_MAX, INT64_MAX, INT64_MAX});
  entries_.erase(first, last);
  entries_.emplace(key(stat), digest);
  changed_ = true;
}

void StatCache::save() const {
  if (file_.empty() || !changed_) return;
  std::ostringstream out;
  out << magic << '\n';
  const std::int64_t limit = file_clock() + second;  // later times are somebody's own choice
  std::int64_t youngest = 0;
  for (const auto& [k, digest] : entries_) {
    const auto& [device, inode, size, mtime, ctime] = k;
    out << device << ' ' << inode << ' ' << size << ' ' << mtime << ' ' << ctime << ' ' << digest.hex()
        << '\n';
    for (const std::int64_t time : {mtime, ctime}) {
      if (time < limit) youngest = std::max(youngest, time);
    }
  }
  wait_past(youngest);
  try {
    fs::make_folders(file_.parent_path());
    replace_file(file_, out.str());
  } catch (const Error&) {
    // Only speed is lost.
  }
}

Hashing::Hashing(std::vector<FileToHash> files, StatCache& cache, Diagnostics& diagnostics)
    : files_(std::move(files)), cache_(cache) {
  std::uint64_t total = 0;
  for (auto& item : files_) {
    const auto s = fs::stat(item.file);
    if (!s) throw Error(ErrorCode::not_found, "cannot hash " + item.shown + ": it does not exist");
    item.stat = *s;
    const auto known = cache.find(*s);
    if (known) item.digest = *known;
    if (!known) work_.push_back(&item);
    if (!known) total += s->size;
  }
  std::sort(work_.begin(), work_.end(),
            [](const auto* a, const auto* b) { return a->stat.size > b->stat.size; });
  if (total >= worth_showing) progress_ = diagnostics.progress("hash", total, Unit::bytes);
  for (size_t i = 0; i < std::min(work_.size(), most_threads); ++i) {
    threads_.emplace_back([this] { work(); });
  }
}

Hashing::~Hashing() {
  stopped_ = true;
  for (auto& thread : threads_) thread.join();
}

std::vector<FileToHash> Hashing::finish() {
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  if (progress_) progress_->finish();
  if (failed_) std::rethrow_exception(failed_);
  for (const auto* item : work_) cache_.put(item->stat, item->digest);
  return std::move(files_);
}

void Hashing::work() {
  try {
    for (size_t i = next_++; i < work_.size(); i = next_++) {
      hash_one(*work_[i], [this](std::uint64_t bytes) { advance(bytes); });
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!failed_) failed_ = std::current_exception();
    stopped_ = true;
  }
}

void Hashing::advance(std::uint64_t bytes) {
  if (stopped_) throw Error(ErrorCode::internal, "cannot hash: nobody waits for it any more");
  const std::lock_guard lock(mutex_);
  done_ += bytes;
  if (progress_) progress_->advance(done_);
}

void hash_files(std::vector<FileToHash>& files, StatCache& cache, Diagnostics& diagnostics) {
  files = Hashing(std::move(files), cache, diagnostics).finish();
}

}  // namespace mlship
