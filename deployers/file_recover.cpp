// What killed exchanges of files left: removed, or put back where it is somebody else's.
#include <algorithm>
#include <map>

#include "core/error.h"
#include "deployers/file_exchange.h"

namespace mlship {
namespace {

using Leftover = SwapNames::Leftover;

class Recovery {
 public:
  explicit Recovery(const SwapPlace& place) : place_(place) {}

  void take(const Leftover& leftover) {
    switch (leftover.sort) {
      case SwapNames::Sort::part: return remove(leftover.name);
      case SwapNames::Sort::whole: return whole(leftover);
      case SwapNames::Sort::journal: recover_in_place(place_, leftover.name);
    }
    remove(leftover.name);
  }

  void end() const {
    if (!removed_.empty() || !said_.empty()) place_.folder.sync();
  }

  [[nodiscard]] const std::vector<std::string>& removed() const { return removed_; }
  [[nodiscard]] const std::string& said() const { return said_; }  // about somebody else's bytes

 private:
  void remove(const std::string& name) {
    place_.folder.remove(name);
    removed_.push_back((place_.folder.path() / name).string());
  }

  void whole(const Leftover& leftover) {
    const auto there = snapshot(place_.folder, leftover.name);
    if (!there) return;
    const auto live = snapshot(place_.folder, place_.name);
    const bool exchanged = live && short_hash(live->bytes) == leftover.hashes.after;
    const std::string hash = short_hash(there->bytes);
    const bool untouched =
        hash == leftover.hashes.before && (!exchanged || there->attributes == live->attributes);
    if (hash == leftover.hashes.after || untouched) return remove(leftover.name);
    // Somebody else's bytes or mode, displaced by a run that died before it could put them back.
    const std::string theirs = "what somebody else had written to " + place_.file.string();
    std::string kept;
    if (exchanged) {
      kept = put_back(place_, leftover.name, live->bytes, leftover.tag);
      if (kept.empty()) return void(said_ = theirs + " was put back");
    } else {
      const std::string safe = place_.names.kept(leftover.tag, there->bytes);
      place_.folder.rename(leftover.name, safe);
      kept = (place_.folder.path() / safe).string();
    }
    said_ = theirs + " is kept in " + kept;
  }

  const SwapPlace& place_;
  std::vector<std::string> removed_;
  std::string said_;
};

// Whoever swaps holds a lock on the new file, which stands under the one name or the other.
bool in_use(const SwapPlace& place, const Leftover& leftover) {
  const auto locked = [&](const std::string& name) {
    const auto file = place.folder.open(name);
    return file && !file->lock();
  };
  try {
    return locked(leftover.name) || locked(place.name);
  } catch (const Error&) {
    return true;  // not ours to open
  }
}

// Which of the files a name beside them belongs to; files called "x.mlship-y" are no reason to be wrong.
const Path* file_of(const std::map<std::string, Path>& by_name, const std::string& name) {
  constexpr std::string_view mark = ".mlship-";
  for (size_t at = name.find(mark); at != std::string::npos; at = name.find(mark, at + 1)) {
    const auto found = by_name.find(name.substr(0, at));
    if (found != by_name.end() && SwapNames(found->second).read(name)) return &found->second;
  }
  return nullptr;
}

void clear_file(const Path& file, const std::vector<std::string>& names, std::vector<std::string>& told) {
  const SwapPlace place(file);
  Recovery recovery(place);
  for (const auto& name : names) {
    const auto leftover = place.names.read(name);
    if (leftover && !in_use(place, *leftover)) recovery.take(*leftover);
  }
  recovery.end();
  for (const auto& path : recovery.removed()) {
    told.push_back("removed " + path + ", left by a run that was killed");
  }
  if (!recovery.said().empty()) told.push_back(recovery.said());
}

void clear_folder(const Path& folder, const std::vector<Path>& files, std::vector<std::string>& told) {
  std::map<std::string, Path> by_name;  // what names beside a file begin with
  for (const auto& file : files) by_name.emplace(SwapNames(file).prefix(), file);
  std::map<Path, std::vector<std::string>> left;
  for (const auto& name : fs::list(folder)) {
    if (!name.starts_with('.')) continue;
    if (const Path* file = file_of(by_name, name)) left[*file].push_back(name);
  }
  for (const auto& [file, names] : left) clear_file(file, names, told);
}

}  // namespace

std::string recover_swaps(const Path& file, const std::set<std::string>& tags) {
  std::set<std::string> wanted;
  for (const auto& tag : tags) wanted.insert(SwapNames::safe(tag));
  const SwapPlace place(file);
  Recovery recovery(place);
  for (const auto& name : place.folder.names()) {
    const auto leftover = place.names.read(name);
    if (leftover && wanted.contains(leftover->tag)) recovery.take(*leftover);
  }
  recovery.end();
  return recovery.said();
}

std::vector<std::string> clear_abandoned_swaps(const std::vector<Path>& files) {
  std::map<Path, std::vector<Path>> by_folder;
  for (const auto& file : files) by_folder[file.parent_path()].push_back(file);
  std::vector<std::string> told;
  for (const auto& [folder, members] : by_folder) clear_folder(folder, members, told);
  return told;
}

}  // namespace mlship
