// A scripted system of jobs in memory, with the faults a real one has, for tests of the rollout engine.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "deployers/target.h"

namespace mlship::test {

// Ends a run as kill -9 would: not an Error, so nothing handles it.
struct Killed {};

// Counts the places where a run can die; at the chosen one it does.
class Steps {
 public:
  void kill_at(int step) { kill_ = step; }
  void reset() { done_ = 0, kill_ = 0; }
  void step() {
    if (between) between();
    if (++done_ == kill_) throw Killed{};
  }
  [[nodiscard]] int count() const { return done_; }

  std::function<void()> between;  // something that happens there

 private:
  int done_ = 0;
  int kill_ = 0;  // 0: never
};

enum class Fault {
  none,
  drop_before,   // no reply, nothing written
  drop_after,    // no reply, written
  refused,       // the system says no
  failed,        // the system failed, nothing written
  throws,        // a 5xx before the write
  lies,          // says written, wrote nothing
  other_text,    // says written, wrote something else
  foreign_edit,  // somebody else wrote the same place just before
  stale,         // a precondition that does not hold, though nobody wrote
  throttled,     // come later; nothing written
  slow_429,      // so too, said late, and much later
  dark,          // written, and the next reads fail
  slow,          // written, after a time in which others can do things
};

struct FakeObject {
  ObjectInfo info;
  std::vector<std::string> texts;  // "churn==1.3.0", one per reference
  std::string rest;                // everything else
  int generation = 0;              // the concurrency token
  int unreadable = 0;              // the next reads that fail
  std::string foreign_owner;
  bool owned_for_good = false;
};

class FakeTarget : public Target {
 public:
  explicit FakeTarget(std::string name, Steps* steps = nullptr);

  FakeObject& add(const std::string& id, std::vector<std::string> texts, ObjectClass cls = ObjectClass::job);

  std::map<std::string, FakeObject> objects;       // by id
  std::map<std::string, Fault> always;             // by object id
  std::map<std::string, std::vector<Fault>> next;  // by object id, one per write
  std::set<std::string> carriers;                  // ids of what is in place
  std::set<std::string> missing_places;            // texts whose place is gone
  std::set<std::string> recovered;                 // tags
  bool needs_carrier = false;
  bool carrier_fails = false;
  std::map<std::string, Reason> destination_skips;  // by object id
  std::map<std::string, std::string> labels;        // by object id: "+cpu", kept in what it is moved to
  std::function<void()> after_apply;                // something that happens while the rollout runs
  std::function<void(const std::string& id)> on_write;
  int writes = 0;
  size_t unread = 0;  // reads that failed
  TargetSection settings;

  size_t in_flight = 1;
  bool tokens = true;
  bool lasting_ids = false;
  bool pins = true;  // running work
  std::function<Activity(const std::string& id)> activities;
  std::map<std::string, std::vector<std::string>> needed;  // by object id
  std::function<bool(const std::string& id)> starts;       // start_run
  std::string run_id;                                      // what it names the run
  std::function<RunEvidence()> named_run;                  // run
  std::int64_t ahead = 0;                                  // seconds_ahead
  std::function<std::optional<std::vector<RunEvidence>>(const std::string& id)> evidence;
  size_t most_seen_in_flight = 0;
  std::chrono::milliseconds retry_after{0};  // with Fault::throttled
  int dark_reads = 1;                        // with Fault::dark
  std::function<bool()> throttles;           // asked before every write

  [[nodiscard]] const std::string& name() const override { return settings.name; }
  [[nodiscard]] const TargetSection& section() const override { return settings; }
  Discovery discover(Scheme scheme) override;
  Destination destination(const LiveObject& object, const FoundReference& found, const Release& release,
                          ReleaseSource& source) override;
  std::string rest(const LiveObject& object, const std::vector<Change>& changes,
                   std::string_view salt) override;
  bool place(const Carrier& carrier, const Release& release, ReleaseSource& source,
             const std::string& tag) override;
  bool carrier_ok(const Carrier& carrier, const Release& release, ReleaseSource& source) override;
  Observation observe(const Operation& operation, std::string_view salt) override;
  ApplyResult apply(const Operation& operation, const std::string& tag) override;
  bool old_place_ok(const Change& change) override { return !missing_places.contains(change.to); }
  void recover(const Operation& operation, const std::string& tag) override;
  [[nodiscard]] size_t most_in_flight() const override { return in_flight; }
  [[nodiscard]] bool has_tokens() const override { return tokens; }
  [[nodiscard]] bool keeps_ids() const override { return lasting_ids; }
  [[nodiscard]] bool pins_running_work() const override { return pins; }
  Activity activity(const Operation& operation) override;
  std::vector<std::string> needs(const Operation& operation) override;
  std::optional<std::string> start_run(const Operation& operation, const std::string& tag) override;
  RunEvidence run(const Operation& operation, const std::string& id) override;
  [[nodiscard]] std::int64_t seconds_ahead() const override { return ahead; }
  std::optional<std::vector<RunEvidence>> runs(const Operation& operation, std::int64_t since) override;

 private:
  ApplyResult write_with(Fault what, const Operation& operation);
  Fault fault(const std::string& id);
  void write(FakeObject& object, const Operation& operation);
  void step();
  Steps* steps_;
  std::mutex mutex_;  // of the objects, while several writes are in flight
  size_t flying_ = 0;
};

// "churn==1.3.0", "churn>=1,<2", "churn @ git+…" as references.
Reference fake_reference(const std::string& text, Scheme scheme);

// A registry that has every version it was given.
class FakeSource : public ReleaseSource {
 public:
  std::map<std::string, Release> releases;  // "churn 1.4.0"
  Release& add(const std::string& package, const std::string& version);
  std::optional<Release> find(const std::string& package, const Version& version) override;
  void write_output(const Release&, const Output&, const std::filesystem::path&) override {}
  void make_tree(const Release&, const std::filesystem::path&) override {}
  std::string check_tree(const Release&, const std::filesystem::path&) override { return ""; }
  bool index_serves(const std::string&, const Release&) override { return true; }
};

}  // namespace mlship::test
