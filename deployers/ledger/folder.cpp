// The ledger in a folder: format.json, lock, holds.jsonl, rollouts/<id>/{plan.json,entries.jsonl}. Private
// (0700/0600): it says where everything runs. Readers take no lock: what they read is whole lines of
// append-only files. What is locked is the folder itself: its `lock` file, which says who holds it, may be
// removed by somebody who takes it for litter.
#include <cerrno>
#include <chrono>
#include <map>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/host/fs.h"
#include "core/json_library.h"
#include "core/text.h"
#include "deployers/ledger/form.h"

namespace mlship {
namespace {

constexpr std::string_view begin_prefix = ".new-";
constexpr std::uint32_t file_mode = 0600;
constexpr std::uint32_t folder_mode = 0700;

// flock(2) on the folder itself.
class FolderLock {
 public:
  // nullopt when another process has it.
  static std::optional<FolderLock> attempt(const Path& folder) {
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) fs::fail(errno, "open", folder);
    std::optional<FolderLock> lock(FolderLock{fd});
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) lock.reset();
    return lock;
  }
  FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
  }

  // Whether what is locked is still what has this name.
  [[nodiscard]] bool stands_at(const Path& path) const {
    struct ::stat mine{}, there{};
    return ::fstat(fd_, &mine) == 0 && ::stat(path.c_str(), &there) == 0 && mine.st_dev == there.st_dev &&
           mine.st_ino == there.st_ino;
  }

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

// Nobody can take a flock away; but the whole folder may have gone, and another one be there.
class FolderLease : public Lease {
 public:
  FolderLease(FolderLock folder, fs::Lock file, Path place)
      : folder_(std::move(folder)), file_(std::move(file)), place_(std::move(place)) {}
  [[nodiscard]] bool valid() override { return folder_.stands_at(place_); }

 private:
  FolderLock folder_;
  fs::Lock file_;
  Path place_;
};

class FolderLedger : public Ledger {
 public:
  explicit FolderLedger(Path folder) : folder_(std::move(folder)) { check(); }

  [[nodiscard]] std::string url() const override { return folder_.string(); }

  [[nodiscard]] bool shared() const override { return false; }

  std::unique_ptr<Lease> acquire(const LeaseRequest& request) override {
    create();
    auto folder = attempt([&] { return FolderLock::attempt(folder_); });
    auto file = folder ? attempt([&] { return fs::Lock::attempt(lock_file()); }) : std::nullopt;
    if (!file) {
      const auto who = holder_text();
      throw Error(ErrorCode::ledger_busy, "cannot use the ledger " + url() + ": another process holds it")
          .fact("holder", who.empty() ? "unknown" : who)
          .hint("wait until it has ended, then run the command again");
    }
    file->describe(request.holder);
    sweep();
    tails_.clear();  // another process may have written since
    return std::make_unique<FolderLease>(std::move(*folder), std::move(*file), folder_);
  }

  // One run at a time holds it all; its text says for which package.
  std::optional<std::string> holder(const std::string& package, const std::set<std::string>&) override {
    if (!is_locked(folder_) && !is_locked(lock_file())) return std::nullopt;
    auto who = holder_text();
    if (who.find(" of " + package + " since ") == std::string::npos) return std::nullopt;
    return who;
  }

  // The folder appears with its plan and first entry in it, or not at all.
  void begin(const RolloutRecord& record) override {
    const Path parent = folder_ / "rollouts";
    const Path place = parent / record.id;
    const fs::TempFolder made(parent, begin_prefix);
    ChainTail tail{seed_of(record.plan)};
    const std::string line = chain_line(begin_entry(record, *this), tail);
    fs::write_atomic(made.path() / "plan.json", record.plan, file_mode);
    fs::write_atomic(made.path() / "entries.jsonl", line, file_mode);
    fs::sync_folder(made.path());
    if (!fs::rename_no_replace(made.path(), place)) {
      throw Error(ErrorCode::ledger, "cannot begin rollout " + record.id + ": it is in the ledger already");
    }
    fs::sync_folder(parent);
    tails_[place / "entries.jsonl"] = tail;
  }

  void append(const std::string& rollout, const std::vector<Json>& entries) override {
    const Path file = folder_ / "rollouts" / rollout / "entries.jsonl";
    if (!tails_.contains(file)) tails_[file] = read_tail(rollout);
    append_lines(file, entries);
  }

  void put_hold(const Hold& hold) override { append_holds({hold_entry(hold)}); }

  void release_hold(const std::string& package, const Version& version, const std::string& who) override {
    append_holds(release_entries(holds(), package, version, who));
  }

  std::vector<std::string> rollouts() override {
    std::vector<std::string> ids;
    if (!fs::exists(folder_ / "rollouts")) return ids;
    for (auto& name : fs::list(folder_ / "rollouts")) {
      if (valid_rollout_id(name)) ids.push_back(std::move(name));
    }
    return ids;
  }

  RolloutRecord read(const std::string& id) override {
    if (!valid_rollout_id(id) || !fs::lstat(folder_ / "rollouts" / id)) no_such_rollout(id, *this);
    const Path folder = folder_ / "rollouts" / id;
    const Path entries = folder / "entries.jsonl";
    return parse_rollout(id, read_ledger_file(folder / "plan.json"), read_ledger_file(entries),
                         entries.string());
  }

  std::vector<Hold> holds() override { return parse_holds(holds_text(), holds_file().string()); }
  std::vector<std::string> hold_lines() override {
    return read_chain(holds_text(), "", holds_file().string()).hashes;
  }

 private:
  [[nodiscard]] Path lock_file() const { return folder_ / "lock"; }

  // Who only asks for the holder() has the lock for an instant too.
  template <typename Make>
  static auto attempt(Make lock) -> decltype(lock()) {
    constexpr int attempts = 3;
    constexpr auto instant = std::chrono::milliseconds(5);
    for (int i = 1; i < attempts; ++i) {
      if (auto held = lock()) return held;
      std::this_thread::sleep_for(instant);
    }
    return lock();
  }

  static bool is_locked(const Path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return false;
    const bool free = ::flock(fd, LOCK_SH | LOCK_NB) == 0;
    ::close(fd);
    return !free;
  }

  [[nodiscard]] std::string holder_text() const {
    try {
      return read_ledger_file(lock_file());
    } catch (const Error&) {
      return "";
    }
  }

  void check() const {
    const Path file = folder_ / "format.json";
    if (!fs::lstat(file)) return;
    std::string text;
    std::string why;
    try {
      text = read_ledger_file(file);
    } catch (const Error& e) {
      why = e.message();
    }
    check_format(text, url(), why, "printf '{\"version\":1}\\n' > " + shell_quoted(file.string()));
  }

  void create() const {
    if (!fs::exists(folder_)) {
      fs::make_folders_durable(folder_);
      fs::set_mode(folder_, folder_mode);
    }
    const Path rollouts = folder_ / "rollouts";
    if (!fs::exists(rollouts)) {
      fs::make_folders_durable(rollouts);
      fs::set_mode(rollouts, folder_mode);
    }
    const Path format = folder_ / "format.json";
    if (fs::lstat(format)) return check();
    fs::create_exclusive(format, format_text(), file_mode);
  }

  // A begin() that was killed leaves its temporary folder; nobody else writes while we hold the lock.
  void sweep() const {
    for (const auto& name : fs::list(folder_ / "rollouts")) {
      if (name.starts_with(begin_prefix)) fs::remove_tree(folder_ / "rollouts" / name);
    }
  }

  ChainTail read_tail(const std::string& id) const {
    const Path folder = folder_ / "rollouts" / id;
    const std::string seed = seed_of(read_ledger_file(folder / "plan.json"));
    const Path file = folder / "entries.jsonl";
    return read_chain(read_ledger_file(file), seed, file.string()).tail;
  }

  [[nodiscard]] Path holds_file() const { return folder_ / "holds.jsonl"; }
  [[nodiscard]] std::string holds_text() const {
    return fs::lstat(holds_file()) ? read_ledger_file(holds_file()) : "";
  }

  void append_holds(const std::vector<Json>& entries) {
    const Path file = holds_file();
    const bool first = !fs::lstat(file);
    tails_[file] = read_chain(holds_text(), "", file.string()).tail;
    append_lines(file, entries);
    if (first) fs::sync_folder(folder_);
  }

  void append_lines(const Path& file, const std::vector<Json>& entries) {
    ChainTail& tail = tails_.at(file);
    ChainTail next = tail;
    std::string lines;
    for (const auto& entry : entries) lines += chain_line(entry, next);
    check_ledger_size(next.size, file.string());
    append_durable(file, lines, tail.size);
    tail = next;
  }

  Path folder_;
  std::map<Path, ChainTail> tails_;
};

}  // namespace

std::unique_ptr<Ledger> folder_ledger(const std::filesystem::path& folder) {
  return std::make_unique<FolderLedger>(folder);
}

}  // namespace mlship
