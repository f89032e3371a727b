#include "deployers/file_batch.h"

#include <algorithm>
#include <iterator>
#include <map>

namespace mlship {
namespace {

using Kind = ApplyResult::Kind;

ApplyResult already(const FileView& view) {
  return {Kind::already, "", "", to_json(view.locator)};
}

}  // namespace

FileBatch::FileBatch(std::span<const Sending> sendings)
    : members_(sendings.size()), results_(sendings.size()), closed_(sendings.size(), false) {
  for (size_t i = 0; i < sendings.size(); ++i) {
    members_[i].sending = &sendings[i];
    members_[i].locator = parse_locator(sendings[i].operation->locator);
    if (members_[i].locator) {
      open_.push_back(i);
    } else {
      give(i, {Kind::conflict, "the record of where it stands cannot be read", "", {}});
    }
  }
  if (!open_.empty()) scheme_ = members_[open_.front()].locator->scheme;
}

std::string FileBatch::file() const {
  return open_.empty() ? "" : members_[open_.front()].locator->file;
}

const std::string& FileBatch::tag() const {
  return members_[open_.front()].sending->tag;
}

void FileBatch::give(size_t member, ApplyResult result) {
  results_[member] = std::move(result);
  closed_[member] = true;
}

void FileBatch::drop_closed() {
  std::erase_if(open_, [&](size_t i) { return closed_[i]; });
}

void FileBatch::look(const Look& look) {
  std::map<size_t, size_t> taken;  // spans of those before: begin, end
  const auto overlaps = [&](const Edit& edit) {
    const auto next = taken.lower_bound(edit.span.begin);
    if (next != taken.end() && next->first < edit.span.end) return true;
    return next != taken.begin() && std::prev(next)->second > edit.span.begin;
  };
  for (const size_t i : open_) {
    Member& member = members_[i];
    FileView view = look(*member.locator, member.sending->operation->changes);
    if (view.state == ObjectState::post) {
      give(i, already(view));
    } else if (view.state != ObjectState::pre) {
      give(i, {Kind::conflict, view.detail, "", {}});
    } else if (std::any_of(view.edits.begin(), view.edits.end(), overlaps)) {
      give(i, {Kind::conflict, "another object stands there", "", {}});
    } else {
      for (const auto& edit : view.edits) taken.emplace(edit.span.begin, edit.span.end);
      member.edits = std::move(view.edits);
    }
  }
  drop_closed();
}

std::string FileBatch::with(const std::string& text, const Members& members) const {
  std::vector<Edit> edits;
  for (const size_t i : members)
    edits.insert(edits.end(), members_[i].edits.begin(), members_[i].edits.end());
  return apply_edits(text, std::move(edits));
}

std::string FileBatch::edited(const std::string& text, const Reread& reread) {
  while (!open_.empty()) {
    std::string then = with(text, open_);
    bool all = true;
    reread(then, [&](const Look& look) {
      for (const size_t i : open_) {
        const FileView view = look(*members_[i].locator, members_[i].sending->operation->changes);
        members_[i].then = to_json(view.locator);
        if (view.state == ObjectState::post) continue;
        give(i, {Kind::refused, "the new text would not be read as a reference there", "", {}});
        all = false;
      }
    });
    if (all) return then;
    drop_closed();
  }
  return text;
}

std::string FileBatch::accepted(const std::string& text, std::string edited,
                                const std::function<std::string(const std::string&)>& refusal) {
  const std::string why = refusal(edited);
  if (why.empty()) return edited;
  if (open_.size() == 1) {
    end(Kind::refused, why);
    return text;
  }
  Members taken;
  narrow(text, open_, taken, refusal);
  drop_closed();
  return with(text, open_);
}

// Halves what is refused until what is to blame is alone.
void FileBatch::narrow(const std::string& text, const Members& some, Members& taken,
                       const std::function<std::string(const std::string&)>& refusal) {
  Members tried = taken;
  tried.insert(tried.end(), some.begin(), some.end());
  const std::string why = refusal(with(text, tried));
  if (why.empty()) {
    taken = std::move(tried);
  } else if (some.size() == 1) {
    give(some.front(), {Kind::refused, why, "", {}});
  } else {
    const auto middle = some.begin() + static_cast<std::ptrdiff_t>(some.size() / 2);
    narrow(text, {some.begin(), middle}, taken, refusal);
    narrow(text, {middle, some.end()}, taken, refusal);
  }
}

void FileBatch::end(Kind kind, const std::string& detail, const std::string& pending) {
  for (const size_t i : open_) give(i, {kind, detail, pending, std::move(members_[i].then)});
  open_.clear();
}

}  // namespace mlship
