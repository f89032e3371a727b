// Actors that take turns: one runs at a time, and who is next is drawn wherever the running one pauses.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

namespace mlship::test {

class Stage {
 public:
  explicit Stage(std::mt19937& random) : random_(random) {}

  void add(std::function<void()> body) { bodies_.push_back(std::move(body)); }

  // Returns when all have ended. What a body throws ends the program.
  void run() {
    alive_.assign(bodies_.size(), true);
    turn_ = draw();
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < bodies_.size(); ++i) threads.emplace_back([this, i] { play(i); });
  }

  // Called by the actor whose turn it is.
  void pause() {
    std::unique_lock lock(mutex_);
    const size_t self = turn_;
    pass(lock);
    changed_.wait(lock, [&] { return turn_ == self; });
  }
  [[nodiscard]] size_t actor() const { return turn_; }

 private:
  void play(size_t self) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return turn_ == self; });
    }
    bodies_[self]();
    std::unique_lock lock(mutex_);
    alive_[self] = false;
    pass(lock);
  }

  void pass(std::unique_lock<std::mutex>&) {
    turn_ = draw();
    changed_.notify_all();
  }

  size_t draw() {
    std::vector<size_t> living;
    for (size_t i = 0; i < alive_.size(); ++i) {
      if (alive_[i]) living.push_back(i);
    }
    return living.empty() ? alive_.size() : living[random_() % living.size()];
  }

  std::mt19937& random_;
  std::vector<std::function<void()>> bodies_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<bool> alive_;
  size_t turn_ = 0;
};

}  // namespace mlship::test
