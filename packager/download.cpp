#include "packager/download.h"

#include <algorithm>
#include <memory>

#include "core/error.h"
#include "core/secret.h"
#include "packager/work_folder.h"

namespace mlship {
namespace {

constexpr std::string_view work_prefix = ".download-";
constexpr int parallel = 6;
constexpr std::uint64_t largest = 16ULL << 30U;  // bytes of a wheel whose size the index does not tell

// Whole and right already: from here on it is there under its digest, or not at all.
void put(const Path& from, const BlobCache& cache, const Digest& digest) {
  try {
    fs::make_folders(cache.path(digest).parent_path());
    fs::rename(from, cache.path(digest));
  } catch (const Error&) {
    fs::remove_file(from);
    throw;
  }
}

// One file on its way.
class Download {
 public:
  Download(DownloadRequest request, const BlobCache& cache, const Path& work, Diagnostics& diagnostics)
      : request_(std::move(request)), cache_(cache), work_(work), diagnostics_(diagnostics) {}

  Transfer transfer() {
    HttpRequest http = request_.request;
    http.sink = [this](std::string_view data) { take(data); };
    http.restart = [this] { restart(); };
    return {std::move(http), [this](const HttpResponse& response) { finish(response); }};
  }

  [[nodiscard]] const Downloaded& result() const { return result_; }

 private:
  void take(std::string_view data) {
    if (data.size() > limit() - result_.size) too_large();
    open();
    writer_->write(data);
    hash_.update(data);
    result_.size += data.size();
    progress_->advance(result_.size);
  }

  [[nodiscard]] std::uint64_t limit() const { return request_.size != 0 ? request_.size : largest; }

  // Stops at the first byte too many: whoever serves it could go on until the disk is full.
  [[noreturn]] void too_large() const {
    throw Error(ErrorCode::hash_mismatch,
                "cannot use " + request_.file + ": it is larger than the index says")
        .fact("expected", std::to_string(limit()) + " bytes")
        .fact("from", printable_url(request_.request.url));
  }

  void restart() {
    if (writer_) writer_->truncate();
    hash_ = Sha256();
    result_.size = 0;
  }

  // Not before there is something to write: hundreds of downloads wait, few run.
  void open() {
    if (writer_) return;
    writer_ = std::make_unique<fs::Writer>(work_ / fs::unique_name(""));
    progress_ = diagnostics_.progress("download " + request_.file, request_.size, Unit::bytes);
  }

  void finish(const HttpResponse& response) {
    const std::string shown = printable_url(request_.request.url);
    if (response.status != 200 && response.status != 206) throw http_error(response, "download " + shown);
    result_.digest = hash_.finish();
    const auto& allowed = request_.allowed;
    if (std::find(allowed.begin(), allowed.end(), result_.digest) == allowed.end()) mismatch(shown);
    if (request_.size != 0 && result_.size != request_.size) {
      throw Error(ErrorCode::hash_mismatch,
                  "cannot use " + request_.file + ": its size is not what the index says")
          .fact("expected", std::to_string(request_.size) + " bytes")
          .fact("actual", std::to_string(result_.size) + " bytes")
          .fact("from", shown);
    }
    open();
    writer_->close();
    put(writer_->path(), cache_, result_.digest);
    progress_->finish();
  }

  [[noreturn]] void mismatch(const std::string& shown) const {
    const auto& allowed = request_.allowed;
    std::string expected = allowed.front().str();
    if (allowed.size() > 1) expected += " or one of " + std::to_string(allowed.size() - 1) + " more";
    throw Error(ErrorCode::hash_mismatch,
                "cannot use " + request_.file + ": its hash is not in " + request_.origin)
        .fact("expected", expected)
        .fact("actual", result_.digest.str())
        .fact("from", shown)
        .hint("ask whoever runs the index; lock again only when the new file is known to be good");
  }

  DownloadRequest request_;
  const BlobCache& cache_;
  const Path& work_;
  Diagnostics& diagnostics_;
  std::unique_ptr<fs::Writer> writer_;  // removes its file unless it was closed
  std::unique_ptr<Progress> progress_;
  Sha256 hash_;
  Downloaded result_;
};

}  // namespace

std::vector<Downloaded> download(std::vector<DownloadRequest> requests, const BlobCache& cache, Http& http,
                                 Diagnostics& diagnostics) {
  if (requests.empty()) return {};
  fs::make_folders(cache.folder());
  const WorkFolder work(cache.folder(), work_prefix);
  std::vector<std::unique_ptr<Download>> downloads;
  std::vector<Transfer> transfers;
  for (auto& request : requests) {
    downloads.push_back(std::make_unique<Download>(std::move(request), cache, work.path(), diagnostics));
    transfers.push_back(downloads.back()->transfer());
  }
  http.run(std::move(transfers), parallel);
  std::vector<Downloaded> results;
  for (const auto& done : downloads) results.push_back(done->result());
  return results;
}

Downloaded import_file(const Path& file, const std::vector<Digest>& allowed, const BlobCache& cache) {
  fs::make_folders(cache.folder());
  const WorkFolder work(cache.folder(), work_prefix);
  const Path copy = work.path() / "copy";
  try {
    // Its own inode: somebody may write to the folder later.
    fs::place(file, copy, false);
    const Digest digest = fs::hash_file(copy);
    if (std::find(allowed.begin(), allowed.end(), digest) == allowed.end()) {
      throw Error(ErrorCode::hash_mismatch, "cannot use " + file.string() + ": it changed while it was read")
          .fact("expected", allowed.front().str())
          .fact("actual", digest.str());
    }
    const auto size = fs::stat(copy).value_or(fs::Stat{}).size;
    fs::set_mode(copy, 0644);
    put(copy, cache, digest);
    return {digest, size};
  } catch (...) {
    fs::remove_file(copy);
    throw;
  }
}

}  // namespace mlship
