#include "packager/spool.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

namespace mlship {
namespace {

constexpr size_t block_size = 1U << 20U;  // bytes; three are in memory at most

class Spooler {
 public:
  explicit Spooler(const Path& file) : out_(file), worker_([this] { work(); }) {}
  ~Spooler() { stop(); }
  Spooler(const Spooler&) = delete;
  Spooler& operator=(const Spooler&) = delete;

  void add(std::string_view data) {
    while (!data.empty()) {
      const size_t n = std::min(data.size(), block_size - filling_.size());
      filling_.append(data.substr(0, n));
      data.remove_prefix(n);
      if (filling_.size() == block_size) hand_over();
    }
  }

  Spooled finish() {
    hand_over();
    stop();
    if (failed_) std::rethrow_exception(failed_);
    out_.close(false);
    return {out_.path(), hasher_.finish(), size_};
  }

 private:
  void hand_over() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return full_.empty() || failed_; });
    if (failed_) std::rethrow_exception(failed_);
    std::swap(filling_, full_);
    changed_.notify_all();
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
      changed_.notify_all();
    }
    if (worker_.joinable()) worker_.join();
  }

  void work() {
    std::string block;
    while (take(block)) {
      try {
        hasher_.update(block);
        size_ += block.size();
        out_.write(block);
      } catch (...) {
        const std::lock_guard lock(mutex_);
        failed_ = std::current_exception();
        changed_.notify_all();
        return;
      }
    }
  }

  // False at the end.
  bool take(std::string& block) {
    block.clear();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !full_.empty() || done_; });
    std::swap(block, full_);
    changed_.notify_all();
    return !block.empty();
  }

  fs::Writer out_;
  Sha256 hasher_;
  std::uint64_t size_ = 0;
  std::string filling_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string full_;  // the block between the two threads
  bool done_ = false;
  std::exception_ptr failed_;
  std::thread worker_;  // last: it uses the others
};

}  // namespace

Spooled spool(const Path& folder,
              const std::function<void(const std::function<void(std::string_view)>& sink)>& write) {
  Spooler spooler(folder / fs::unique_name(".spool-"));
  write([&](std::string_view data) { spooler.add(data); });
  return spooler.finish();
}

}  // namespace mlship
