#include "deployers/file_names.h"

#include <algorithm>
#include <array>

#include "core/digest.h"

namespace mlship {
namespace {

constexpr std::string_view mark = ".mlship-";
constexpr size_t hash_digits = 16;
constexpr size_t longest_name = 120, name_kept = 80;
constexpr size_t longest_tag = 60, tag_kept = 40;

struct SuffixRow {
  SwapNames::Sort sort;
  std::string_view suffix;
};
constexpr auto suffixes =
    std::to_array<SuffixRow>({{SwapNames::Sort::part, "-part"}, {SwapNames::Sort::journal, "-in-place"}});

bool is_hash(std::string_view text) {
  return text.size() == hash_digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// "<tag>-<old>-<new>".
std::optional<SwapNames::Leftover> read_whole(const std::string& name, std::string_view rest) {
  constexpr size_t length = 2 * (hash_digits + 1);
  if (rest.size() <= length) return std::nullopt;
  const std::string_view end = rest.substr(rest.size() - length);
  const std::string_view before = end.substr(1, hash_digits), after = end.substr(hash_digits + 2);
  if (end[0] != '-' || end[hash_digits + 1] != '-' || !is_hash(before) || !is_hash(after))
    return std::nullopt;
  return SwapNames::Leftover{SwapNames::Sort::whole,
                             name,
                             std::string(rest.substr(0, rest.size() - length)),
                             {std::string(before), std::string(after)}};
}

}  // namespace

std::string short_hash(std::string_view bytes) {
  return sha256(bytes).hex().substr(0, hash_digits);
}

SwapNames::SwapNames(const Path& file) {
  std::string name = file.filename().string();
  if (name.size() > longest_name) name = name.substr(0, name_kept) + "~" + short_hash(name);
  base_ = "." + name + std::string(mark);
}

std::string SwapNames::prefix() const {
  return base_.substr(0, base_.size() - mark.size());
}

std::string SwapNames::safe(const std::string& tag) {
  std::string out = tag;
  const auto unfit = [](char c) { return c == '/' || static_cast<unsigned char>(c) <= ' '; };
  std::replace_if(out.begin(), out.end(), unfit, '_');
  return out.size() > longest_tag ? out.substr(0, tag_kept) + "~" + short_hash(tag) : out;
}

std::string SwapNames::part(const std::string& tag) const {
  return base_ + safe(tag) + "-part";
}

std::string SwapNames::whole(const std::string& tag, std::string_view before, std::string_view after) const {
  return base_ + safe(tag) + "-" + short_hash(before) + "-" + short_hash(after);
}

std::string SwapNames::journal(const std::string& tag) const {
  return base_ + safe(tag) + "-in-place";
}

std::string SwapNames::kept(const std::string& tag, std::string_view bytes) const {
  return base_ + safe(tag) + "_kept_" + short_hash(bytes);
}

std::optional<SwapNames::Leftover> SwapNames::read(const std::string& name) const {
  if (!name.starts_with(base_)) return std::nullopt;
  const std::string_view rest = std::string_view(name).substr(base_.size());
  for (const auto& row : suffixes) {
    if (rest.size() <= row.suffix.size() || !rest.ends_with(row.suffix)) continue;
    return Leftover{row.sort, name, std::string(rest.substr(0, rest.size() - row.suffix.size())), {}};
  }
  return read_whole(name, rest);
}

}  // namespace mlship
