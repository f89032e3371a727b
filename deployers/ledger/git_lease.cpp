#include "deployers/ledger/git_lease.h"

#include <algorithm>
#include <csignal>

#include <fmt/core.h>

#include "core/json_library.h"
#include "deployers/plan.h"
#include "deployers/strict_json.h"

namespace mlship {
namespace {

using std::chrono::milliseconds;

constexpr auto file_name = "lease.json";
constexpr std::uint64_t largest_file = 64U << 10U;  // bytes
constexpr int max_claims = 100;
constexpr milliseconds longest_ttl{3'600'000};  // more in a lease is no promise to wait for
constexpr milliseconds shortest_pause{100};
constexpr milliseconds longest_pause{2'000};
// Of the TTL: renewed after a third; after seven eighths without an answer the holder does not count on it.
constexpr int renewals_per_ttl = 3;
constexpr int max_lost_replies = 3;
constexpr milliseconds lost_pause{500};
constexpr milliseconds longest_standstill{8'000};

milliseconds trusted(milliseconds ttl) {
  return ttl * 7 / 8;
}

// A target's name as one component of a branch name (git-check-ref-format(1)).
std::string branch_word(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool plain =
        (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string ref_of(const std::string& package, const std::string& target) {
  return "refs/heads/lease/" + branch_word(package) + "/" + branch_word(target);
}

}  // namespace

std::string printable(std::string text) {
  std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

bool locked_elsewhere(const std::string& status) {
  return status.find("lock") != std::string::npos || status == "failed to update ref";
}

Error refused_push(const std::string& ledger, const std::string& status, const std::string& words) {
  Error error =
      Error(ErrorCode::forbidden,
            fmt::format("cannot write to the ledger {}: the server refuses: {}", ledger, printable(status)))
          .hint("ask the owner of that repository; its hooks and rules decide");
  const std::string said = printable(words);
  return said.empty() ? error : std::move(error).fact("server", said);
}

void Standstill::met(const std::string& ref, const std::string& status, const std::string& words) {
  const auto now = clock_.monotonic();
  if (!since_) since_ = now;
  if (now - *since_ < longest_standstill) return;
  const std::string said = printable(words);
  throw Error(ErrorCode::ledger, fmt::format("cannot write to the ledger {}: the server cannot lock {}: {}",
                                             ledger_, ref, printable(status)))
      .fact("server", said.empty() ? "no more words" : said)
      .hint("when no push is under way, remove the lock " + ref + ".lock on the server");
}

// What stands in the branch; nothing of it is trusted but for being shown and waited for.
struct GitLease::Seen {
  std::string commit;  // "": there is no such branch
  bool held = false;
  std::int64_t fence = 0;
  milliseconds ttl{0};
  std::string holder;
  std::int64_t at = 0;  // seconds since the epoch, by the holder's clock; 0: it does not say
};

GitLease::GitLease(GitPlace place, Host& host, Diagnostics& diagnostics, const LeaseRequest& request)
    : place_(std::move(place)),
      host_(host),
      diagnostics_(diagnostics),
      repository_(place_.repository),
      remote_(repository_, place_.url, host),
      holder_(request.holder),
      package_(request.package),
      targets_(request.targets.begin(), request.targets.end()) {
  renewed_ms_ = host_.clock.monotonic().count();
  Standstill standstill(place_.printed, host_.clock);
  try {
    for (const auto& target : targets_) take(target, request, standstill);
  } catch (...) {
    give_back();
    throw;
  }
  if (!refs_.empty()) keep();
}

GitLease::~GitLease() {
  stop();
}

void GitLease::stop() {
  if (!keeper_.joinable()) return;
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  keeper_.join();
}

// What was taken before a later one was refused; should that fail too, it expires.
void GitLease::give_back() {
  if (refs_.empty()) return;
  try {
    remote_.push(releases(), refs_);
  } catch (const Error& e) {
    diagnostics_.detail(e.message());
  }
}

void GitLease::take(const std::string& target, const LeaseRequest& request, Standstill& standstill) {
  const std::string ref = ref_of(request.package, target);
  std::string watched;
  int lost_replies = 0;
  standstill.moved();
  for (int attempt = 0; attempt < max_claims; ++attempt) {
    const Seen seen = look(ref);
    if (adopt(ref, seen)) return;
    if (seen.held && watched.empty()) {
      watched = seen.commit;
      watch(ref, seen, request);
      continue;
    }
    if (seen.held && seen.commit != watched) {
      throw Error(ErrorCode::ledger_busy,
                  fmt::format("cannot use the ledger {}: another runner holds {} on {}", place_.printed,
                              request.package, target))
          .fact("holder", seen.holder)
          .hint("wait until it has ended, then run the command again");
    }
    try {
      if (!claim(ref, target, seen, request, standstill)) {
        host_.clock.sleep(shortest_pause);
        continue;
      }
    } catch (const Error& e) {
      // It may arrive yet; then it is known again as this run's own.
      const bool no_answer = e.code() == ErrorCode::network || e.code() == ErrorCode::server_error;
      if (!no_answer || ++lost_replies > max_lost_replies) throw;
      host_.clock.sleep(lost_pause * lost_replies);
      continue;
    }
    if (seen.held) {
      diagnostics_.warning(fmt::format("took {} on {} over from {}, which has not been heard of for {} s",
                                       request.package, target, seen.holder, seen.ttl.count() / 1000));
    }
    return;
  }
  throw Error(ErrorCode::ledger_busy,
              fmt::format("cannot use the ledger {}: others take {} on {} all the time", place_.printed,
                          request.package, target))
      .hint("run the command again");
}

// Until the branch moves or the TTL is over.
void GitLease::watch(const std::string& ref, const Seen& seen, const LeaseRequest& request) {
  diagnostics_.status(fmt::format("{} has the lease; waiting up to {} s to see whether it still runs",
                                  seen.holder, (seen.ttl.count() + 999) / 1000));
  const auto begun = host_.clock.monotonic();
  const auto pause = std::clamp(seen.ttl / 10, shortest_pause, longest_pause);
  while (host_.clock.monotonic() - begun < seen.ttl) {
    if (request.interrupted != nullptr && request.interrupted->load()) {
      throw Error(ErrorCode::interrupted, "interrupted: nothing was written")
          .hint("run the same command again");
    }
    host_.clock.sleep(pause);
    const GitRefs refs = remote_.fetch({});
    const auto at = refs.find(ref);
    if (at == refs.end() || at->second != seen.commit) return;
  }
}

// What this run has pushed without an answer, and that arrived.
bool GitLease::adopt(const std::string& ref, const Seen& seen) {
  if (!mine_[ref].contains(seen.commit)) return false;
  moved_on(ref, seen.commit);
  return true;
}

// False when somebody else was faster.
bool GitLease::claim(const std::string& ref, const std::string& target, const Seen& seen,
                     const LeaseRequest& request, Standstill& standstill) {
  texts_[ref] = {{"holder", request.holder},
                 {"package", request.package},
                 {"target", target},
                 {"fence", seen.fence + 1},
                 {"ttl", place_.ttl.count()},
                 {"beat", 0},
                 {"held", true}};
  refs_[ref] = seen.commit;
  const std::string made = commit(ref, true);
  refs_.erase(ref);
  GitPush result;
  std::optional<Error> failed;
  try {
    result = remote_.push({{ref, made}}, {{ref, seen.commit}});
  } catch (const Error& e) {
    failed = e;
  }
  std::string there = made;
  if (!result.updated.contains(ref)) {
    if (result.moved) return false;
    const GitRefs now = remote_.fetch({});
    const auto at = now.find(ref);
    there = at == now.end() ? "" : at->second;
  }
  // Also when the reply was lost.
  if (there == made) {
    moved_on(ref, made);
    return true;
  }
  if (failed) throw Error(*failed);
  if (there != seen.commit) return false;
  if (locked_elsewhere(result.refused[ref])) {
    standstill.met(ref, result.refused[ref], result.words);
    return false;
  }
  throw refused_push(place_.printed, result.refused[ref], result.words);
}

GitLease::Seen GitLease::look(const std::string& ref) {
  return seen_in(repository_, place_, ref, remote_.fetch({ref}));
}

GitLease::Seen GitLease::seen_in(const GitRepository& repository, const GitPlace& place,
                                 const std::string& ref, const GitRefs& refs) {
  Seen seen;
  const auto at = refs.find(ref);
  if (at == refs.end()) return seen;
  seen.commit = at->second;
  const std::string what = ref + " of the ledger " + place.printed;
  const auto entry = repository.look(seen.commit, file_name);
  if (!entry || entry->kind != GitEntry::Kind::file || repository.size(entry->id) > largest_file) {
    throw Error(ErrorCode::ledger, "cannot use " + what + ": it holds no " + file_name)
        .hint("delete this branch when no runner is at work");
  }
  const Json json = parse_json(repository.read(entry->id), ErrorCode::ledger, what);
  StrictObject o(json, ErrorCode::ledger, what);
  seen.held = o.flag("held");
  seen.fence = o.integer("fence");
  seen.holder = printable(o.bytes("holder"));
  const milliseconds ttl(o.integer("ttl"));
  seen.ttl = ttl > milliseconds(0) && ttl <= longest_ttl ? ttl : place.ttl;
  if (o.has("at")) seen.at = o.integer("at");
  return seen;
}

std::optional<std::string> GitLease::holder(const GitPlace& place, Host& host, const std::string& package,
                                            const std::set<std::string>& targets) {
  std::set<std::string> wanted;
  for (const auto& target : targets) wanted.insert(ref_of(package, target));
  GitRepository repository(place.repository);
  GitRemote remote(repository, place.url, host);
  const GitRefs refs = remote.fetch(wanted);
  const std::int64_t now = host.clock.now();
  for (const auto& ref : wanted) {
    const Seen seen = seen_in(repository, place, ref, refs);
    // For people: two clocks are compared here, and nothing but a message hangs on it.
    if (seen.held && now - seen.at <= seen.ttl.count() / 1000) return seen.holder;
  }
  return std::nullopt;
}

std::string GitLease::commit(const std::string& ref, bool held) {
  Json& text = texts_.at(ref);
  text["held"] = held;
  text["holder"] = bytes_to_json(holder_);
  text["beat"] = text.at("beat").get<std::int64_t>() + 1;
  GitAuthor author = place_.author;
  author.when = host_.clock.now();
  text["at"] = author.when;
  const std::string word = held ? "hold" : "give back";
  std::string made =
      repository_.commit(refs_.at(ref), {{file_name, canonical_json(text) + "\n"}}, author,
                         word + " " + ref.substr(std::string_view("refs/heads/").size()) + "\n");
  mine_[ref][made] = host_.clock.monotonic();
  return made;
}

// The term counts from when the commit was made.
void GitLease::moved_on(const std::string& ref, const std::string& commit) {
  refs_[ref] = commit;
  auto oldest = mine_[ref][commit];
  for (const auto& [name, at] : refs_) oldest = std::min(oldest, mine_[name][at]);
  renewed_ms_ = oldest.count();
}

bool GitLease::covers(const RolloutRecord& record) const {
  if (record.package != package_) return false;
  try {
    const Plan plan = parse_plan(record.plan);
    return std::all_of(plan.operations.begin(), plan.operations.end(),
                       [&](const Operation& op) { return targets_.contains(op.target); });
  } catch (const Error&) {  // whoever wants to go on with it will be told
    return false;
  }
}

GitRefs GitLease::renewals() {
  const milliseconds age = host_.clock.monotonic() - milliseconds(renewed_ms_);
  GitRefs made;
  if (age < place_.ttl / renewals_per_ttl) return made;
  for (const auto& [ref, at] : refs_) made[ref] = commit(ref, true);
  return made;
}

GitRefs GitLease::releases() {
  GitRefs made;
  for (const auto& [ref, at] : refs_) made[ref] = commit(ref, false);
  return made;
}

void GitLease::pushed(const GitRefs& updates) {
  for (const auto& [ref, commit] : updates) {
    if (refs_.contains(ref)) moved_on(ref, commit);
  }
}

void GitLease::reconcile(const GitRefs& server) {
  const GitRefs before = refs_;
  for (const auto& [ref, at] : before) {
    const auto now = server.find(ref);
    const std::string there = now == server.end() ? "" : now->second;
    if (there == at) continue;
    if (mine_[ref].contains(there)) {
      moved_on(ref, there);
    } else {
      lost_ = true;
    }
  }
}

Error GitLease::lost_error() const {
  return Error(ErrorCode::ledger_busy,
               fmt::format("cannot write to the ledger {}: another runner took {} over", place_.printed,
                           package_))
      .hint("mlship history " + package_);
}

// Under lock(). Failures (no answer, a full disk) leave the lease as it is: its age tells.
void GitLease::renew() {
  // Twice: an earlier renewal may have arrived without an answer.
  for (int attempt = 0; attempt < 2 && !lost_; ++attempt) {
    try {
      const GitRefs beats = renewals();
      if (beats.empty()) return;
      const GitPush result = remote_.push(beats, refs_);
      if (result.updated.size() == beats.size()) return pushed(beats);
      reconcile(result.moved ? result.refs : remote_.fetch({}));
    } catch (const Error&) {
      return;
    }
  }
}

bool GitLease::valid() {
  const auto age = [&] { return host_.clock.monotonic() - milliseconds(renewed_ms_); };
  if (refs_.empty()) return true;
  if (lost_) return false;
  if (age() < trusted(place_.ttl)) return true;
  const auto guard = lock();
  renew();
  return !lost_ && age() < trusted(place_.ttl);
}

// Renews from a thread of its own: a run may wait for a system far longer than the TTL.
void GitLease::keep() {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are the main thread's
  keeper_ = std::thread([this] {
    auto guard = lock();
    while (!stopping_ && !lost_) {
      renew();
      wake_.wait_for(guard, place_.ttl / (2 * renewals_per_ttl));
    }
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace mlship
