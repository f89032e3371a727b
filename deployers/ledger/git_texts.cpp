#include "deployers/ledger/git_texts.h"

#include <algorithm>

#include "deployers/ledger/form.h"

namespace mlship {
namespace {

constexpr std::uint64_t largest_blob = 4U << 20U;  // bytes; larger ones are refused
constexpr size_t part_size = 1U << 20U;            // bytes; what is larger is continued in another file

std::string part_name(const std::string& path, size_t number) {
  return number == 1 ? path : path + "." + std::to_string(number);
}

}  // namespace

GitTexts::GitTexts(const GitRepository& repository, std::string commit, std::string ledger)
    : repository_(repository), commit_(std::move(commit)), ledger_(std::move(ledger)) {}

std::optional<std::string> GitTexts::part(const std::string& path) const {
  const auto entry = commit_.empty() ? std::nullopt : repository_.look(commit_, path);
  if (!entry) return std::nullopt;
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorCode::ledger, "cannot use the ledger " + ledger_ + ": " + path + " " + why)
        .hint("look at who wrote it: git log -- " + path);
  };
  if (entry->kind != GitEntry::Kind::file) refuse("is no file");
  if (repository_.size(entry->id) > largest_blob) refuse("is larger than 4 MiB");
  return repository_.read(entry->id);
}

std::optional<std::string> GitTexts::read(const std::string& path) const {
  std::optional<std::string> text = part(path);
  for (size_t number = 2; text; ++number) {
    const auto more = part(part_name(path, number));
    if (!more) break;
    if (text->size() + more->size() > largest_ledger_text) {
      throw Error(ErrorCode::ledger,
                  "cannot use the ledger " + ledger_ + ": " + path + " is larger than 1 GiB");
    }
    *text += *more;
  }
  return text;
}

std::vector<std::string> GitTexts::names(const std::string& path) const {
  std::vector<std::string> names;
  if (commit_.empty()) return names;
  for (auto& entry : repository_.list(commit_, path)) names.push_back(std::move(entry.name));
  return names;
}

void GitTexts::append(const std::string& path, std::string_view text) {
  size_t number = 1;
  while (!commit_.empty() && repository_.look(commit_, part_name(path, number + 1))) ++number;
  std::string last = part(part_name(path, number)).value_or("");
  while (!text.empty()) {
    if (last.size() >= part_size || (!last.empty() && last.size() + text.size() > part_size)) {
      last.clear();
      ++number;
    }
    size_t count = std::min(part_size - last.size(), text.size());
    // At the end of a line where there is one: people read it.
    const size_t line = count < text.size() ? text.rfind('\n', count - 1) : std::string_view::npos;
    if (line != std::string_view::npos) count = line + 1;
    last += text.substr(0, count);
    text.remove_prefix(count);
    changed_[part_name(path, number)] = last;
    if (!text.empty()) {
      last.clear();
      ++number;
    }
  }
}

std::vector<GitFile> GitTexts::changed() const {
  std::vector<GitFile> files;
  for (const auto& [path, content] : changed_) files.push_back({path, content});
  return files;
}

}  // namespace mlship
