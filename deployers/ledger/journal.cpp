#include "deployers/ledger/journal.h"

#include <algorithm>

#include "deployers/ledger/form.h"

namespace mlship {
namespace {

constexpr std::string_view separator = "~";

}  // namespace

Journal::Journal(Path folder, std::string rollout)
    : folder_(std::move(folder)),
      file_(folder_ / fs::unique_name(rollout + std::string(separator))),
      rollout_(std::move(rollout)) {}

Journal::~Journal() {
  try {
    if (size_ == 0 && lock_) fs::remove_file(file_);
  } catch (const Error&) {  // an empty file says nothing
  }
}

void Journal::add(std::string_view lines) {
  if (!lock_) {
    fs::make_folders_durable(folder_);
    auto mine = fs::Lock::attempt(file_);
    if (!mine) throw Error(ErrorCode::io, "cannot write to " + file_.string() + ": another process has it");
    lock_.emplace(std::move(*mine));
    fs::sync_folder(folder_);
  }
  append_durable(file_, lines, size_);
  size_ += lines.size();
}

void Journal::cut(std::uint64_t size) {
  if (size >= size_) return;
  append_durable(file_, "", size);
  size_ = size;
}

void Journal::clear() {
  cut(0);
}

bool Journal::left_behind(const Path& folder, const std::string& rollout) {
  if (!fs::exists(folder)) return false;
  const auto names = fs::list(folder);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return name.starts_with(rollout + std::string(separator));
  });
}

std::vector<Json> Journal::adopt(const ChainTail& tail) {
  std::vector<Json> adopted;
  if (!fs::exists(folder_)) return adopted;
  for (const auto& name : fs::list(folder_)) {
    const Path other = folder_ / name;
    if (!name.starts_with(rollout_ + std::string(separator)) || other == file_) continue;
    const auto dead = fs::Lock::attempt(other);
    if (!dead) continue;  // its run lives, perhaps paused: it will see that it was overtaken
    const std::string text = fs::read_file(other, largest_ledger_text);
    try {
      Chain chain = read_chain(text, tail.prev, other.string());
      if (adopted.empty() && !chain.entries.empty()) {
        add(std::string_view(text).substr(0, chain.tail.size));
        for (const Json entry : chain.entries) adopted.push_back(entry);
      }
    } catch (const Error& e) {
      if (e.code() != ErrorCode::ledger) throw;
    }
    fs::remove_file(other);
  }
  return adopted;
}

}  // namespace mlship
