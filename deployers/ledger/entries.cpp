#include "deployers/ledger/entries.h"

#include "deployers/ledger/chain.h"

namespace mlship {

void Entries::add_line(std::string_view line) {
  text_ += line;
  ends_.push_back(text_.size());
}

Json Entries::at(size_t i) const {
  const size_t index = first_ + i;
  const size_t end = ends_.at(index);
  const size_t begin = index == 0 ? 0 : ends_[index - 1];
  Json entry = Json::parse(std::string_view(text_).substr(begin, end - begin));
  entry.erase(prev_key);
  return entry;
}

}  // namespace mlship
