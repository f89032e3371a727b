// The ledger in a folder: format.json, lock, holds.jsonl, rollouts/<id>/{plan.json,entries.jsonl}. Private
// (0700/0600): it says where everything runs. Readers take no lock: what they read is whole lines of
// append-only files.
#include <algorithm>
#include <cerrno>
#include <map>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "core/host/fs.h"
#include "core/names.h"
#include "deployers/ledger/chain.h"
#include "deployers/ledger/ledger.h"
#include "deployers/strict_json.h"

namespace mlship {
namespace {

constexpr std::int64_t format_version = 1;
constexpr std::uint64_t largest = 1U << 30U;  // bytes; 64 MiB of plan and its entries stay far below
constexpr std::string_view begin_prefix = ".new-";
constexpr std::uint32_t file_mode = 0600;
constexpr std::uint32_t folder_mode = 0700;

// Appends with one write and fsync; on failure the file is as it was, as far as the system allows.
void append_durable(const Path& file, const std::string& line, std::uint64_t whole) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, file_mode);
  if (fd < 0) fs::fail(errno, "open", file);
  // Cuts a torn tail that a killed writer left.
  int failed = ::ftruncate(fd, static_cast<off_t>(whole)) == 0 ? 0 : errno;
  size_t done = 0;
  while (failed == 0 && done < line.size()) {
    const auto n = ::pwrite(fd, line.data() + done, line.size() - done, static_cast<off_t>(whole + done));
    if (n > 0) done += static_cast<size_t>(n);
    if (n < 0 && errno != EINTR) failed = errno;
    if (n == 0) failed = EIO;
  }
  if (failed == 0 && ::fsync(fd) != 0) failed = errno;
  if (failed != 0) (void)!::ftruncate(fd, static_cast<off_t>(whole));
  ::close(fd);
  if (failed != 0) fs::fail(failed, "write to", file);
}

class FolderLease : public Lease {
 public:
  explicit FolderLease(fs::Lock lock) : lock_(std::move(lock)) {}
  [[nodiscard]] bool valid() override { return true; }  // nobody can take a flock away

 private:
  fs::Lock lock_;
};

bool valid_id(const std::string& name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string::npos;
}

class FolderLedger : public Ledger {
 public:
  explicit FolderLedger(Path folder) : folder_(std::move(folder)) { check_format(); }

  [[nodiscard]] std::string url() const override { return folder_.string(); }

  [[nodiscard]] bool shared() const override { return false; }

  std::unique_ptr<Lease> acquire(const LeaseRequest& request) override {
    create();
    const Path file = folder_ / "lock";
    auto lock = fs::Lock::attempt(file);
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

  // The folder appears with its plan and first entry in it, or not at all.
  void begin(const RolloutRecord& record) override {
    const Path parent = folder_ / "rollouts";
    const Path place = parent / record.id;
    const fs::TempFolder made(parent, begin_prefix);
    const std::string plan = canonical_json(record.plan) + "\n";
    ChainTail tail{sha256(plan).hex()};
    const std::string line = chain_line({{"type", "begin"},
                                         {"id", record.id},
                                         {"command", record.command},
                                         {"environment", record.environment},
                                         {"package", record.package},
                                         {"who", bytes_to_json(record.who)},
                                         {"host", bytes_to_json(record.host)},
                                         {"started", record.started},
                                         {"commits", record.commits}},
                                        tail);
    fs::write_atomic(made.path() / "plan.json", plan, file_mode);
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

  void put_hold(const Hold& hold) override {
    append_hold({{"type", "hold"},
                 {"package", hold.package},
                 {"version", hold.version.str()},
                 {"scheme", to_string(hold.version.scheme())},
                 {"why", hold.why},
                 {"since", hold.since}});
  }

  void release_hold(const std::string& package, const Version& version, const std::string& who) override {
    const auto all = holds();
    const bool held = std::any_of(
        all.begin(), all.end(), [&](const Hold& h) { return h.package == package && h.version == version; });
    if (!held) {
      throw Error(ErrorCode::not_found,
                  "cannot release the hold on " + package + " " + version.str() + ": there is none")
          .hint("mlship history " + package);
    }
    append_hold({{"type", "release"},
                 {"package", package},
                 {"version", version.str()},
                 {"scheme", to_string(version.scheme())},
                 {"who", bytes_to_json(who)}});
  }

  std::vector<std::string> rollouts() override {
    std::vector<std::string> ids;
    if (!fs::exists(folder_ / "rollouts")) return ids;
    for (auto& name : fs::list(folder_ / "rollouts")) {
      if (valid_id(name)) ids.push_back(std::move(name));
    }
    return ids;
  }

  RolloutRecord read(const std::string& id) override {
    const Path folder = folder_ / "rollouts" / id;
    if (!valid_id(id) || !fs::exists(folder)) {
      throw Error(ErrorCode::rollout_not_found, "cannot read rollout " + id + ": the ledger " + url() +
                                                    " has none of that name" + did_you_mean(id, rollouts()))
          .hint("mlship history");
    }
    const std::string plan = fs::read_file(folder / "plan.json", largest);
    const Chain chain = read_chain(fs::read_file(folder / "entries.jsonl", largest), sha256(plan).hex(),
                                   (folder / "entries.jsonl").string());
    if (chain.entries.empty())
      throw Error(ErrorCode::ledger, "cannot read rollout " + id + ": it has no entries");
    RolloutRecord record = head(chain.entries.front(), id);
    record.plan = parse_json(plan, ErrorCode::ledger, "the plan of rollout " + id);
    record.entries.assign(chain.entries.begin() + 1, chain.entries.end());
    record.torn = chain.torn;
    return record;
  }

  std::vector<Hold> holds() override {
    std::vector<Hold> held;
    for (const Json& entry : hold_chain().entries) {
      StrictObject o(entry, ErrorCode::ledger, (folder_ / "holds.jsonl").string());
      const bool release = o.text("type") == "release";
      const std::string package = o.text("package");
      const Scheme scheme = parse_scheme(o.text("scheme")).value_or(Scheme::pep440);
      const auto version = Version::parse(o.text("version"), scheme);
      if (!version) o.fail("a hold has no version");
      std::erase_if(held, [&](const Hold& h) { return h.package == package && h.version == *version; });
      if (!release) held.push_back({package, *version, o.text("why"), o.integer("since")});
    }
    return held;
  }

 private:
  void check_format() const {
    const Path file = folder_ / "format.json";
    const auto text = fs::read_if_exists(file, 4096);
    if (!text) return;
    const Json json = parse_json(*text, ErrorCode::ledger, file.string());
    const auto version = StrictObject(json, ErrorCode::ledger, file.string()).integer("version");
    if (version != format_version) {
      throw Error(ErrorCode::ledger, "cannot use the ledger " + url() + ": it has format " +
                                         std::to_string(version) + ", this mlship knows format " +
                                         std::to_string(format_version))
          .hint("install a newer mlship");
    }
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
    if (fs::exists(format)) return check_format();
    fs::create_exclusive(format, canonical_json({{"version", format_version}}) + "\n", file_mode);
  }

  // A begin() that was killed leaves its temporary folder; nobody else writes while we hold the lock.
  void sweep() const {
    for (const auto& name : fs::list(folder_ / "rollouts")) {
      if (name.starts_with(begin_prefix)) fs::remove_tree(folder_ / "rollouts" / name);
    }
  }

  static RolloutRecord head(const Json& entry, const std::string& id) {
    StrictObject o(entry, ErrorCode::ledger, "the first entry of rollout " + id);
    if (o.text("type") != "begin" || o.text("id") != id) o.fail("it belongs to another rollout");
    RolloutRecord record;
    record.id = id;
    record.command = o.text("command");
    record.environment = o.text("environment");
    record.package = o.text("package");
    record.who = o.bytes("who");
    record.host = o.bytes("host");
    record.started = o.integer("started");
    record.commits = o.texts("commits");
    return record;
  }

  ChainTail read_tail(const std::string& id) const {
    const Path folder = folder_ / "rollouts" / id;
    const std::string seed = sha256(fs::read_file(folder / "plan.json", largest)).hex();
    const Path file = folder / "entries.jsonl";
    return read_chain(fs::read_file(file, largest), seed, file.string()).tail;
  }

  [[nodiscard]] Chain hold_chain() const {
    const Path file = folder_ / "holds.jsonl";
    return read_chain(fs::read_if_exists(file, largest).value_or(""), "", file.string());
  }

  void append_hold(const Json& entry) {
    const Path file = folder_ / "holds.jsonl";
    const bool first = !fs::exists(file);
    tails_[file] = hold_chain().tail;
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
