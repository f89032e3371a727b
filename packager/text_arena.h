// Many short texts that live and die together.
#pragma once

#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace mlship {

class TextArena {
 public:
  // A copy that stays where it is as long as the arena (or one it was moved to) lives.
  std::string_view add(std::string_view text) {
    if (text.size() > left_) grow(text.size());
    char* const at = next_;
    std::memcpy(at, text.data(), text.size());
    next_ += text.size();
    left_ -= text.size();
    return {at, text.size()};
  }

 private:
  void grow(size_t least) {
    constexpr size_t block = 64U << 10U;  // bytes
    left_ = least > block ? least : block;
    blocks_.push_back(std::make_unique<char[]>(left_));
    next_ = blocks_.back().get();
  }

  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  size_t left_ = 0;
};

}  // namespace mlship
