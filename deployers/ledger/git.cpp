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
constexpr int max_pushes = 100;              // against others who push
constexpr int max_lost_replies = 3;
constexpr milliseconds race_pause{40};
constexpr milliseconds lost_pause{500};

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
  std::optional<std::string> holder(const std::string& package,
                                    const std::set<std::string>& targets) override;
  void begin(const RolloutRecord& record) override;
  void append(const std::string& rollout, const std::vector<Json>& entries) override;
  void note(const std::string& rollout, const std::vector<Json>& entries) override;
  void put_hold(const Hold& hold) override { append_holds({hold_entry(hold)}, "hold " + hold.package); }
  void release_hold(const std::string& package, const Version& version, const std::string& who) override {
    append_holds(release_entries(holds(), package, version, who), "release the hold on " + package);
  }
  std::vector<std::string> rollouts() override;
  RolloutRecord read(const std::string& id) override;
  std::vector<std::string> hold_lines() override {
    return read_chain(texts().read("holds.jsonl").value_or(""), "", url() + "/holds.jsonl").hashes;
  }
  std::vector<Hold> holds() override { return parse_holds(texts().read("holds.jsonl").value_or(""), url()); }

 private:
  // A rollout that this run writes to.
  struct Open {
    Open(const Path& folder, const std::string& id) : journal(folder, id) {}
    ChainTail tail;             // of what is known to be in the repository
    std::string commit;         // of main, when that was known
    std::vector<Json> pending;  // noted, not pushed
    Journal journal;
    // Pushes of which nobody knows whether they arrived, or will: the hash of their last line, and how many
    // of the pending entries they hold. Each follows the tail, and the server takes one of them at most.
    struct Sent {
      std::string last;
      size_t entries = 0;
    };
    std::vector<Sent> sent;
  };
  // Given to the engine; gives the leases back, with what is pending.
  class Held;

  [[nodiscard]] Path journal_folder() const { return place_.repository / "journal"; }
  GitTexts texts();
  void sync();
  GitRefs fetch_main();
  void check_history(const std::string& now);
  Open& open(const std::string& id);
  void catch_up(Open& open, const std::string& id, const GitTexts& all);
  std::string lines_of(const Open& open, ChainTail& next) const;
  void flush(const std::string& rollout, const std::vector<Json>& entries);
  void append_holds(const std::vector<Json>& entries, const std::string& message);
  void give_back();

  using Make = std::function<std::vector<GitFile>(GitTexts&)>;
  void publish(const std::string& message, const Make& make, bool last = false);
  bool push_once(const std::string& commit, bool last, Standstill& standstill);
  void after_refusal(const GitPush& result, Standstill& standstill);
  [[nodiscard]] bool arrived(const std::vector<std::string>& commits) const;

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
  check_format(*format, url(), "",
               "clone it, correct format.json as git log -p format.json shows it, and push");
  if (now != seen) repository_.remember(seen_ref, now);
}

GitTexts GitLedger::texts() {
  if (!fresh_) sync();
  return {repository_, tip_, url()};
}

std::vector<std::string> GitLedger::rollouts() {
  std::vector<std::string> ids;
  for (auto& name : texts().names("rollouts")) {
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
  Open& ours = open(id);
  catch_up(ours, id, all);
  for (const auto& entry : ours.pending) record.entries.push_back(entry);
  return record;
}

std::optional<std::string> GitLedger::holder(const std::string& package,
                                             const std::set<std::string>& targets) {
  GitPlace place = place_;
  place.repository = place_.repository / "repository.git";
  return GitLease::holder(place, host_, package, targets);
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
              catch_up(open, id, all);
              ChainTail next;
              all.append(entries_path(id), lines_of(open, next));
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
  if (!fresh) return open;
  try {
    auto all = texts();
    const std::string plan = all.read("rollouts/" + id + "/plan.json").value_or("");
    const std::string entries = all.read(entries_path(id)).value_or("");
    open.tail = read_chain(entries, seed_of(plan), url() + "/" + entries_path(id)).tail;
    open.commit = all.commit();
    open.pending = open.journal.adopt(open.tail);
  } catch (...) {
    open_.erase(at);
    throw;
  }
  return open;
}

// The tail as it is in these texts: a push that had no answer may have arrived meanwhile, also one of the
// holder before. Whoever holds the lease goes on behind it.
void GitLedger::catch_up(Open& open, const std::string& id, const GitTexts& all) {
  if (open.commit == all.commit()) return;
  const std::string plan = all.read("rollouts/" + id + "/plan.json").value_or("");
  const std::string there = all.read(entries_path(id)).value_or("");
  const Chain chain = read_chain(there, seed_of(plan), url() + "/" + entries_path(id));
  open.commit = all.commit();
  if (chain.tail.prev == open.tail.prev) return;
  const auto has = [&](const std::string& line) {
    return std::find(chain.hashes.begin(), chain.hashes.end(), line) != chain.hashes.end();
  };
  if (!has(open.tail.prev) && open.tail.lines > 0) {
    throw Error(ErrorCode::ledger, fmt::format("cannot write to rollout {}: what stood there is gone", id));
  }
  for (const auto& sent : open.sent) {
    if (!has(sent.last)) continue;
    const auto count = std::min(sent.entries, open.pending.size());
    open.pending.erase(open.pending.begin(), open.pending.begin() + static_cast<std::ptrdiff_t>(count));
  }
  open.sent.clear();
  open.tail = chain.tail;
  open.journal.clear();
  ChainTail next;
  const std::string rest = lines_of(open, next);
  if (!rest.empty()) open.journal.add(rest);
}

// What is pending as lines behind the tail; `next` is the tail then.
std::string GitLedger::lines_of(const Open& open, ChainTail& next) const {
  std::string lines;
  next = open.tail;
  for (const auto& entry : open.pending) lines += chain_line(entry, next);
  return lines;
}

void GitLedger::begin(const RolloutRecord& record) {
  const std::string& plan = record.plan;
  ChainTail tail;
  publish("begin " + record.command + " " + record.id + " of " + record.package + "\n", [&](GitTexts& all) {
    if (all.read(entries_path(record.id))) {
      throw Error(ErrorCode::ledger, "cannot begin rollout " + record.id + ": it is in the ledger already");
    }
    tail = ChainTail{seed_of(plan)};
    const std::string line = chain_line(begin_entry(record, *this), tail);
    all.append("rollouts/" + record.id + "/plan.json", plan);
    all.append(entries_path(record.id), line);
    return all.changed();
  });
  Open& to = open_.try_emplace(record.id, journal_folder(), record.id).first->second;
  to.tail = tail;
  to.commit = tip_;
}

void GitLedger::note(const std::string& rollout, const std::vector<Json>& entries) {
  Open& to = open(rollout);
  ChainTail tail;
  (void)lines_of(to, tail);
  std::string lines;
  for (const auto& entry : entries) lines += chain_line(entry, tail);
  to.journal.add(lines);
  to.pending.insert(to.pending.end(), entries.begin(), entries.end());
}

// Into the journal first, then away, together with what was noted before.
void GitLedger::append(const std::string& rollout, const std::vector<Json>& entries) {
  Open& to = open(rollout);
  note(rollout, entries);
  try {
    flush(rollout, entries);
  } catch (...) {
    const auto count = std::min(entries.size(), to.pending.size());
    to.pending.resize(to.pending.size() - count);
    ChainTail next;
    to.journal.cut(lines_of(to, next).size());
    throw;
  }
}

void GitLedger::flush(const std::string& rollout, const std::vector<Json>& entries) {
  Open& to = open(rollout);
  ChainTail next;
  const std::string message = fmt::format("{}: {}{}\n", rollout, entries.front().value("type", "entry"),
                                          entries.size() > 1 ? fmt::format(" × {}", entries.size()) : "");
  publish(message, [&](GitTexts& all) {
    catch_up(to, rollout, all);
    const std::string lines = lines_of(to, next);
    check_ledger_size(next.size, url() + "/" + entries_path(rollout));
    to.sent.push_back({next.prev, to.pending.size()});
    if (!lines.empty()) all.append(entries_path(rollout), lines);
    return all.changed();
  });
  to.tail = next;
  to.commit = tip_;
  to.pending.clear();
  to.sent.clear();
  to.journal.clear();
}

void GitLedger::append_holds(const std::vector<Json>& entries, const std::string& message) {
  publish(message + "\n", [&](GitTexts& all) {
    const std::string before = all.read("holds.jsonl").value_or("");
    ChainTail tail = read_chain(before, "", url() + "/holds.jsonl").tail;
    for (const Json& entry : entries) all.append("holds.jsonl", chain_line(entry, tail));
    return all.changed();
  });
}

// Makes the files on what main is now and pushes them, until they are there. `last`: gives the leases back
// with it. A push without an answer may arrive at any time, until main has moved: then it did, or never will.
void GitLedger::publish(const std::string& message, const Make& make, bool last) {
  int lost_replies = 0;
  std::vector<std::string> sent;
  Standstill standstill(url(), host_.clock);
  for (int attempt = 0; attempt < max_pushes; ++attempt) {
    try {
      auto all = texts();
      if (arrived(sent)) return;
      if (tip_.empty()) all.append("format.json", format_text());
      const auto files = make(all);
      std::string commit = tip_;
      if (!files.empty()) {
        GitAuthor author = place_.author;
        author.when = host_.clock.now();
        commit = repository_.commit(tip_, files, author, message);
        sent.push_back(commit);
      }
      if (push_once(commit, last, standstill)) return;
      host_.clock.sleep(race_pause * (1 + attempt % 8));
    } catch (const Error& e) {
      if (!no_answer(e) || ++lost_replies > max_lost_replies) throw;
      diagnostics_.detail(e.message());
      host_.clock.sleep(lost_pause * lost_replies);
    }
    fresh_ = false;
  }
  throw Error(ErrorCode::ledger_busy,
              fmt::format("cannot write to the ledger {}: others write to it all the time", url()))
      .hint("run the command again");
}

bool GitLedger::arrived(const std::vector<std::string>& commits) const {
  return std::any_of(commits.begin(), commits.end(), [&](const std::string& commit) {
    return !tip_.empty() && repository_.descends(tip_, commit);
  });
}

// False when others were faster.
bool GitLedger::push_once(const std::string& commit, bool last, Standstill& standstill) {
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
  const GitPush result = remote_.push(updates, expected);
  const bool all = !result.moved && result.updated.size() == updates.size();
  if (lease_ && all) lease_->pushed(beats);
  if (lease_ && !all) lease_->reconcile(result.moved ? result.refs : remote_.fetch({}));
  if (lease_ && lease_->lost()) throw lease_->lost_error();
  if (!result.moved && (commit == tip_ || result.updated.contains(main_ref))) {
    tip_ = commit;
    repository_.remember(seen_ref, tip_);
    return true;
  }
  if (!result.moved) after_refusal(result, standstill);
  return false;
}

// A refusal is a race when the branch has moved, or when somebody else had it locked at that moment.
void GitLedger::after_refusal(const GitPush& result, Standstill& standstill) {
  const auto row = result.refused.find(main_ref);
  const std::string status = row == result.refused.end() ? "no status" : row->second;
  const std::string before = tip_;
  sync();
  if (tip_ != before) return standstill.moved();
  if (!locked_elsewhere(status)) throw refused_push(url(), status, result.words);
  standstill.met(main_ref, status, result.words);
}

}  // namespace

std::unique_ptr<Ledger> git_ledger(const GitPlace& place, bool remote,
                                   const LedgerSurroundings& surroundings) {
  return std::make_unique<GitLedger>(place, remote, surroundings);
}

}  // namespace mlship
