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
  void pushed(const GitRefs& updates, std::chrono::milliseconds begun);
  // What the server says, after a push whose end is not known: the lease is lost when a branch is neither
  // where it was nor where this run tried to put it.
  void reconcile(const GitRefs& server);
  // Error(ledger_busy): another runner took over.
  [[nodiscard]] Error lost_error() const;

 private:
  struct Seen;

  void take(const std::string& target, const LeaseRequest& request);
  void watch(const std::string& ref, const Seen& seen, const LeaseRequest& request);
  bool claim(const std::string& ref, const std::string& target, const Seen& seen,
             const LeaseRequest& request);
  [[nodiscard]] Seen look(const std::string& ref);
  std::string commit(const std::string& ref, bool held);
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
  std::map<std::string, Json> texts_;                  // lease.json by reference
  std::map<std::string, std::set<std::string>> mine_;  // commits this run made, by reference
  std::atomic<bool> lost_ = false;
  std::atomic<std::int64_t> renewed_ms_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread keeper_;
};

}  // namespace mlship
