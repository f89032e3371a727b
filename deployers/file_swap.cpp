#include "deployers/file_swap.h"

#include "core/error.h"
#include "deployers/file_exchange.h"
#include "deployers/file_obstacle.h"

namespace mlship {
namespace {

using Kind = SwapResult::Kind;

SwapResult after_mismatch(const SwapPlace& place, const Swap& swap, const std::string& displaced) {
  const std::string kept = put_back(place, displaced, swap.replacement, swap.tag);
  if (kept.empty()) {
    return {Kind::conflict, "somebody else changed the file between read and write; their text stands"};
  }
  return {Kind::conflict,
          "somebody else changed the file twice between read and write; the newer text stands, the "
          "other one is kept in " +
              kept,
          true};
}

// File systems without RENAME_EXCHANGE: an edit in the moment between the second read and the rename is lost,
// so the result says how it was done.
SwapResult replace(const SwapPlace& place, const Snapshot& before, const std::string& temporary) {
  if (snapshot(place.folder, place.name) != before) {
    place.folder.remove(temporary);
    return {Kind::conflict, "somebody else changed the file between read and write; their text stands"};
  }
  place.folder.rename(temporary, place.name);
  place.folder.sync();
  return {Kind::swapped, "replaced by rename: the file system cannot exchange files"};
}

SwapResult exchange(const SwapPlace& place, const Swap& swap, const Snapshot& before,
                    const std::string& temporary) {
  const auto displaced_is_ours = [&] { return snapshot(place.folder, temporary) == before; };
  if (!place.folder.exchange(temporary, place.name)) return replace(place, before, temporary);
  if (!displaced_is_ours()) return after_mismatch(place, swap, temporary);
  place.folder.sync();
  // Somebody who had the file open may still have written to what is displaced now.
  if (!displaced_is_ours()) return after_mismatch(place, swap, temporary);
  place.folder.remove(temporary);
  return {Kind::swapped, ""};
}

Kind kind_of(const Error& error) {
  const bool denied = error.code() == ErrorCode::file_permission || error.code() == ErrorCode::read_only;
  return denied ? Kind::refused : Kind::failed;
}

SwapResult failure(const SwapPlace& place, const Error& error) {
  if (error.code() == ErrorCode::not_found) return {Kind::conflict, "the file is gone"};
  if (const auto obstacle = obstacle_of(place.file)) return {Kind::refused, obstacle->why};
  return {kind_of(error), error.message()};
}

void discard(const SwapPlace& place, const std::string& name) {
  try {
    place.folder.remove(name);
  } catch (const Error&) {
    // What was to be said has been said; the next run clears it up.
  }
}

// The new file, locked as long as this lives: whoever clears up after killed runs takes it for abandoned
// else.
class NewFile {
 public:
  NewFile(const SwapPlace& place, const Swap& swap)
      : place_(place),
        part_(place.names.part(swap.tag)),
        whole_(place.names.whole(swap.tag, swap.expected, swap.replacement)) {
    // Something of a killed run with this very name may hold what somebody else had written.
    if (place.folder.open(whole_)) recover_swap(place.file, swap.tag);
    place.folder.remove(part_);
  }

  // Complete, under its final temporary name.
  std::string make(const Swap& swap, const Snapshot& before) {
    file_.emplace(place_.folder.create(part_, place_.file));
    try {
      (void)file_->lock();
      file_->write(swap.replacement);
      file_->set_attributes(before.attributes);
      file_->sync();
      place_.folder.rename(part_, whole_);
    } catch (...) {
      discard(place_, part_);
      throw;
    }
    return whole_;
  }

 private:
  const SwapPlace& place_;
  std::string part_, whole_;
  std::optional<fs::OpenFile> file_;
};

// Before the exchange nothing has happened; after it the next run looks at what stands where.
SwapResult after_error(const SwapPlace& place, const Swap& swap, const std::string& temporary,
                       const Error& error) {
  const auto there = snapshot(place.folder, temporary);
  if (there && there->bytes == swap.replacement) {
    discard(place, temporary);
    return failure(place, error);
  }
  try {
    recover_swap(swap.file, swap.tag);
  } catch (const Error&) {
    // As unknown as before; the next run tries again.
  }
  return {Kind::unknown, error.message()};
}

SwapResult swap_at(const SwapPlace& place, const Swap& swap, const std::function<void()>& ready) {
  std::optional<NewFile> fresh;
  std::string temporary;
  Snapshot before;
  try {
    fresh.emplace(place, swap);
    auto now = snapshot(place.folder, place.name);
    if (!now) return {Kind::conflict, "the file is gone"};
    if (now->bytes != swap.expected)
      return {Kind::conflict, "somebody else changed the file after it was read"};
    before = std::move(*now);
    temporary = fresh->make(swap, before);
  } catch (const Error& e) {
    return failure(place, e);
  }
  if (ready) ready();
  try {
    return exchange(place, swap, before, temporary);
  } catch (const Error& e) {
    return after_error(place, swap, temporary, e);
  }
}

}  // namespace

std::optional<Snapshot> snapshot(const fs::OpenFolder& folder, const std::string& name) {
  const auto file = folder.open(name);
  if (!file) return std::nullopt;
  return Snapshot{file->read(), file->attributes()};
}

std::string put_back(const SwapPlace& place, const std::string& displaced, std::string_view ours,
                     const std::string& tag) {
  (void)place.folder.exchange(displaced, place.name);
  const auto now = snapshot(place.folder, displaced);
  if (now && now->bytes == ours) {
    place.folder.remove(displaced);
    place.folder.sync();
    return "";
  }
  (void)place.folder.exchange(displaced, place.name);
  const auto aside = snapshot(place.folder, displaced);
  const std::string safe = place.names.kept(tag, aside ? aside->bytes : "");
  place.folder.rename(displaced, safe);
  place.folder.sync();
  return (place.folder.path() / safe).string();
}

SwapResult swap_file(const Swap& swap, const std::function<void()>& ready) {
  if (const auto obstacle = obstacle_of(swap.file); obstacle && !(obstacle->mount_point && swap.in_place)) {
    return {Kind::refused, obstacle->why};
  } else if (obstacle) {
    try {
      return edit_in_place(SwapPlace(swap.file), swap);
    } catch (const Error& e) {
      return {Kind::unknown, e.message()};
    }
  }
  try {
    return swap_at(SwapPlace(swap.file), swap, ready);
  } catch (const Error& e) {
    if (e.code() == ErrorCode::not_found) return {Kind::conflict, "the file is gone"};
    return {kind_of(e), e.message()};
  }
}

}  // namespace mlship
