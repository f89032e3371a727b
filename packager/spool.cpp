#include "packager/spool.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

namespace mlship {
namespace {

constexpr size_t block_size = 256U << 10U;  // bytes: what is read, hashed and written stays in a core's cache
constexpr size_t block_count = 4;

}  // namespace

// One thread fills blocks, one hashes them and one writes them, each in order. A block is filled again when
// both are done with it. What fits into one block needs no threads.
class Spool::Impl {
 public:
  explicit Impl(const Path& file) : out_(file) {}
  ~Impl() { stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void add(std::string_view data) {
    while (!data.empty()) {
      Block& block = blocks_.at(filled_ % block_count);
      if (!block.data) block.data = std::make_unique_for_overwrite<char[]>(block_size);
      const size_t n = std::min(data.size(), block_size - block.size);
      std::memcpy(block.data.get() + block.size, data.data(), n);
      block.size += n;
      data.remove_prefix(n);
      if (block.size == block_size) hand_over();
    }
  }

  Spooled finish() {
    const Block& last = blocks_.at(filled_ % block_count);
    if (last.size > 0) {
      if (hash_.thread.joinable()) {
        hand_over();
      } else {
        hasher_.update(last.text());
        out_.write(last.text());
        size_ = last.size;
      }
    }
    stop();
    if (failed_) std::rethrow_exception(failed_);
    out_.close(false);
    return {out_.path(), hasher_.finish(), size_};
  }

 private:
  struct Block {
    std::unique_ptr<char[]> data;
    size_t size = 0;
    [[nodiscard]] std::string_view text() const { return {data.get(), size}; }
  };
  struct Stage {
    std::uint64_t done = 0;  // blocks
    std::thread thread;
  };

  void hand_over() {
    size_ += blocks_.at(filled_ % block_count).size;
    std::unique_lock lock(mutex_);
    if (!hash_.thread.joinable()) {
      start(hash_, [this](std::string_view data) { hasher_.update(data); });
      start(write_, [this](std::string_view data) { out_.write(data); });
    }
    ++filled_;
    more_.notify_all();
    const auto free = [this] { return filled_ - std::min(hash_.done, write_.done) < block_count; };
    freed_.wait(lock, [&] { return free() || failed_; });
    if (failed_) std::rethrow_exception(failed_);
    blocks_.at(filled_ % block_count).size = 0;
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      more_.notify_all();
    }
    for (Stage* stage : {&hash_, &write_}) {
      if (stage->thread.joinable()) stage->thread.join();
    }
  }

  template <typename Work>
  void start(Stage& stage, Work work) {
    stage.thread = std::thread([this, &stage, work] {
      while (next(stage)) {
        try {
          work(blocks_.at(stage.done % block_count).text());
        } catch (...) {
          const std::lock_guard lock(mutex_);
          if (!failed_) failed_ = std::current_exception();
          more_.notify_all();
          freed_.notify_one();
          return;
        }
        const std::lock_guard lock(mutex_);
        ++stage.done;
        freed_.notify_one();
      }
    });
  }

  // False at the end.
  bool next(const Stage& stage) {
    std::unique_lock lock(mutex_);
    more_.wait(lock, [&] { return stage.done < filled_ || ended_ || failed_; });
    return stage.done < filled_ && !failed_;
  }

  fs::Writer out_;
  Sha256 hasher_;
  std::uint64_t size_ = 0;
  std::array<Block, block_count> blocks_;
  std::mutex mutex_;
  std::condition_variable more_, freed_;  // for the stages, for who fills
  std::uint64_t filled_ = 0;              // blocks handed over
  bool ended_ = false;
  std::exception_ptr failed_;
  Stage hash_, write_;
};

Spool::Spool(const Path& folder) : impl_(std::make_unique<Impl>(folder / fs::unique_name(".spool-"))) {}
Spool::~Spool() = default;
void Spool::add(std::string_view data) {
  impl_->add(data);
}
Spooled Spool::finish() {
  return impl_->finish();
}

Spooled spool(const Path& folder,
              const std::function<void(const std::function<void(std::string_view)>& sink)>& write) {
  Spool file(folder);
  write([&](std::string_view data) { file.add(data); });
  return file.finish();
}

}  // namespace mlship
