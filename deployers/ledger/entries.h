// The entries of one rollout, as compact as they are written: a large fleet has tens of thousands. Each is
// parsed when it is looked at.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "core/json_library.h"

namespace mlship {

class Entries {
 public:
  class Iterator {
   public:
    Iterator(const Entries& all, size_t at) : all_(&all), at_(at) {}
    Json operator*() const { return (*all_)[at_]; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const Entries* all_;
    size_t at_;
  };

  // `line`: a whole JSON object. Its "prev" is the chain's and not part of the entry.
  void add_line(std::string_view line);
  void push_back(const Json& entry) { add_line(canonical_json(entry)); }
  void drop_first() { ++first_; }  // of at least one
  void clear() { *this = Entries(); }

  [[nodiscard]] size_t size() const { return ends_.size() - first_; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] Json operator[](size_t i) const { return at(i); }
  [[nodiscard]] Json at(size_t i) const;  // throws std::out_of_range
  [[nodiscard]] Iterator begin() const { return {*this, 0}; }
  [[nodiscard]] Iterator end() const { return {*this, size()}; }

 private:
  std::string text_;
  std::vector<size_t> ends_;  // of each line in text_
  size_t first_ = 0;
};

}  // namespace mlship
