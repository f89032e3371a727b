#include "deployers/databricks/target.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <mutex>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"
#include "deployers/databricks/canonical.h"
#include "deployers/databricks/carrier.h"
#include "deployers/databricks/contents.h"
#include "deployers/databricks/destination.h"
#include "deployers/databricks/kind.h"
#include "deployers/databricks/looked_at.h"
#include "deployers/databricks/running.h"
#include "deployers/databricks/runs.h"
#include "deployers/databricks/store.h"
#include "deployers/selectors.h"

namespace mlship::databricks {
namespace {

constexpr size_t page = 100;          // jobs a list call answers
constexpr size_t worth_a_list = 100;  // readings, where nobody knows how many jobs there are
constexpr int max_races = 3;          // lost compare-and-swaps before it is a conflict
constexpr int max_turns = 20;         // readings that were too old when their write's turn came

// The system said no, and wrote nothing.
constexpr auto refusals = std::to_array<ErrorCode>(
    {ErrorCode::unauthorized, ErrorCode::forbidden, ErrorCode::http_refused, ErrorCode::not_found});

std::vector<Change> swapped(const std::vector<Change>& changes) {
  std::vector<Change> out = changes;
  for (auto& change : out) std::swap(change.from, change.to);
  return out;
}

std::vector<std::string> paths_at(const Standing& standing) {
  std::vector<std::string> paths;
  paths.reserve(standing.places.size());
  for (const auto& place : standing.places) paths.push_back(place->path);
  return paths;
}

// What an operation is about, to know it again.
// Buckets and servers that libraries were read from.
bool serves_libraries(const std::string& path) {
  constexpr auto schemes =
      std::to_array<std::string_view>({"s3://", "s3a://", "s3n://", "abfss://", "abfs://", "wasbs://",
                                       "wasb://", "gs://", "adl://", "https://"});
  return std::any_of(schemes.begin(), schemes.end(),
                     [&](std::string_view scheme) { return path.starts_with(scheme); });
}

// `/Volumes/x --index-url https://…`: no path of a file, though every byte of it may stand in one.
bool url_behind_blank(const std::string& path) {
  const size_t url = path.rfind("://");
  return url != std::string::npos && path.find_first_of(" \t") < url;
}

std::string signature(const std::vector<Change>& changes) {
  std::string out;
  for (const auto& change : changes) out += change.path + '\0' + change.from + '\0' + change.to + '\0';
  return out;
}

std::string with_answer(const Error& e) {
  std::string out = e.message();
  for (const auto& fact : e.facts()) {
    if (fact.name == "answer") out += ": " + fact.value;
  }
  return out;
}

// What comes of a write that did not go through, asked where that was caught; nullopt: from the reading on
// once more.
class Attempts {
 public:
  using Kind_ = ApplyResult::Kind;
  explicit Attempts(Api& api) : patience_(api) {}

  std::optional<ApplyResult> not_sent(const NotSent& why) {
    if (why.stopped) return stopped();
    if (++turns_ < max_turns) return std::nullopt;
    return ApplyResult{Kind_::throttled, "each reading was too old when its write's turn came", "", {}};
  }

  std::optional<ApplyResult> failed(const Error& e) {
    switch (e.code()) {
      case ErrorCode::http_precondition:  // somebody was faster
        if (++races_ < max_races) return std::nullopt;
        return ApplyResult{
            Kind_::conflict, fmt::format("others wrote it first, {} times", max_races), "", {}};
      case ErrorCode::http_conflict: return not_now(e);
      case ErrorCode::rate_limited: return ApplyResult{Kind_::throttled, with_answer(e), "", {}};
      case ErrorCode::interrupted: return stopped();
      default: break;
    }
    if (std::find(refusals.begin(), refusals.end(), e.code()) == refusals.end()) throw;
    return ApplyResult{Kind_::refused, with_answer(e), "", {}};
  }

 private:
  static ApplyResult stopped() {
    return {Kind_::throttled, "the run was stopped before it was sent", "", {}};
  }

  // "A concurrent request … Please wait for it to complete before issuing a new request."
  std::optional<ApplyResult> not_now(const Error& e) {
    if (patience_.spent()) return ApplyResult{Kind_::conflict, with_answer(e), "", {}};
    try {
      patience_.wait();
    } catch (const Error&) {
      return stopped();
    }
    return std::nullopt;
  }

  Patience patience_;
  int turns_ = 0, races_ = 0;
};

class Workspace final : public Target {
 public:
  Workspace(TargetSection section, const Project& project, Host& host)
      : section_(std::move(section)),
        host_(host),
        api_(section_, host),
        places_(find_places(section_, project)),
        owners_(project.objects) {}

  void heed(Stop stop) override { api_.heed(std::move(stop)); }
  [[nodiscard]] const std::string& name() const override { return section_.name; }
  [[nodiscard]] const TargetSection& section() const override { return section_; }
  [[nodiscard]] bool keeps_ids() const override { return true; }
  [[nodiscard]] size_t most_in_flight() const override { return Api::most_in_flight; }
  // Jobs have none: they are read again right before each write, and compared after it.
  [[nodiscard]] bool has_tokens() const override { return false; }
  [[nodiscard]] bool is_remote() const override { return true; }

  Discovery discover(Scheme scheme) override {
    const bool ahead = ahead_ && scheme == scheme_;
    scheme_ = scheme;
    std::vector<Discovery> parts(kinds().size());
    in_parallel(parts.size(), host_.clock, [&](size_t i) {
      const Kind& kind = *kinds()[i];
      if (&kind == &jobs && ahead) {
        parts[i] = std::move(*ahead_);
      } else {
        parts[i] = list_what_may_be_seen(kind);
      }
    });
    ahead_.reset();
    Discovery out;
    for (auto& part : parts) {
      std::move(part.objects.begin(), part.objects.end(), std::back_inserter(out.objects));
      std::move(part.skipped.begin(), part.skipped.end(), std::back_inserter(out.skipped));
    }
    declare_owners(owners_, out.objects);
    contents_.resolve(api_, out.objects, scheme);
    return out;
  }

  Destination destination(const LiveObject& object, const FoundReference& found, const Release& release,
                          ReleaseSource& source) override {
    if (object.info.id.starts_with(clusters.prefix()) && !section_.flag("clusters")) {
      Destination out;
      out.skip = Reason::opaque;
      out.detail = "libraries of interactive clusters stay as they are";
      out.hint = "set clusters = true in [targets." + name() + "]";
      return out;
    }
    const auto side = sides_.find(object.info.id + " " + found.path);
    if (side == sides_.end()) return destination_of(places_, found, "", release, source);
    Destination to = destination_of(places_, found, side->second.repo, release, source);
    const auto& warnings = side->second.warnings;
    if (to.skip) return to;
    to.warnings.insert(to.warnings.end(), warnings.begin(), warnings.end());
    auto busy = busy_.find(object.info.id);
    if (busy == busy_.end() && !side->second.users.none()) {
      const std::string left = running_.pending(api_, object.info.id, side->second.users, std::nullopt);
      busy = busy_.emplace(object.info.id, !left.empty()).first;
    }
    if (busy != busy_.end() && busy->second) to.warnings.emplace_back("restart");
    return to;
  }

  // As the document stands with the old texts in it.
  std::string rest(const LiveObject& object, const std::vector<Change>& changes,
                   std::string_view salt) override {
    const auto print = prints_.find(object.info.id);
    if (print == prints_.end()) return "";
    seen_as_old_[object.info.id] = signature(changes);
    return salted(print->second, salt);
  }

  bool place(const Carrier& carrier, const Release& release, ReleaseSource& source,
             const std::string&) override {
    return place_file(api_, places_.library_path, carrier, release, source, host_.env.cache_folder() / "tmp");
  }
  void check_place(const Carrier&) override {
    if (!library_) {
      try {
        check_library_path(api_, places_, section_);
        library_.emplace(std::nullopt);
      } catch (const Error& e) {
        library_.emplace(e);
      }
    }
    if (*library_) throw **library_;
  }
  bool carrier_ok(const Carrier& carrier, const Release& release, ReleaseSource&) override {
    return file_ok(api_, carrier, release);
  }
  // Into library-path, or back to where files for jobs may have lain.
  [[nodiscard]] bool may_point_to(const std::string& path, bool old) const override {
    if (url_behind_blank(path)) return false;
    const Stored file = stored(path), library = stored(places_.library_path + "/");
    if (file.store == nullptr) return old && serves_libraries(path);
    const bool ours = !places_.library_path.empty() && file.store == library.store;
    return old || (ours && file.path.starts_with(library.path));
  }
  bool old_place_ok(const Change& change) override {
    const Stored file = change.form == Form::pin || change.form == Form::maven ? Stored{} : stored(change.to);
    if (file.store == nullptr) return !change.to.empty();
    const auto known = old_places_.find(file.path);
    if (known != old_places_.end()) return known->second;
    try {
      return old_places_[file.path] = file.store->size(api_, file.path).has_value();
    } catch (const Error& e) {
      if (e.code() != ErrorCode::http_refused) throw;
      return old_places_[file.path] = false;  // no path that anything could be at
    }
  }

  Observation observe(const Operation& operation, std::string_view salt) override {
    const Kind* kind = kind_of(operation.object.id);
    if (kind == nullptr) return {ObjectState::conflict, "it is no object of a workspace", "", true, {}};
    const auto document = kind->read(api_, operation.object.id);
    if (!document) return {ObjectState::gone, "", "", true, {}};
    return observe_in(*kind, *document, operation, salt);
  }

  std::vector<Observation> observe_all(std::span<const Operation* const> operations,
                                       std::string_view salt) override;

  Remark check_places() override { return check_library_path(api_, places_, section_); }

  ApplyResult apply(const Operation& operation, const std::string& tag) override;
  void recover(const Operation&, const std::string&) override {}

  std::string pending(const Operation& operation, std::int64_t since) override {
    if (kind_of(operation.object.id) == &clusters) {
      const auto document = clusters.read(api_, operation.object.id);
      return document ? clusters.pending(document->whole) : "";
    }
    Users users;
    for (const auto& change : operation.changes) {
      const auto side = sides_.find(operation.object.id + " " + change.path);
      if (side != sides_.end()) users.add(side->second.users);
    }
    return running_.pending(api_, operation.object.id, users, since + api_.seconds_ahead());
  }

  std::vector<std::string> needs(const Operation& operation) override;
  std::optional<std::string> start_run(const Operation& operation, const std::string& tag) override {
    ahead_.reset();  // what takes its time makes a list old
    if (kind_of(operation.object.id) != &jobs) return std::nullopt;
    return run_now(api_, without_prefix(jobs, operation.object.id), tag);
  }
  RunEvidence run(const Operation&, const std::string& id) override { return run_at(api_, id); }
  [[nodiscard]] std::int64_t seconds_ahead() const override { return api_.seconds_ahead(); }
  std::optional<std::vector<RunEvidence>> runs(const Operation& operation, std::int64_t since) override {
    ahead_.reset();
    if (kind_of(operation.object.id) != &jobs) return std::nullopt;
    return runs_since(api_, without_prefix(jobs, operation.object.id), since, ended_runs_);
  }

 private:
  // What a plan has to know of one reference beside the reference.
  struct Side {
    std::string repo;
    std::vector<std::string> warnings;
    Users users;
  };
  using Look = std::function<void(const Document&)>;

  Discovery list_what_may_be_seen(const Kind& kind);
  void list(const Kind& kind, Discovery& out, const Look& look);
  void take(const Kind& kind, const Document& document, Discovery& out);
  Observation observe_in(const Kind& kind, const Document& document, const Operation& operation,
                         std::string_view salt);
  void observe_each(std::span<const Operation* const> operations, const std::vector<size_t>& which,
                    std::string_view salt, std::vector<Observation>& out);
  void observe_by_list(std::span<const Operation* const> operations, const std::vector<size_t>& which,
                       std::string_view salt, std::vector<Observation>& out);
  Standing standing_of(const Kind& kind, const Json& settings, const std::vector<Change>& changes);
  ApplyResult try_once(const Kind& kind, const Operation& operation);
  std::string still_old(const Kind& kind, const Document& document, const std::vector<std::string>& paths);
  [[nodiscard]] bool list_is_cheaper(size_t readings) const {
    return listed_jobs_ == 0 ? readings > worth_a_list : readings > (listed_jobs_ + page - 1) / page;
  }

  TargetSection section_;
  Host& host_;
  Api api_;
  Places places_;
  std::vector<ObjectSection> owners_;
  Scheme scheme_ = Scheme::pep440;
  size_t listed_jobs_ = 0;
  std::map<std::string, std::string> prints_;  // by object: of the document as it was listed last
  std::map<std::string, Side> sides_;          // by "object path"
  std::map<std::string, bool> old_places_;     // what old_place_ok() found
  EndedRuns ended_runs_;
  std::optional<std::optional<Error>> library_;  // asked once: what is wrong with library-path
  Contents contents_;
  Running running_;
  std::map<std::string, bool> busy_;  // objects that something uses while they are planned

  std::mutex mutex_;  // of what apply() touches
  // The jobs as a read-back listed them after the last write: the next discovery need not list them again.
  std::optional<Discovery> ahead_;
  // Objects that were seen with the old texts and not written since, by what was looked for. apply() reads
  // again before it writes, so that one reading before the intent is enough.
  std::map<std::string, std::string> seen_as_old_;
  std::map<std::string, std::string> before_;  // by object: the print right before our write
};

Discovery Workspace::list_what_may_be_seen(const Kind& kind) {
  Discovery out;
  try {
    list(kind, out, {});
  } catch (const Error& e) {
    // Policies are for admins, and not every workspace has pipelines; what may not be seen is said. Without
    // jobs there is nothing to say.
    const bool absent = e.code() == ErrorCode::not_found || e.code() == ErrorCode::http_refused;
    if (&kind == &jobs || !(absent || e.code() == ErrorCode::forbidden)) throw;
    out.objects.clear();
    const std::string all(kind.prefix());
    const ObjectInfo object{all, all, kind.info({all, {}}).kind, "", "", ObjectClass::both};
    out.skipped.push_back({name(), object, "", Reason::no_permission, with_answer(e), e.hint_text(), ""});
  }
  return out;
}

void Workspace::list(const Kind& kind, Discovery& out, const Look& look) {
  size_t count = 0;
  kind.list(api_, [&](const Document& document) {
    ++count;
    take(kind, document, out);
    if (look) look(document);
  });
  if (&kind == &jobs) listed_jobs_ = count;
}

void Workspace::take(const Kind& kind, const Document& document, Discovery& out) {
  if (!document.problem.empty()) {
    out.skipped.push_back({name(), kind.info(document), "", Reason::no_permission, document.problem,
                           "ask a workspace admin for CAN_VIEW on it", ""});
    return;
  }
  const Json settings = kind.settings(document.whole);
  LiveObject object;
  object.references = find_in(settings, kind.sites(), scheme_);
  auto beside = looked_at(settings, scheme_);
  std::move(beside.begin(), beside.end(), std::back_inserter(object.references));
  if (object.references.empty()) return;
  object.info = kind.info(document);
  object.token = kind.token(document.whole);
  object.locator = {{"id", document.id}};
  const Owner owner = kind.owner(document.whole);
  object.foreign_owner = owner.text;
  object.owned_for_good = owner.for_good;
  std::string print = print_of(settings);
  const std::lock_guard lock(mutex_);  // kinds are listed side by side
  for (const auto& found : object.references) {
    Side side{repo_beside(settings, found.path), kind.warnings(settings, found.path),
              users_of(kind, document.whole, {found.path})};
    const std::string key = document.id + " " + found.path;
    if (side.repo.empty() && side.warnings.empty() && side.users.none()) {
      sides_.erase(key);
    } else {
      sides_.insert_or_assign(key, std::move(side));
    }
  }
  prints_[document.id] = std::move(print);
  out.objects.push_back(std::move(object));
}

// The scheme of the package is known since discovery; a resumed run has made none.
Standing Workspace::standing_of(const Kind& kind, const Json& settings, const std::vector<Change>& changes) {
  Standing found = standing(settings, kind.sites(), changes, scheme_);
  if (found.state != ObjectState::conflict) return found;
  const Scheme other = scheme_ == Scheme::pep440 ? Scheme::semver : Scheme::pep440;
  Standing second = standing(settings, kind.sites(), changes, other);
  return second.state == ObjectState::conflict ? found : second;
}

Observation Workspace::observe_in(const Kind& kind, const Document& document, const Operation& operation,
                                  std::string_view salt) {
  const Json settings = kind.settings(document.whole);
  const Standing now = standing_of(kind, settings, operation.changes);
  Observation out;
  out.state = now.state;
  out.detail = now.detail;
  out.token = kind.token(document.whole);
  out.locator = operation.locator;
  if (now.state == ObjectState::conflict) return out;
  const bool post = now.state == ObjectState::post;
  const std::string print = print_of(post ? changed(settings, swapped(operation.changes), now) : settings);
  out.rest_equal =
      operation.rest.empty() || differing_parts(salted(print, salt), operation.rest, false).empty();
  const std::lock_guard lock(mutex_);
  const std::string& id = operation.object.id;
  if (!post) {
    seen_as_old_[id] = signature(operation.changes);
  } else if (const auto before = before_.find(id); before != before_.end()) {
    const auto parts = differing_parts(before->second, print, !document.listed);
    if (!parts.empty())
      out.detail = fmt::format("somebody else changed it meanwhile: {}", fmt::join(parts, ", "));
  }
  return out;
}

std::vector<Observation> Workspace::observe_all(std::span<const Operation* const> operations,
                                                std::string_view salt) {
  std::vector<Observation> out(operations.size());
  std::vector<size_t> in_list, others;
  for (size_t i = 0; i < operations.size(); ++i) {
    const Operation& op = *operations[i];
    const std::lock_guard lock(mutex_);
    const auto seen = seen_as_old_.find(op.object.id);
    if (seen != seen_as_old_.end() && seen->second == signature(op.changes)) {
      out[i] = {ObjectState::pre, "", op.token, true, op.locator};
      seen_as_old_.erase(seen);
    } else {
      (kind_of(op.object.id) == &jobs ? in_list : others).push_back(i);
    }
  }
  if (list_is_cheaper(in_list.size())) {
    observe_by_list(operations, in_list, salt, out);
  } else {
    others.insert(others.end(), in_list.begin(), in_list.end());
  }
  observe_each(operations, others, salt, out);
  return out;
}

void Workspace::observe_each(std::span<const Operation* const> operations, const std::vector<size_t>& which,
                             std::string_view salt, std::vector<Observation>& out) {
  in_parallel(which.size(), host_.clock, [&](size_t n) {
    const size_t i = which[n];
    try {
      out[i] = observe(*operations[i], salt);
    } catch (const Error& e) {
      out[i] = {ObjectState::unreadable, with_answer(e), "", true, {}};
    }
  });
}

void Workspace::observe_by_list(std::span<const Operation* const> operations,
                                const std::vector<size_t>& which, std::string_view salt,
                                std::vector<Observation>& out) {
  std::map<std::string, std::vector<size_t>> wanted;
  for (const size_t i : which) wanted[operations[i]->object.id].push_back(i);
  Discovery found;
  try {
    list(jobs, found, [&](const Document& document) {
      const auto about = wanted.find(document.id);
      if (about == wanted.end()) return;
      for (const size_t i : about->second) {
        out[i] = document.problem.empty()
                     ? observe_in(jobs, document, *operations[i], salt)
                     : Observation{ObjectState::unreadable, document.problem, "", true, {}};
      }
      wanted.erase(about);
    });
  } catch (const Error& e) {
    for (const auto& [id, about] : wanted) {
      for (const size_t i : about) out[i] = {ObjectState::unreadable, with_answer(e), "", true, {}};
    }
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    ahead_ = std::move(found);
  }
  // A list that jobs come into and go from may miss one: only its own reading says that it is gone.
  std::vector<size_t> missed;
  for (const auto& [id, about] : wanted) missed.insert(missed.end(), about.begin(), about.end());
  observe_each(operations, missed, salt, out);
}

ApplyResult Workspace::apply(const Operation& operation, const std::string&) {
  using Kind_ = ApplyResult::Kind;
  const Kind* kind = kind_of(operation.object.id);
  if (kind == nullptr) return {Kind_::conflict, "it is no object of a workspace", "", {}};
  {
    const std::lock_guard lock(mutex_);
    ahead_.reset();
    seen_as_old_.erase(operation.object.id);
  }
  Attempts attempts(api_);
  for (;;) {
    try {
      api_.take_turn();
      return try_once(*kind, operation);
    } catch (const NotSent& e) {
      if (auto end = attempts.not_sent(e)) return std::move(*end);
    } catch (const Error& e) {
      if (auto end = attempts.failed(e)) return std::move(*end);
    }
  }
}

ApplyResult Workspace::try_once(const Kind& kind, const Operation& operation) {
  using Kind_ = ApplyResult::Kind;
  const auto document = kind.read(api_, operation.object.id);
  if (!document) return {Kind_::conflict, "the object is gone", "", {}};
  const Json settings = kind.settings(document->whole);
  const Standing now = standing_of(kind, settings, operation.changes);
  if (now.state == ObjectState::post) return {Kind_::already, "", "", operation.locator};
  if (now.state != ObjectState::pre) return {Kind_::conflict, now.detail, "", {}};
  std::string print = print_of(settings);
  std::string note;
  {
    const std::lock_guard lock(mutex_);
    const auto planned = prints_.find(operation.object.id);
    const bool moved = planned != prints_.end() && !differing_parts(planned->second, print, false).empty();
    if (moved) note = "other edits of the object since the plan were kept";
    before_[operation.object.id] = std::move(print);
  }
  try {
    const bool restart = section_.flag("restart-clusters");
    Json next = changed(settings, operation.changes, now);
    if (standing_of(kind, next, operation.changes).state != ObjectState::post)
      return {Kind_::conflict, "the new text would not stand there as one reference", "", {}};
    std::string left = kind.write(api_, {*document, std::move(next), paths_at(now), restart});
    if (left.empty()) left = still_old(kind, *document, paths_at(now));
    return {Kind_::written, note, std::move(left), operation.locator};
  } catch (const Error& e) {
    if (e.code() != ErrorCode::verification) throw;
    return {Kind_::failed, with_answer(e), "", operation.locator};
  }
}

// Who was at work on it when it was written.
std::string Workspace::still_old(const Kind& kind, const Document& document,
                                 const std::vector<std::string>& paths) {
  try {
    return running_.pending(api_, document.id, users_of(kind, document.whole, paths), std::nullopt);
  } catch (const Error&) {
    return "";  // the write itself is done
  }
}

// Jobs that this one runs.
std::vector<std::string> Workspace::needs(const Operation& operation) {
  std::vector<std::string> out;
  if (kind_of(operation.object.id) != &jobs) return out;
  const auto document = jobs.read(api_, operation.object.id);
  if (!document) return out;
  const Json& tasks = member_of(member_of(document->whole, "settings"), "tasks");
  if (!tasks.is_array()) return out;
  for (const auto& task : tasks) {
    const Json& inner = member_of(member_of(task, "for_each_task"), "task");
    for (const Json* one : {&task, &inner}) {
      const std::string id = text_at(member_of(*one, "run_job_task"), "job_id");
      if (!id.empty()) out.push_back("jobs/" + id);
    }
  }
  return out;
}

}  // namespace

std::unique_ptr<Target> make_workspace(const TargetSection& section, const Project& project, Host& host) {
  return std::make_unique<Workspace>(section, project, host);
}

}  // namespace mlship::databricks
