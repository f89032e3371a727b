// The ledger in a git repository: the same texts as in a folder, on the branch main; what is pushed together
// is one commit. A push that finds main elsewhere is prepared again on what is there now. Read from the
// object database only, never checked out.
#include <algorithm>

#include <fmt/core.h>

#include "core/json_library.h"
#include "core/secret.h"
#include "deployers/ledger/form.h"
#include "deployers/ledger/git_lease.h"
#include "deployers/ledger/git_store.h"
#include "deployers/ledger/git_texts.h"
#include "deployers/ledger/journal.h"

namespace mlship {
namespace {

using std::chrono::milliseconds;

constexpr auto main_ref = "refs/heads/main";
constexpr auto seen_ref = "refs/seen/main";  // local: what this machine saw last of it
constexpr int max_pushes = 40;               // against others who push
constexpr int max_lost_replies = 3;
constexpr milliseconds race_pause{40};

std::string entries_path(const std::string& id) {
  return "rollouts/" + id + "/entries.jsonl";
}

bool no_answer(const Error& e) {
  return e.code() == ErrorCode::network || e.code() == ErrorCode::server_error;
}

class GitLedger final : public Ledger {
 public:
  GitLedger(GitPlace place, bool remote, const LedgerSurroundings& surroundings)
      : place_(std::move(place)),
        shared_(remote),
        host_(surroundings.host),
        diagnostics_(surroundings.diagnostics),
        repository_(place_.repository / "repository.git"),
        remote_(repository_, place_.url, host_) {}

  [[nodiscard]] std::string url() const override { return place_.printed; }
  [[nodiscard]] bool shared() const override { return shared_; }

  std::unique_ptr<Lease> acquire(const LeaseRequest& request) override;
  void begin(const RolloutRecord& record) override;
  void append(const std::string& rollout, const std::vector<Json>& entries) override;
  void note(const std::string& rollout, const std::vector<Json>& entries) override;
  void put_hold(const Hold& hold) override { append_hold(hold_entry(hold), "hold " + hold.package); }
  void release_hold(const std::string& package, const Version& version, const std::string& who) override {
    require_hold(holds(), package, version);
    append_hold(release_entry(package, version, who), "release the hold on " + package);
  }
  std::vector<std::string> rollouts() override;
  RolloutRecord read(const std::string& id) override;
  std::vector<Hold> holds() override { return parse_holds(texts().read("holds.jsonl").value_or(""), url()); }

 private:
  // A rollout that this run writes to.
  struct Open {
    Open(const Path& folder, const std::string& id) : journal(folder, id) {}
    ChainTail tail;             // of what is in the repository
    std::vector<Json> pending;  // noted, not pushed
    Journal journal;
    bool current = true;    // false after a push whose end is not known
    std::string attempted;  // then: what the tail's hash would be
  };
  // Given to the engine; gives the leases back, with what is pending.
  class Held;

  [[nodiscard]] Path journal_folder() const { return place_.repository / "journal"; }
  GitTexts texts();
  void sync();
  GitRefs fetch_main();
  void check_history(const std::string& now);
  Open& open(const std::string& id);
  void reload(Open& open, const std::string& id);
  void flush(const std::string& rollout, const std::vector<Json>& entries);
  void append_hold(const Json& entry, const std::string& message);
  void give_back();

  using Make = std::function<std::vector<GitFile>(GitTexts&)>;
  void publish(const std::string& message, const Make& make, bool last = false);
  bool push_once(const std::string& commit, bool last);
  void after_refusal(const GitPush& result);
  bool landed(const std::string& commit);

  GitPlace place_;
  bool shared_;
  Host& host_;
  Diagnostics& diagnostics_;
  GitRepository repository_;
  GitRemote remote_;
  std::string tip_;     // of main, "": no such branch
  bool fresh_ = false;  // tip_ is what the server had a moment ago
  std::unique_ptr<GitLease> lease_;
  std::map<std::string, Open> open_;
};

class GitLedger::Held final : public Lease {
 public:
  explicit Held(GitLedger& ledger) : ledger_(ledger) {}
  ~Held() override { ledger_.give_back(); }
  [[nodiscard]] bool valid() override { return ledger_.lease_->valid(); }

 private:
  GitLedger& ledger_;
};

// ---------------------------------------------------------------- reading

void GitLedger::sync() {
  const GitRefs refs = fetch_main();
  const auto at = refs.find(main_ref);
  const std::string now = at == refs.end() ? "" : at->second;
  if (now != tip_ || !fresh_) check_history(now);
  tip_ = now;
  fresh_ = true;
}

// mlship makes everything in a ledger but the repository itself.
GitRefs GitLedger::fetch_main() {
  try {
    return remote_.fetch({main_ref});
  } catch (const Error& e) {
    if (e.code() != ErrorCode::not_found) throw;
    throw Error(e).hint("make an empty repository there (git init --bare), or correct `ledger`");
  }
}

// A ledger is only ever added to.
void GitLedger::check_history(const std::string& now) {
  const std::string seen = repository_.remembered(seen_ref);
  if (!seen.empty() && (now.empty() || !repository_.descends(now, seen))) {
    throw Error(
        ErrorCode::ledger,
        fmt::format("cannot use the ledger {}: its history was rewritten since this machine read it", url()))
        .fact("seen", seen)
        .fact("now", now.empty() ? "no branch main" : now)
        .hint("find out who did it; to go on with what is there: rm -r " + place_.repository.string());
  }
  if (now.empty()) return;
  const auto format = GitTexts(repository_, now, url()).read("format.json");
  if (!format) {
    throw Error(ErrorCode::ledger,
                fmt::format("cannot use the ledger {}: its branch main holds something else "
                            "(no format.json)",
                            url()))
        .hint("give the ledger a repository of its own");
  }
  check_format(*format, url());
  if (now != seen) repository_.remember(seen_ref, now);
}

GitTexts GitLedger::texts() {
  if (!fresh_) sync();
  return {repository_, tip_, url()};
}

std::vector<std::string> GitLedger::rollouts() {
  std::vector<std::string> ids;
  for (auto& name : texts().folders("rollouts")) {
    if (valid_rollout_id(name)) ids.push_back(std::move(name));
  }
  return ids;
}

RolloutRecord GitLedger::read(const std::string& id) {
  auto all = texts();
  const std::string path = entries_path(id);
  const auto entries = valid_rollout_id(id) ? all.read(path) : std::nullopt;
  if (!entries) {
    const auto known = rollouts();
    if (std::find(known.begin(), known.end(), id) == known.end()) no_such_rollout(id, *this);
  }
  RolloutRecord record = parse_rollout(id, all.read("rollouts/" + id + "/plan.json").value_or(""),
                                       entries.value_or(""), url() + "/" + path);
  // What this run has noted, or a dead one of this machine had.
  const bool left = lease_ && lease_->covers(record) && Journal::left_behind(journal_folder(), id);
  if (!left && !open_.contains(id)) return record;
  for (const auto& entry : open(id).pending) record.entries.push_back(entry);
  return record;
}

// ---------------------------------------------------------------- the lease

std::unique_ptr<Lease> GitLedger::acquire(const LeaseRequest& request) {
  GitPlace place = place_;
  place.repository = place_.repository / "repository.git";
  sync();
  lease_ = std::make_unique<GitLease>(std::move(place), host_, diagnostics_, request);
  open_.clear();
  fresh_ = false;  // whoever held it may have written until a moment ago
  return std::make_unique<Held>(*this);
}

// What cannot be pushed now stays in the journal for the next run on this machine.
void GitLedger::give_back() {
  try {
    if (!lease_->lost() && !lease_->refs().empty()) {
      publish(
          "the last results\n",
          [&](GitTexts& all) {
            for (auto& [id, open] : open_) {
              if (open.pending.empty()) continue;
              std::string lines;
              ChainTail tail = open.tail;
              for (const auto& entry : open.pending) lines += chain_line(entry, tail);
              all.append(entries_path(id), lines);
            }
            return all.changed();
          },
          true);
      for (auto& [id, open] : open_) open.journal.clear();
    }
  } catch (const Error& e) {
    diagnostics_.warning("cannot give the lease back; it expires by itself: " + e.message());
  }
  open_.clear();
  lease_.reset();
}

// ---------------------------------------------------------------- writing

GitLedger::Open& GitLedger::open(const std::string& id) {
  const auto [at, fresh] = open_.try_emplace(id, journal_folder(), id);
  Open& open = at->second;
  if (!fresh && open.current) return open;
  try {
    reload(open, id);
  } catch (...) {
    if (fresh) open_.erase(at);
    throw;
  }
  return open;
}

void GitLedger::reload(Open& open, const std::string& id) {
  auto all = texts();
  const std::string plan = all.read("rollouts/" + id + "/plan.json").value_or("");
  const std::string entries = all.read(entries_path(id)).value_or("");
  open.tail = read_chain(entries, seed_of(plan), url() + "/" + entries_path(id)).tail;
  // The push whose reply was lost had arrived.
  if (!open.current && open.tail.prev == open.attempted) {
    open.pending.clear();
    open.journal.clear();
  }
  open.current = true;
  if (!open.pending.empty()) return;
  open.pending = open.journal.adopt(open.tail);
}

void GitLedger::begin(const RolloutRecord& record) {
  const std::string& plan = record.plan;
  ChainTail tail;
  publish("begin " + record.command + " " + record.id + " of " + record.package + "\n", [&](GitTexts& all) {
    if (all.read(entries_path(record.id))) {
      throw Error(ErrorCode::ledger, "cannot begin rollout " + record.id + ": it is in the ledger already");
    }
    tail = ChainTail{seed_of(plan)};
    const std::string line = chain_line(begin_entry(record, newest_link(*this)), tail);
    all.append("rollouts/" + record.id + "/plan.json", plan);
    all.append(entries_path(record.id), line);
    return all.changed();
  });
  open_.try_emplace(record.id, journal_folder(), record.id).first->second.tail = tail;
}

void GitLedger::note(const std::string& rollout, const std::vector<Json>& entries) {
  Open& to = open(rollout);
  ChainTail tail = to.tail;
  for (const auto& entry : to.pending) chain_line(entry, tail);
  std::string lines;
  for (const auto& entry : entries) lines += chain_line(entry, tail);
  to.journal.add(lines);
  to.pending.insert(to.pending.end(), entries.begin(), entries.end());
}

// Into the journal first, then away, together with what was noted before.
void GitLedger::append(const std::string& rollout, const std::vector<Json>& entries) {
  Open& to = open(rollout);
  const auto before = to.journal.size();
  const size_t noted = to.pending.size();
  note(rollout, entries);
  try {
    flush(rollout, entries);
  } catch (...) {
    to.pending.resize(noted);
    to.journal.cut(before);
    throw;
  }
}

void GitLedger::flush(const std::string& rollout, const std::vector<Json>& entries) {
  Open& to = open(rollout);
  std::string lines;
  ChainTail next = to.tail;
  for (const auto& entry : to.pending) lines += chain_line(entry, next);
  const std::string base = tip_;
  to.attempted = next.prev;
  to.current = false;
  const std::string message = fmt::format("{}: {}{}\n", rollout, entries.front().value("type", "entry"),
                                          entries.size() > 1 ? fmt::format(" × {}", entries.size()) : "");
  publish(message, [&](GitTexts& all) {
    // Only the holder writes to a rollout: where somebody else did, this run is not the holder any more.
    if (all.commit() != base) {
      const std::string plan = all.read("rollouts/" + rollout + "/plan.json").value_or("");
      const std::string there = all.read(entries_path(rollout)).value_or("");
      if (read_chain(there, seed_of(plan), entries_path(rollout)).tail.prev != to.tail.prev) {
        throw lease_
            ? lease_->lost_error()
            : Error(ErrorCode::ledger_busy, "cannot write to rollout " + rollout + ": another run does");
      }
    }
    all.append(entries_path(rollout), lines);
    return all.changed();
  });
  to.current = true;
  to.tail = next;
  to.pending.clear();
  to.journal.clear();
}

void GitLedger::append_hold(const Json& entry, const std::string& message) {
  publish(message + "\n", [&](GitTexts& all) {
    const std::string before = all.read("holds.jsonl").value_or("");
    ChainTail tail = read_chain(before, "", url() + "/holds.jsonl").tail;
    all.append("holds.jsonl", chain_line(entry, tail));
    return all.changed();
  });
}

// Makes the files on what main is now and pushes them, until they are there. `last`: gives the leases back
// with it.
void GitLedger::publish(const std::string& message, const Make& make, bool last) {
  int lost_replies = 0;
  for (int attempt = 0; attempt < max_pushes; ++attempt) {
    auto all = texts();
    if (tip_.empty()) all.append("format.json", format_text());
    const auto files = make(all);
    std::string commit = tip_;
    if (!files.empty()) {
      GitAuthor author = place_.author;
      author.when = host_.clock.now();
      commit = repository_.commit(tip_, files, author, message);
    }
    try {
      if (push_once(commit, last)) return;
    } catch (const Error& e) {
      if (!no_answer(e) || ++lost_replies > max_lost_replies) throw;
      diagnostics_.detail(e.message());
      if (landed(commit)) return;
    }
    fresh_ = false;
    host_.clock.sleep(race_pause * (1 + attempt % 8));
  }
  throw Error(ErrorCode::ledger_busy,
              fmt::format("cannot write to the ledger {}: others write to it all the time", url()))
      .hint("run the command again");
}

// False when others were faster.
bool GitLedger::push_once(const std::string& commit, bool last) {
  GitRefs updates, expected{{main_ref, tip_}};
  if (commit != tip_) updates[main_ref] = commit;
  std::unique_lock<std::mutex> guard;
  GitRefs beats;
  if (lease_) {
    guard = lease_->lock();
    if (lease_->lost()) throw lease_->lost_error();
    expected.insert(lease_->refs().begin(), lease_->refs().end());
    beats = last ? lease_->releases() : lease_->renewals();
    updates.insert(beats.begin(), beats.end());
  }
  if (updates.empty()) return true;
  const auto begun = host_.clock.monotonic();
  const GitPush result = remote_.push(updates, expected);
  const bool all = !result.moved && result.updated.size() == updates.size();
  if (lease_ && all) lease_->pushed(beats, begun);
  if (lease_ && !all) lease_->reconcile(result.moved ? result.refs : remote_.fetch({}));
  if (lease_ && lease_->lost()) throw lease_->lost_error();
  if (!result.moved && (commit == tip_ || result.updated.contains(main_ref))) {
    tip_ = commit;
    repository_.remember(seen_ref, tip_);
    return true;
  }
  if (!result.moved) after_refusal(result);
  return false;
}

// A refusal is a race when the branch has moved, or when somebody else had it locked at that moment.
void GitLedger::after_refusal(const GitPush& result) {
  const auto row = result.refused.find(main_ref);
  const std::string status = row == result.refused.end() ? "no status" : row->second;
  const std::string before = tip_;
  sync();
  if (tip_ == before && !locked_elsewhere(status)) throw refused_push(url(), status, result.words);
}

// Whether a push without an answer had arrived.
bool GitLedger::landed(const std::string& commit) {
  const GitRefs refs = remote_.fetch({main_ref});
  if (lease_) {
    const auto guard = lease_->lock();
    lease_->reconcile(refs);
    if (lease_->lost()) throw lease_->lost_error();
  }
  const auto at = refs.find(main_ref);
  if (at == refs.end() || !repository_.descends(at->second, commit)) return false;
  tip_ = at->second;
  repository_.remember(seen_ref, tip_);
  return true;
}

}  // namespace

std::unique_ptr<Ledger> git_ledger(const GitPlace& place, bool remote,
                                   const LedgerSurroundings& surroundings) {
  return std::make_unique<GitLedger>(place, remote, surroundings);
}

}  // namespace mlship
