#include "deployers/file_swap.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/digest.h"
#include "core/error.h"

namespace mlship {
namespace {

using Kind = SwapResult::Kind;

// Owner, mode and extended attributes (POSIX ACLs are among them): what has to survive beside the bytes.
struct Attributes {
  std::uint32_t uid = 0, gid = 0, mode = 0;
  std::map<std::string, std::string> extended;
  bool operator==(const Attributes&) const = default;
};

struct Snapshot {
  std::string bytes;
  Attributes attributes;
  bool operator==(const Snapshot&) const = default;
};

std::map<std::string, std::string> extended_attributes(const Path& path) {
  std::string names(65536, '\0');  // XATTR_LIST_MAX
  const ssize_t size = ::llistxattr(path.c_str(), names.data(), names.size());
  if (size < 0 && errno == ENOTSUP) return {};
  if (size < 0) fs::fail(errno, "read the extended attributes of", path);
  std::map<std::string, std::string> out;
  for (size_t i = 0; i < static_cast<size_t>(size); i += std::strlen(&names[i]) + 1) {
    std::string value(65536, '\0');  // XATTR_SIZE_MAX
    const ssize_t length = ::lgetxattr(path.c_str(), &names[i], value.data(), value.size());
    if (length < 0 && errno == ENODATA) continue;  // removed meanwhile: the comparison sees it
    if (length < 0) fs::fail(errno, "read the extended attributes of", path);
    value.resize(static_cast<size_t>(length));
    out.emplace(&names[i], std::move(value));
  }
  return out;
}

Attributes attributes_of(const Path& path, const fs::Stat& stat) {
  return {stat.uid, stat.gid, stat.mode, extended_attributes(path)};
}

// nullopt when nothing, or no regular file, is there.
std::optional<Snapshot> snapshot(const Path& path) {
  const auto stat = fs::lstat(path);
  if (!stat || stat->kind != fs::Kind::file) return std::nullopt;
  auto bytes = fs::read_if_exists(path);
  if (!bytes) return std::nullopt;
  return Snapshot{std::move(*bytes), attributes_of(path, *stat)};
}

// Gives `path` the attributes; owner before mode, because chown clears set-id bits, and the ACL last, because
// it holds the group's bits. Errors name `file`, whose they are.
void set_attributes(const Path& path, const Attributes& wanted, const Path& file) {
  const auto now = fs::lstat(path);
  if (!now) fs::fail(ENOENT, "look at", path);
  if ((now->uid != wanted.uid || now->gid != wanted.gid) &&
      ::lchown(path.c_str(), wanted.uid, wanted.gid) != 0) {
    fs::fail(errno, "keep the owner of", file);
  }
  fs::set_mode(path, wanted.mode);
  const auto there = extended_attributes(path);
  for (const auto& [name, value] : wanted.extended) {
    const auto same = there.find(name);
    if (same != there.end() && same->second == value) continue;
    if (::lsetxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0) != 0) {
      fs::fail(errno, "keep the attribute " + name + " of", file);
    }
  }
  // What the folder's default ACL gave the new file on its own.
  constexpr const char* acl = "system.posix_acl_access";
  if (there.contains(acl) && !wanted.extended.contains(acl) && ::lremovexattr(path.c_str(), acl) != 0) {
    fs::fail(errno, "keep the access list of", file);
  }
}

std::string short_hash(std::string_view bytes) {
  return sha256(bytes).hex().substr(0, 16);
}

// Names beside the file: ".churn.mlship-<tag>…". A leading dot and no suffix anybody acts on (cron.d,
// *.conf).
// `.part` is ours and unfinished; "<old>-<new>", the hashes of both contents, tells after a crash which of
// the two stands under the name.
class Names {
 public:
  // Whoever made them.
  explicit Names(const Path& file) : folder_(file.parent_path()) {
    std::string name = file.filename().string();
    if (name.size() > 120) name = name.substr(0, 80) + "~" + short_hash(name);
    base_ = "." + name + ".mlship-";
  }
  Names(const Path& file, const std::string& tag) : Names(file) {
    any_ = false;
    std::string safe = tag;
    std::replace_if(
        safe.begin(), safe.end(),
        [](char c) { return c == '/' || c == '\0' || static_cast<unsigned char>(c) <= ' '; }, '_');
    if (safe.size() > 60) safe = safe.substr(0, 40) + "~" + short_hash(tag);
    base_ += safe;
  }
  [[nodiscard]] Path part() const { return folder_ / (base_ + "-part"); }
  [[nodiscard]] Path whole(std::string_view old_bytes, std::string_view new_bytes) const {
    return folder_ / (base_ + "-" + short_hash(old_bytes) + "-" + short_hash(new_bytes));
  }
  [[nodiscard]] Path kept(std::string_view bytes) const {
    return folder_ / (base_ + "_kept_" + short_hash(bytes));
  }
  [[nodiscard]] const Path& folder() const { return folder_; }

  struct Leftover {
    Path path;
    std::string old_hash, new_hash;
  };
  [[nodiscard]] std::vector<Leftover> leftovers() const {
    constexpr size_t hashes = 33;  // "<old>-<new>"
    std::vector<Leftover> found;
    for (const auto& name : fs::list(folder_)) {
      if (!made_with(name, hashes)) continue;
      const std::string rest = name.substr(name.size() - hashes);
      if (rest[16] == '-' && rest.find_first_not_of("0123456789abcdef-") == std::string::npos) {
        found.push_back({folder_ / name, rest.substr(0, 16), rest.substr(17)});
      }
    }
    return found;
  }
  [[nodiscard]] std::vector<Path> parts() const {
    constexpr std::string_view suffix = "part";
    std::vector<Path> found;
    for (const auto& name : fs::list(folder_)) {
      if (made_with(name, suffix.size()) && name.ends_with(suffix)) found.push_back(folder_ / name);
    }
    return found;
  }

 private:
  // base, tag, `-` and `length` more.
  [[nodiscard]] bool made_with(std::string_view name, size_t length) const {
    const size_t least = base_.size() + 1 + length;
    return name.starts_with(base_) && (any_ ? name.size() > least : name.size() == least) &&
           name[name.size() - length - 1] == '-';
  }

  Path folder_;
  std::string base_;
  bool any_ = true;
};

// Tells a swap under way from one whose process is gone: shared while a file is swapped, exclusive to clear
// up. The kernel releases it when the process dies. A folder or a file system that cannot be locked is never
// cleared.
class FolderLock {
 public:
  FolderLock(const Path& folder, int operation)
      : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
        held_(fd_ >= 0 && ::flock(fd_, operation) == 0) {}
  ~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  [[nodiscard]] bool held() const { return held_; }

 private:
  int fd_;
  bool held_;
};

// Puts what was displaced back under the file's name. True when what then is displaced is exactly `ours`,
// which is removed. False when somebody wrote again in between: the newer text stays under the file's name,
// the other is kept aside, and nothing is lost.
bool put_back(const Path& file, const Path& displaced, std::string_view ours, const Names& names,
              std::string& kept) {
  fs::exchange(displaced, file);
  const auto now = fs::read_if_exists(displaced);
  if (now && *now == ours) {
    fs::remove_file(displaced);
    fs::sync_folder(names.folder());
    return true;
  }
  fs::exchange(displaced, file);
  const auto aside = fs::read_if_exists(displaced);
  const Path safe = names.kept(aside.value_or(""));
  fs::rename(displaced, safe);
  fs::sync_folder(names.folder());
  kept = safe.string();
  return false;
}

SwapResult after_mismatch(const Swap& swap, const Path& displaced, const Names& names) {
  std::string kept;
  if (put_back(swap.file, displaced, swap.replacement, names, kept)) {
    return {Kind::conflict, "somebody else changed the file between read and write; their text stands"};
  }
  return {Kind::conflict,
          "somebody else changed the file twice between read and write; the newer text stands, the "
          "other one is kept in " +
              kept};
}

// File systems without RENAME_EXCHANGE: an edit in the moment between the second read and the rename is lost,
// so the result says how it was done.
SwapResult replace(const Swap& swap, const Snapshot& before, const Path& temporary, const Names& names) {
  if (snapshot(swap.file) != before) {
    fs::remove_file(temporary);
    return {Kind::conflict, "somebody else changed the file between read and write; their text stands"};
  }
  fs::rename(temporary, swap.file);
  fs::sync_folder(names.folder());
  return {Kind::swapped, "replaced by rename: the file system cannot exchange files"};
}

SwapResult exchange(const Swap& swap, const Snapshot& before, const Path& temporary, const Names& names) {
  if (!fs::exchange(temporary, swap.file)) return replace(swap, before, temporary, names);
  if (snapshot(temporary) != before) return after_mismatch(swap, temporary, names);
  fs::sync_folder(names.folder());
  // Somebody who had the file open may still have written to what is displaced now.
  if (snapshot(temporary) != before) return after_mismatch(swap, temporary, names);
  fs::remove_file(temporary);
  return {Kind::swapped, ""};
}

Kind kind_of(const Error& error) {
  const bool denied = error.code() == ErrorCode::file_permission || error.code() == ErrorCode::read_only;
  return denied ? Kind::refused : Kind::failed;
}

void discard(const Path& path) {
  ::unlink(path.c_str());
}

struct Recovered {
  std::vector<Path> removed;
  std::string said;  // about somebody else's bytes
};

void recover_one(const Path& file, const Names::Leftover& leftover, const Names& names, Recovered& done) {
  const auto there = snapshot(leftover.path);
  if (!there) return;
  const auto live = snapshot(file);
  const bool exchanged = live && short_hash(live->bytes) == leftover.new_hash;
  const std::string hash = short_hash(there->bytes);
  const bool untouched = hash == leftover.old_hash && (!exchanged || there->attributes == live->attributes);
  if (hash == leftover.new_hash || untouched) {
    fs::remove_file(leftover.path);
    done.removed.push_back(leftover.path);
    return;
  }
  // Somebody else's bytes or mode, displaced by a run that died before it could put them back.
  std::string kept;
  if (exchanged && put_back(file, leftover.path, live->bytes, names, kept)) {
    done.said = "what somebody else had written to " + file.string() + " was put back";
    return;
  }
  if (kept.empty()) {
    kept = names.kept(there->bytes).string();
    fs::rename(leftover.path, kept);
  }
  done.said = "what somebody else had written to " + file.string() + " is kept in " + kept;
}

// The complete new file under its final temporary name.
Path prepare(const Swap& swap, const Snapshot& before, const Names& names) {
  const Path part = names.part();
  const Path whole = names.whole(swap.expected, swap.replacement);
  fs::remove_file(part);
  try {
    fs::Writer writer(part, 0600);
    writer.write(swap.replacement);
    set_attributes(part, before.attributes, swap.file);
    writer.close();
    fs::rename(part, whole);
  } catch (...) {
    discard(part);
    throw;
  }
  return whole;
}

}  // namespace

SwapResult swap_file(const Swap& swap, const std::function<void()>& ready) {
  const Names names(swap.file, swap.tag);
  const FolderLock writing(names.folder(), LOCK_SH);
  Path temporary;
  Snapshot before;
  try {
    recover_swap(swap.file, swap.tag);
    auto now = snapshot(swap.file);
    if (!now) return {Kind::conflict, "the file is gone"};
    if (now->bytes != swap.expected)
      return {Kind::conflict, "somebody else changed the file after it was read"};
    before = std::move(*now);
    temporary = prepare(swap, before, names);
  } catch (const Error& e) {
    return {kind_of(e), e.message()};
  }
  if (ready) ready();
  try {
    return exchange(swap, before, temporary, names);
  } catch (const Error& e) {
    // Before the exchange nothing has happened; after it the next run looks at what stands where.
    const auto there = fs::read_if_exists(temporary);
    if (there && *there == swap.replacement) {
      discard(temporary);
      if (e.code() == ErrorCode::not_found) return {Kind::conflict, "the file is gone"};
      return {kind_of(e), e.message()};
    }
    try {
      recover_swap(swap.file, swap.tag);
    } catch (const Error&) {
      // As unknown as before; the next run tries again.
    }
    return {Kind::unknown, e.message()};
  }
}

std::string recover_swap(const Path& file, const std::string& tag) {
  const Names names(file, tag);
  fs::remove_file(names.part());
  Recovered done;
  for (const auto& leftover : names.leftovers()) recover_one(file, leftover, names, done);
  if (!done.said.empty()) fs::sync_folder(names.folder());
  return done.said;
}

std::vector<std::string> clear_abandoned_swaps(const Path& file) {
  const Names names(file);
  const FolderLock alone(names.folder(), LOCK_EX | LOCK_NB);
  if (!alone.held()) return {};
  std::vector<std::string> told;
  Recovered done;
  for (const auto& part : names.parts()) {
    fs::remove_file(part);
    done.removed.push_back(part);
  }
  for (const auto& leftover : names.leftovers()) recover_one(file, leftover, names, done);
  for (const auto& path : done.removed) {
    told.push_back("removed " + path.string() + ", left by a run that was killed");
  }
  if (!done.said.empty()) told.push_back(done.said);
  if (!told.empty()) fs::sync_folder(names.folder());
  return told;
}

}  // namespace mlship
