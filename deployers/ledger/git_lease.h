// The lease of a ledger in a git repository: one branch per package and target, lease/<package>/<target>,
// whose commits hold lease.json. Holding it means being the one who moves the branch on; who does not, for
// the TTL, has lost it to whoever looks that long (each by its own monotonic clock: no clocks are compared).
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/diagnostics.h"
#include "core/host/git.h"
#include "deployers/ledger/ledger.h"

namespace mlship {

struct GitPlace {
  std::string url;      // as git knows it
  std::string printed;  // as messages show it
  Path repository;      // the local one
  GitAuthor author;
  std::chrono::milliseconds ttl;
};

// A server that gives the same answer again and again while nothing moves: a lock that a push left behind.
class Standstill {
 public:
  Standstill(std::string ledger, Clock& clock) : ledger_(std::move(ledger)), clock_(clock) {}
  // Error(ledger), in the server's words, once that has lasted too long.
  void met(const std::string& ref, const std::string& status, const std::string& words);
  void moved() { since_.reset(); }

 private:
  std::string ledger_;
  Clock& clock_;
  std::optional<std::chrono::milliseconds> since_;
};

// Control characters would reach a terminal.
std::string printable(std::string text);
// The server's status of a branch that somebody else was moving at that moment.
bool locked_elsewhere(const std::string& status);
// What a server said no to, in its words. Error(forbidden).
Error refused_push(const std::string& ledger, const std::string& status, const std::string& words);

class GitLease {
 public:
  // Takes the leases, one after the other in order, so that of two runs one gets on. Error(ledger_busy)
  // naming the holder; waits for the TTL when the holder may be dead.
  GitLease(GitPlace place, Host& host, Diagnostics& diagnostics, const LeaseRequest& request);
  ~GitLease();  // stops renewing; release() gives the leases back
  GitLease(const GitLease&) = delete;
  GitLease& operator=(const GitLease&) = delete;

  // Who holds the package on one of these targets, as far as its last renewal tells; nullopt: nobody.
  static std::optional<std::string> holder(const GitPlace& place, Host& host, const std::string& package,
                                           const std::set<std::string>& targets);

  [[nodiscard]] bool valid();

  // Held while another push tells where the lease's branches must be, so that no renewal moves them
  // meanwhile.
  [[nodiscard]] std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }
  // Under lock().
  [[nodiscard]] bool lost() const { return lost_; }
  [[nodiscard]] const GitRefs& refs() const { return refs_; }
  [[nodiscard]] bool covers(const RolloutRecord& record) const;  // all that it changes is leased
  GitRefs renewals();                                            // empty when none is due yet
  GitRefs releases();                                            // the branches as given back
  void pushed(const GitRefs& updates);
  // What the server says, after a push whose end is not known: the lease is lost when a branch is neither
  // where it was nor where this run tried to put it.
  void reconcile(const GitRefs& server);
  // Error(ledger_busy): another runner took over.
  [[nodiscard]] Error lost_error() const;

 private:
  struct Seen;

  void take(const std::string& target, const LeaseRequest& request, Standstill& standstill);
  void watch(const std::string& ref, const Seen& seen, const LeaseRequest& request);
  bool claim(const std::string& ref, const std::string& target, const Seen& seen, const LeaseRequest& request,
             Standstill& standstill);
  [[nodiscard]] static Seen seen_in(const GitRepository& repository, const GitPlace& place,
                                    const std::string& ref, const GitRefs& refs);
  [[nodiscard]] Seen look(const std::string& ref);
  bool adopt(const std::string& ref, const Seen& seen);
  std::string commit(const std::string& ref, bool held);
  void moved_on(const std::string& ref, const std::string& commit);
  void renew();
  void keep();
  void stop();
  void give_back();

  GitPlace place_;
  Host& host_;
  Diagnostics& diagnostics_;
  GitRepository repository_;
  GitRemote remote_;
  std::string holder_, package_;
  std::set<std::string> targets_;
  GitRefs refs_;
  std::map<std::string, Json> texts_;  // lease.json by reference
  using Times = std::map<std::string, std::chrono::milliseconds>;
  std::map<std::string, Times> mine_;  // commits this run made and when, by reference
  std::atomic<bool> lost_ = false;
  std::atomic<std::int64_t> renewed_ms_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread keeper_;
};

}  // namespace mlship
