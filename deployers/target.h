// A system that holds jobs. Opaque objects in, minimal patches out. The engine (plan, rollout, rollback,
// status) knows targets only through this interface.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/diagnostics.h"
#include "core/host/host.h"
#include "core/json_library.h"
#include "core/project.h"
#include "core/release.h"
#include "deployers/reference.h"

namespace mlship {

enum class ObjectClass { job, service, both };

// The closed list of product.md.
enum class Reason {
  range,
  unpinned,
  opaque,
  other_build,
  other_kind,
  same_version,
  newer,
  older,
  other_major,
  pre_release,
  foreign_owner,
  hash_pinned,
  no_output,
  broken,
  no_permission,
  unresolvable,
  busy,
  conflict,
};
std::string_view to_string(Reason reason);  // "hash-pinned"
bool fell_short(Reason reason);             // exit 8

struct ObjectInfo {
  std::string id;  // stable within the target while nobody edits: "/etc/cron.d/churn:12"
  std::string name;
  std::string kind;      // "cron-entry"
  std::string schedule;  // "" when it has none
  std::string owner;     // from the object or [objects]
  ObjectClass cls = ObjectClass::both;
};

struct FoundReference {
  std::string path;     // "12:24" (line:column) in text, a keyed pointer in documents
  std::string text;     // the reference's span
  Reference reference;  // spans relative to `text`
  // Names something that may hold references and could not be read: it may be about any package.
  bool unread = false;
};

struct LiveObject {
  ObjectInfo info;
  std::string token;       // the system's concurrency token (sha256 of a file); "" when it has none
  nlohmann::json locator;  // the target's own words to find the object again; stored in plan and ledger
  std::vector<FoundReference> references;
  // Who else writes this object and would undo a change, and what to change instead, for people; "": nobody.
  // It is skipped as `foreign-owner` then, unless PlanRequest::include_owned.
  std::string foreign_owner;
  bool owned_for_good = false;  // not to be changed even with --include-owned
};

struct Skipped {
  std::string target;
  ObjectInfo object;  // of what could not be read only what is known: its id, its name
  std::string path;
  Reason reason = Reason::opaque;
  std::string detail;
  std::string hint;
  std::string from;       // the reference's span, "" when there is none
  bool strict = false;    // an older reference left behind under `strict`: falls short whatever the reason
  bool accepted = false;  // written down in `accept`: listed, and never short
  bool older = false;     // than the version that is rolled out; not part of plan files
};
bool fell_short(const Skipped& skipped);

struct Discovery {
  std::vector<LiveObject> objects;  // in a stable order
  std::vector<LiveObject> idle;  // what the system does not act on: only to be listed, every reference opaque
  std::vector<Skipped> skipped;  // what could not be read
  std::vector<std::string> warnings;  // what of the target's settings is about nothing, for people
};

// A new immutable thing the pointers of this plan need. Same id = same thing.
struct Carrier {
  std::string id;     // "tree:/opt/mlship/churn/1.4.0", "file:/srv/libs/churn-1.4.0-py3-none-any.whl"
  std::string place;  // the path or URL, for people
  Digest digest;      // of what will be there: the bundle (tree) or the file
};

struct Destination {
  std::string text;  // the new text of the reference's span
  std::vector<Carrier> carriers;
  std::vector<std::string> warnings;  // "unverified"
  std::optional<Reason> skip;         // set: it cannot move, for that reason
  std::string detail, hint;
};

struct Change {
  std::string path;
  std::string from, to;  // the span's text
  Form form = Form::pin;
  std::string from_version;  // normal form, "" when unknown
  std::string to_version;
  std::vector<std::string> warnings;
  // The text is right already: what it names is put there.
  [[nodiscard]] bool stays() const { return from == to; }
};

// All changes of one object; written together or not at all.
struct Operation {
  std::string id;  // unique within the plan: "op-0001"
  std::string target;
  ObjectInfo object;
  std::string token;
  nlohmann::json locator;
  std::string rest;  // salted sha256 of everything in the object outside the changes' spans
  std::vector<Change> changes;
  std::vector<std::string> carriers;  // ids
  // Its references are right already; the carriers, which they name, are not there.
  [[nodiscard]] bool installs() const;
  // Nothing refers to its carriers yet: there is no object to look at.
  [[nodiscard]] bool without_object() const { return locator.is_null(); }
};

enum class ObjectState { pre, post, conflict, gone, unreadable };

struct Observation {
  ObjectState state = ObjectState::conflict;
  std::string detail;  // for conflict: what stands there now; for unreadable: why
  std::string token;
  bool rest_equal = true;  // everything outside the spans is as it was planned
  nlohmann::json locator;  // where the object stands now
  // Each change as if it were alone, where the whole is a conflict or gone; empty: not known.
  struct Part {
    ObjectState state = ObjectState::conflict;
    std::string detail;
  };
  std::vector<Part> parts = {};
};

struct ApplyResult {
  // throttled: the system asked to come later, nothing was written.
  enum class Kind { written, already, conflict, refused, failed, unknown, throttled };
  Kind kind = Kind::failed;
  std::string detail;
  std::string pending;                       // "daemon-reload": what is left to do before it runs
  nlohmann::json locator;                    // where the object stands after the write
  std::chrono::milliseconds retry_after{0};  // with throttled; 0: the system named no time
};

// An operation to be written, and the tag that names the attempt.
struct Sending {
  const Operation* operation = nullptr;
  std::string tag;
};

// What an object is doing, for systems where changing it now would hurt.
struct Activity {
  bool running = false;
  std::optional<std::int64_t> next_run;  // seconds since the epoch
};

// One run of an object, as evidence.
struct RunEvidence {
  std::int64_t started = 0;             // seconds since the epoch
  std::optional<std::int64_t> seconds;  // nullopt: it has not ended
  bool good = false;
  std::string reports;        // the digest or version that the run itself reported, "" when it said none
  std::string detail;         // the end of its log
  std::string id = {};        // "" when the system gives it none
  bool says_nothing = false;  // it ended without having tried: somebody stopped it
};

class Target {
 public:
  virtual ~Target() = default;
  // What is asked while the target waits for its system, and right before each write: once it says true no
  // wait goes on and nothing is sent any more. Empty: nobody stops it.
  using Stop = std::function<bool()>;
  virtual void heed(Stop) {}
  [[nodiscard]] virtual const std::string& name() const = 0;
  [[nodiscard]] virtual const TargetSection& section() const = 0;

  // Reads every object; never throws for one unreadable object (it becomes Skipped). `scheme` of the package
  // looked for; scan uses pep440.
  virtual Discovery discover(Scheme scheme) = 0;
  // Where this reference moves for this release: the table of rollout.md.
  virtual Destination destination(const LiveObject& object, const FoundReference& found,
                                  const Release& release, ReleaseSource& source) = 0;
  // Salted hash of the object's bytes outside the changes' spans.
  virtual std::string rest(const LiveObject& object, const std::vector<Change>& changes,
                           std::string_view salt) = 0;

  // Creates the carrier (create-only, complete before it is visible, verified after); false when it was there
  // already with the right bytes. Throws Error(version_exists) when it is there with other bytes. `tag` names
  // the operation.
  virtual bool place(const Carrier& carrier, const Release& release, ReleaseSource& source,
                     const std::string& tag) = 0;
  // What of a release has its place in this target whether or not anything refers to it: one carrier each, or
  // why it cannot be put there.
  virtual std::vector<Destination> own_places(const Release&) { return {}; }
  // For a plan: throws what stands in the way of place() as far as it can be told without writing.
  virtual void check_place(const Carrier&) {}
  // True when the carrier is there, with the right bytes.
  virtual bool carrier_ok(const Carrier& carrier, const Release& release, ReleaseSource& source) = 0;

  // Reads the object fresh. pre: every change holds `from`; post: every one holds `to`; else conflict or
  // gone.
  virtual Observation observe(const Operation& operation, std::string_view salt) = 0;
  // The same for many, in their order; what cannot be read comes back as unreadable. For systems that answer
  // in bulk.
  virtual std::vector<Observation> observe_all(std::span<const Operation* const> operations,
                                               std::string_view salt);
  // Where a locator of what is live now points: equal for the same object; "": nowhere.
  [[nodiscard]] virtual std::string place_of(const nlohmann::json& locator) const { return locator.dump(); }
  [[nodiscard]] bool same_object(const nlohmann::json& a, const nlohmann::json& b) const {
    const std::string place = place_of(a);
    return !place.empty() && place == place_of(b);
  }
  // Conditional write of all changes of one object, read back by the caller through observe(). `tag` names
  // the operation and makes leftovers of a killed run recognisable.
  virtual ApplyResult apply(const Operation& operation, const std::string& tag) = 0;
  // apply() for several operations that written_with() puts together, with one write; each has its own
  // result.
  virtual std::vector<ApplyResult> apply_all(std::span<const Sending> sendings);
  // Operations with the same answer stand in one thing (a file) and are written together; "": each by itself.
  [[nodiscard]] virtual std::string written_with(const Operation&) const { return ""; }
  // What a reference names and is not there, for people; "": it is there, or it is nothing this target looks
  // for.
  virtual std::string missing(const FoundReference&) { return ""; }
  // Before a rollback: false when what `change.to` names (a folder, a file) is a thing this target can look
  // for and it is not there. Old places may be older than mlship, so nothing is known of them but their name.
  virtual bool old_place_ok(const Change& change) { return !change.to.empty(); }
  // Whether a text of a ledger may name this path though the reference it takes the place of lies elsewhere.
  // `old`: it is what stood there before a rollout, so it may be older than mlship.
  [[nodiscard]] virtual bool may_point_to(const std::string& /*path*/, bool /*old*/) const { return false; }
  // What the target's own step still has to do before an object, written at `since` (seconds since the
  // epoch), runs as it is written: "daemon-reload"; "" when nothing.
  virtual std::string pending(const Operation&, std::int64_t /*since*/) { return ""; }
  // Puts right what a killed apply() with this tag left behind (temporary files, displaced foreign content).
  virtual void recover(const Operation& operation, const std::string& tag) = 0;
  // The same for several operations that were written together.
  virtual void recover_all(std::span<const Sending> sendings);
  // The same for runs of which no record is left, where that can be told from a run under way. Returns lines
  // for people.
  virtual std::vector<std::string> clear_abandoned() { return {}; }

  // What differs between systems; the defaults are those of files on this host.

  // An object's id means that object for ever. Where it does not (a line of a file) an object is known again
  // by its name too; where it does names may be shared and say nothing.
  [[nodiscard]] virtual bool keeps_ids() const { return false; }
  // Calls of apply() that may be under way at once. Above 1 apply() and observe() are called by several
  // threads.
  [[nodiscard]] virtual size_t most_in_flight() const { return 1; }
  // Writes carry a concurrency token, so that a runner that lost its lease cannot overwrite another's work.
  [[nodiscard]] virtual bool has_tokens() const { return true; }
  // What runs goes on undisturbed when its object is changed.
  [[nodiscard]] virtual bool pins_running_work() const { return true; }
  virtual Activity activity(const Operation&) { return {}; }
  // When it runs next after `now` (both seconds since the epoch); nullopt: never, or that cannot be told
  // cheaply.
  virtual std::optional<std::int64_t> next_run(const LiveObject&, std::int64_t /*now*/) {
    return std::nullopt;
  }
  // For `doctor`, beside discover(): throws what stands in the way of placing carriers; "" or a remark and
  // what to do about it.
  struct Remark {
    std::string text, fix;
  };
  virtual Remark check_places() { return {}; }
  // Its jobs run elsewhere, so that others change them too: their ledger should not stay on this machine.
  [[nodiscard]] virtual bool is_remote() const { return false; }
  // Names or ids of objects of this target that have to be changed before this one.
  virtual std::vector<std::string> needs(const Operation&) { return {}; }
  // Starts a run of the object, as a probe, and names it ("" when the system does not); nullopt when the
  // system has no such thing. `tag` makes it exactly one run however often it is asked for.
  virtual std::optional<std::string> start_run(const Operation&, const std::string& /*tag*/) {
    return std::nullopt;
  }
  // The run of that name.
  virtual RunEvidence run(const Operation&, const std::string& /*id*/) { return {}; }
  // How far the system's clock is ahead of this machine's: times of runs are the system's.
  [[nodiscard]] virtual std::int64_t seconds_ahead() const { return 0; }
  // Its runs that started at or after `since`, oldest first; nullopt when the system does not record them.
  virtual std::optional<std::vector<RunEvidence>> runs(const Operation&, std::int64_t /*since*/) {
    return std::nullopt;
  }
};

struct TargetFactory {
  std::string_view kind;  // "cron"
  std::string_view summary;
  std::span<const KeySpec> settings;
  std::string_view example;  // a [targets.NAME] snippet
  std::unique_ptr<Target> (*make)(const TargetSection& section, const Project& project, Host& host);
};
std::span<const TargetFactory* const> target_factories();

// The keys every kind understands: kind, index, trust-pins, compat, prereleases, strict, include, exclude.
std::span<const KeySpec> common_target_keys();
// Throws Error(project_file) with a did-you-mean on an unknown kind.
std::unique_ptr<Target> make_target(const TargetSection& section, const Project& project, Host& host);

}  // namespace mlship
