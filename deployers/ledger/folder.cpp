// The ledger in a folder: format.json, lock, holds.jsonl, rollouts/<id>/{plan.json,entries.jsonl}. Private
// (0700/0600): it says where everything runs. Readers take no lock: what they read is whole lines of
// append-only files.
#include <chrono>
#include <map>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/host/fs.h"
#include "core/json_library.h"
#include "deployers/ledger/form.h"

namespace mlship {
namespace {

constexpr std::uint64_t largest = largest_ledger_text;
constexpr std::string_view begin_prefix = ".new-";
constexpr std::uint32_t file_mode = 0600;
constexpr std::uint32_t folder_mode = 0700;

class FolderLease : public Lease {
 public:
  explicit FolderLease(fs::Lock lock) : lock_(std::move(lock)) {}
  [[nodiscard]] bool valid() override { return true; }  // nobody can take a flock away

 private:
  fs::Lock lock_;
};

class FolderLedger : public Ledger {
 public:
  explicit FolderLedger(Path folder) : folder_(std::move(folder)) { check(); }

  [[nodiscard]] std::string url() const override { return folder_.string(); }

  [[nodiscard]] bool shared() const override { return false; }

  std::unique_ptr<Lease> acquire(const LeaseRequest& request) override {
    create();
    const Path file = lock_file();
    auto lock = attempt(file);
    if (!lock) {
      const auto who = fs::read_if_exists(file, 4096).value_or("");
      throw Error(ErrorCode::ledger_busy, "cannot use the ledger " + url() + ": another process holds it")
          .fact("holder", who.empty() ? "unknown" : who)
          .hint("wait until it has ended, then run the command again");
    }
    lock->describe(request.holder);
    sweep();
    tails_.clear();  // another process may have written since
    return std::make_unique<FolderLease>(std::move(*lock));
  }

  std::optional<std::string> holder() override {
    const int fd = ::open(lock_file().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::nullopt;
    const bool free = ::flock(fd, LOCK_SH | LOCK_NB) == 0;
    ::close(fd);
    return free ? std::nullopt : std::optional(fs::read_if_exists(lock_file(), 4096).value_or(""));
  }

  // The folder appears with its plan and first entry in it, or not at all.
  void begin(const RolloutRecord& record) override {
    const Path parent = folder_ / "rollouts";
    const Path place = parent / record.id;
    const fs::TempFolder made(parent, begin_prefix);
    ChainTail tail{seed_of(record.plan)};
    const std::string line = chain_line(begin_entry(record, newest_link(*this)), tail);
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

  void put_hold(const Hold& hold) override { append_hold(hold_entry(hold)); }

  void release_hold(const std::string& package, const Version& version, const std::string& who) override {
    require_hold(holds(), package, version);
    append_hold(release_entry(package, version, who));
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
    if (!valid_rollout_id(id) || !fs::exists(folder_ / "rollouts" / id)) no_such_rollout(id, *this);
    const Path folder = folder_ / "rollouts" / id;
    const Path entries = folder / "entries.jsonl";
    return parse_rollout(id, fs::read_file(folder / "plan.json", largest), fs::read_file(entries, largest),
                         entries.string());
  }

  std::vector<Hold> holds() override { return parse_holds(holds_text(), holds_file().string()); }

 private:
  [[nodiscard]] Path lock_file() const { return folder_ / "lock"; }

  // Who only asks for the holder() has the lock for an instant too.
  static std::optional<fs::Lock> attempt(const Path& file) {
    constexpr int attempts = 3;
    constexpr auto instant = std::chrono::milliseconds(5);
    for (int i = 1; i < attempts; ++i) {
      if (auto lock = fs::Lock::attempt(file)) return lock;
      std::this_thread::sleep_for(instant);
    }
    return fs::Lock::attempt(file);
  }

  void check() const {
    if (const auto text = fs::read_if_exists(folder_ / "format.json", 4096)) check_format(*text, url());
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
    if (fs::exists(format)) return check();
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
    const std::string seed = seed_of(fs::read_file(folder / "plan.json", largest));
    const Path file = folder / "entries.jsonl";
    return read_chain(fs::read_file(file, largest), seed, file.string()).tail;
  }

  [[nodiscard]] Path holds_file() const { return folder_ / "holds.jsonl"; }
  [[nodiscard]] std::string holds_text() const {
    return fs::read_if_exists(holds_file(), largest).value_or("");
  }

  void append_hold(const Json& entry) {
    const Path file = holds_file();
    const bool first = !fs::exists(file);
    tails_[file] = read_chain(holds_text(), "", file.string()).tail;
    append_lines(file, {entry});
    if (first) fs::sync_folder(folder_);
  }

  void append_lines(const Path& file, const std::vector<Json>& entries) {
    ChainTail& tail = tails_.at(file);
    ChainTail next = tail;
    std::string lines;
    for (const auto& entry : entries) lines += chain_line(entry, next);
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
