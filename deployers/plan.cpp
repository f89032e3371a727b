#include "deployers/plan.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <deque>
#include <functional>
#include <map>
#include <set>

#include <fmt/format.h>
#include <sys/random.h>

#include "core/names.h"
#include "deployers/accepted.h"
#include "deployers/gate.h"
#include "deployers/restore.h"
#include "deployers/selectors.h"

namespace mlship {
namespace {

// File forms that are another kind of output than a wheel; product.md: "an egg where a wheel is shipped".
struct OutputRow {
  Form form;
  std::string_view kind;
};
constexpr auto other_outputs = std::to_array<OutputRow>(
    {{Form::egg, "egg"}, {Form::jar, "jar"}, {Form::zip, "pyfiles"}, {Form::sdist, "sdist"}});

// Reasons under which a reference known to be older stays where it is.
constexpr auto left_behind =
    std::to_array<Reason>({Reason::other_build, Reason::other_kind, Reason::other_major, Reason::pre_release,
                           Reason::foreign_owner});

// No affair of the one reference that met it. An index or a file that cannot be reached is: what needs it is
// listed, everything else moves.
constexpr auto fatal = std::to_array<ErrorCode>({ErrorCode::internal, ErrorCode::interrupted});

Compat compat_of(const TargetSection& section) {
  const std::string word = section.text("compat", "major");
  if (const auto compat = parse_compat(word)) return *compat;
  const std::vector<std::string> words{"major", "minor", "any"};
  throw Error(ErrorCode::project_file, "cannot use target '" + section.name + "' of " + section.at.str() +
                                           ": unknown compat '" + word + "'" + did_you_mean(word, words))
      .hint("set compat to major, minor or any");
}

std::string random_salt() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw Error(ErrorCode::io, "cannot read random bytes from the system");
  }
  std::string hex;
  for (const auto b : bytes) hex += fmt::format("{:02x}", b);
  return hex;
}

// Whether a text that is no reference, the name of a script or a requirements file, has the package's name in
// it.
bool mentions(std::string_view text, const std::string& package) {
  const std::string normal = normalize_name(text);
  for (size_t at = normal.find(package); at != std::string::npos; at = normal.find(package, at + 1)) {
    const size_t end = at + package.size();
    const auto part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
    if ((at == 0 || !part(normal[at - 1])) && (end == normal.size() || !part(normal[end]))) return true;
  }
  return false;
}

// Makes the operations of one target, reference by reference.
class TargetPlanner {
 public:
  TargetPlanner(const PlanRequest& request, Target& target, ReleaseSource& source, Plan& plan,
                std::map<std::string, Carrier>& carriers)
      : request_(request),
        target_(target),
        source_(source),
        plan_(plan),
        carriers_(carriers),
        history_(request.direction == Direction::down ? request.ledger : nullptr, request.environment,
                 request.release.package),
        include_(target.section().list("include")),
        exclude_(target.section().list("exclude")),
        accepted_(target.section()) {
    const TargetSection& section = target.section();
    policy_ = {request.compat.value_or(compat_of(section)),
               request.prereleases || section.flag("prereleases"), request.strict || section.flag("strict")};
  }

  void look(Chosen& chosen, Unmet& unmet, Diagnostics& diagnostics) {
    found_ = target_.discover(request_.release.version.scheme());
    for (const auto& warning : found_.warnings) diagnostics.warning(warning);
    for (const auto* objects : {&found_.objects, &found_.idle}) {
      for (const auto& object : *objects) {
        unmet.saw(object.info);
        chosen.saw(object.info);
        include_.saw(object.info);
        exclude_.saw(object.info);
      }
    }
  }

  // Once all targets were looked through: which objects a selector means depends on all there are.
  void run(const Chosen& chosen) {
    for (auto& skipped : found_.skipped) list(std::move(skipped));
    for (auto* objects : {&found_.objects, &found_.idle}) {
      for (auto& object : *objects) {
        const bool listed = include_.empty() || include_.mean(object.info);
        if (listed && !exclude_.mean(object.info) && chosen.has(object.info)) one(object);
        object = {};  // what was planned of it is in the plan: a large fleet is not held twice
      }
    }
    found_ = {};
    if (request_.install) install();
  }

 private:
  void one(const LiveObject& object) {
    Operation operation, installation;
    for (const auto& found : object.references) {
      const std::string& package = found.reference.package;
      if (package == request_.release.package) {
        reference(object, found, operation, installation);
      } else if (package.empty() && (found.unread || mentions(found.text, request_.release.package))) {
        skip(object, found, Reason::opaque, found.reference.opaque, "");
      }
    }
    add(object, std::move(operation));
    add(object, std::move(installation));
  }

  void add(const LiveObject& object, Operation operation) {
    if (operation.changes.empty()) return;
    operation.target = target_.name();
    operation.object = object.info;
    operation.token = object.token;
    operation.locator = object.locator;
    operation.rest = target_.rest(object, operation.changes, plan_.salt);
    plan_.operations.push_back(std::move(operation));
  }

  [[nodiscard]] std::string why(Reason reason, const LiveObject& object, const Reference& reference) const {
    if (reason == Reason::opaque) return reference.opaque;
    if (reason == Reason::unresolvable && !reference.version_text.empty())
      return "'" + reference.version_text + "' is no version that can be compared";
    if (reason == Reason::foreign_owner) return object.foreign_owner;
    if (reason == Reason::newer && request_.direction == Direction::down) {
      return "neither the registry nor the ledger knows a " + request_.release.package + " " +
             reference.version->str();
    }
    const bool zero = request_.release.version.release().front().zero();
    return reason == Reason::other_major && zero ? "below 1.0 every minor counts" : "";
  }

  // What a rollout changed all the same, a rollback may change back.
  [[nodiscard]] bool may_change_owned(const LiveObject& object, const FoundReference& found) const {
    if (object.owned_for_good) return false;
    return request_.include_owned || text_known(object, found);
  }

  // A rollback's ledger knows what stood there at the version it goes back to.
  [[nodiscard]] bool text_known(const LiveObject& object, const FoundReference& found) const {
    return history_.text_at(target_, object.info, found.path, found.text, request_.release.version)
        .has_value();
  }

  [[nodiscard]] std::string way_on(Reason reason, const LiveObject& object) const {
    const std::string& package = request_.release.package;
    const std::string version = request_.release.version.str();
    if (request_.direction == Direction::down) {
      return reason == Reason::other_major
                 ? "mlship rollback " + package + " --to " + version + " --compat any"
                 : "";
    }
    const std::string plan = "mlship plan " + package + ":" + version;
    if (reason == Reason::pre_release) return plan;
    if (reason == Reason::other_major) return plan + " --compat any";
    return reason == Reason::foreign_owner && !object.owned_for_good ? plan + " --include-owned" : "";
  }

  // A rollback undoes what was rolled out. What nobody knows as a version of this package somebody put there
  // for a reason of their own.
  bool known(const Version& version) {
    const auto [row, fresh] = known_.emplace(version, false);
    if (fresh) {
      row->second = history_.names(version) || source_.find(request_.release.package, version).has_value();
    }
    return row->second;
  }

  void reference(const LiveObject& object, const FoundReference& found, Operation& operation,
                 Operation& installation) {
    const bool owned = !object.foreign_owner.empty();
    auto reason = hold_back(found.reference, request_.release.version, policy_, request_.direction);
    bool would_move = !reason || *reason == Reason::hash_pinned;
    if (would_move && request_.direction == Direction::down && !known(*found.reference.version)) {
      reason = Reason::newer;
      would_move = false;
    }
    if (owned && would_move && !may_change_owned(object, found)) reason = Reason::foreign_owner;
    if (reason == Reason::same_version && !request_.from_ledger) {
      return guarded(object, found, [&] { stay(object, found, installation); });
    }
    if (reason) {
      return skip(object, found, *reason, why(*reason, object, found.reference), way_on(*reason, object));
    }
    if (!request_.from_ledger && other_kind(found.reference.form)) {
      return skip(object, found, Reason::other_kind, request_.release.package + " is shipped as a wheel", "");
    }
    guarded(object, found, [&] {
      request_.from_ledger ? restore_only(object, found, operation) : move(object, found, owned, operation);
    });
  }

  // What concerns one reference alone is listed with it.
  void guarded(const LiveObject& object, const FoundReference& found, const std::function<void()>& decide) {
    try {
      decide();
    } catch (const Error& e) {
      if (std::find(fatal.begin(), fatal.end(), e.code()) != fatal.end()) throw;
      const bool denied = e.exit_code() == ExitCode::auth || e.code() == ErrorCode::file_permission;
      skip(object, found, denied ? Reason::no_permission : Reason::unresolvable, e.message(), e.hint_text());
    }
  }

  void move(const LiveObject& object, const FoundReference& found, bool owned, Operation& operation) {
    const Destination to = target_.destination(object, found, request_.release, source_);
    if (to.skip == Reason::other_build && text_known(object, found))
      return restore_only(object, found, operation);
    if (to.skip) return skip(object, found, *to.skip, to.detail, to.hint);
    for (const auto& carrier : to.carriers) check_place(carrier);
    Change change{found.path,
                  found.text,
                  to.text,
                  found.reference.form,
                  found.reference.version->str(),
                  request_.release.version.str(),
                  to.warnings};
    if (owned) change.warnings.emplace_back(to_string(Reason::foreign_owner));
    restore_exact(object, change);
    if (change.from == change.to) return skip(object, found, Reason::same_version, "", "");
    if (!comes_back(change)) {
      return skip(object, found, Reason::opaque, "what stands here could not be put back by a rollback", "");
    }
    take_carriers(to.carriers, operation);
    operation.changes.push_back(std::move(change));
  }

  // What the gate of a rollback would refuse is not changed in the first place.
  bool comes_back(const Change& change) {
    if (request_.direction == Direction::down) return true;
    const auto [known, fresh] = back_.emplace(change.from + '\0' + change.to, true);
    if (!fresh) return known->second;
    Plan back;
    back.package = plan_.package;
    back.scheme = plan_.scheme;
    back.direction = Direction::down;
    Change old = change;
    std::swap(old.from, old.to);
    std::swap(old.from_version, old.to_version);
    return known->second = gate(target_, old, back).empty();
  }

  // A reference to the very version, whose tree or file may be absent: that is put there.
  void stay(const LiveObject& object, const FoundReference& found, Operation& installation) {
    const std::string missing = target_.missing(found);
    if (missing.empty()) return skip(object, found, Reason::same_version, "", "");
    const Destination to = target_.destination(object, found, request_.release, source_);
    if (to.skip && *to.skip != Reason::no_output) return skip(object, found, *to.skip, to.detail, to.hint);
    if (to.skip) {
      const bool same = to.detail.empty() || to.detail == missing;
      return skip(object, found, Reason::broken, same ? missing : missing + "; " + to.detail, to.hint);
    }
    if (to.text != found.text || to.carriers.empty()) {
      return skip(object, found, Reason::broken, missing + "; this version is put at " + to.text, "");
    }
    for (const auto& carrier : to.carriers) check_place(carrier);
    take_carriers(to.carriers, installation);
    const std::string version = request_.release.version.str();
    installation.changes.push_back(
        {found.path, found.text, to.text, found.reference.form, version, version, {}});
  }

  void restore_only(const LiveObject& object, const FoundReference& found, Operation& operation) {
    const Version& version = request_.release.version;
    const auto text = history_.text_at(target_, object.info, found.path, found.text, version);
    if (!text) {
      return skip(
          object, found, Reason::no_output,
          "the registry has no " + version.str() + ", and the ledger does not know what stood here at it",
          "mlship lineage '" + object.info.id + "'");
    }
    Change change{found.path,    found.text, *text, found.reference.form, found.reference.version->str(),
                  version.str(), {}};
    if (!target_.old_place_ok(change)) {
      return skip(object, found, Reason::no_output, "what it named before is not there any more: " + *text,
                  "");
    }
    operation.changes.push_back(std::move(change));
  }

  // A rollback puts back the very text the ledger saw there, when what it names is still there.
  void restore_exact(const LiveObject& object, Change& change) {
    const auto text =
        history_.text_at(target_, object.info, change.path, change.from, request_.release.version);
    if (!text || *text == change.to) return;
    Change old = change;
    old.to = *text;
    if (target_.old_place_ok(old)) change = std::move(old);
  }

  // Once for each carrier; throws the same for everything that needs it.
  void check_place(const Carrier& carrier) {
    auto known = places_.find(carrier.id);
    if (known == places_.end()) known = places_.emplace(carrier.id, problem_of(carrier)).first;
    if (known->second) throw *known->second;
  }
  std::optional<Error> problem_of(const Carrier& carrier) {
    try {
      target_.check_place(carrier);
      return std::nullopt;
    } catch (const Error& e) {
      return e;
    }
  }

  void take_carriers(const std::vector<Carrier>& carriers, Operation& operation) {
    for (const auto& carrier : carriers) {
      carriers_.emplace(carrier.id, carrier);
      needed_.insert(carrier.id);
      auto& ids = operation.carriers;
      if (std::find(ids.begin(), ids.end(), carrier.id) == ids.end()) ids.push_back(carrier.id);
    }
  }

  [[nodiscard]] bool other_kind(Form form) const {
    const Release& release = request_.release;
    return std::any_of(other_outputs.begin(), other_outputs.end(), [&](const OutputRow& row) {
      return row.form == form && release.output(row.kind) == nullptr && release.output("wheel") != nullptr;
    });
  }

  void skip(const LiveObject& object, const FoundReference& found, Reason reason, std::string detail,
            std::string hint) {
    const bool leaves = request_.direction == Direction::down && reason != Reason::broken;
    if (leaves && fell_short(reason) && found.reference.version) {
      plan_.stuck.insert(*found.reference.version);
    }
    const bool behind = std::find(left_behind.begin(), left_behind.end(), reason) != left_behind.end() ||
                        (reason == Reason::opaque && found.reference.version);
    Skipped row{target_.name(),    object.info,     found.path, reason,
                std::move(detail), std::move(hint), found.text, policy_.strict && behind};
    const auto& version = found.reference.version;
    row.older = request_.direction == Direction::up && version && *version < request_.release.version &&
                reason != Reason::same_version;
    list(std::move(row));
  }

  void list(Skipped row) {
    row.accepted = accepted_.has(row.reason, row.object);
    plan_.skipped.push_back(std::move(row));
  }

  // What of the release has its place here and is not there, though nothing refers to it.
  void install() {
    for (const Destination& to : target_.own_places(request_.release)) {
      LiveObject place;
      place.info = {to.text, to.text, "place", "", "", ObjectClass::both};
      const FoundReference found{"", to.text, {}};
      guarded(place, found, [&] { install_one(place, found, to); });
    }
  }

  void install_one(const LiveObject& place, const FoundReference& found, const Destination& to) {
    if (to.skip) return skip(place, found, *to.skip, to.detail, to.hint);
    const Carrier& carrier = to.carriers.front();
    if (needed_.contains(carrier.id) || target_.carrier_ok(carrier, request_.release, source_)) return;
    check_place(carrier);
    Operation operation;
    operation.target = target_.name();
    operation.object = place.info;
    const std::string version = request_.release.version.str();
    operation.changes.push_back({"", to.text, to.text, Form::folder, version, version, {}});
    if (carrier.id.starts_with("file:")) operation.changes.front().form = Form::wheel;
    take_carriers(to.carriers, operation);
    plan_.operations.push_back(std::move(operation));
  }

  const PlanRequest& request_;
  Target& target_;
  ReleaseSource& source_;
  Plan& plan_;
  std::map<std::string, Carrier>& carriers_;
  Discovery found_;
  TextHistory history_;
  Selectors include_, exclude_;
  Accepted accepted_;
  Policy policy_;
  std::map<std::string, std::optional<Error>> places_;  // by carrier
  std::set<std::string> needed_;                        // carriers of this target's operations
  std::map<Version, bool> known_;
  std::map<std::string, bool> back_;  // by both texts: whether a rollback may write the old one
};

}  // namespace

size_t Plan::changes() const {
  size_t n = 0;
  for (const auto& operation : operations) n += operation.installs() ? 0 : operation.changes.size();
  return n;
}

size_t Plan::installs() const {
  size_t n = 0;
  for (const auto& operation : operations) n += operation.installs() ? operation.changes.size() : 0;
  return n;
}

Plan make_plan(const PlanRequest& request, Targets& targets, ReleaseSource& source,
               Diagnostics& diagnostics) {
  Plan plan;
  plan.environment = request.environment;
  plan.package = request.release.package;
  plan.scheme = request.release.version.scheme();
  plan.direction = request.direction;
  plan.to = request.release.version;
  plan.digest = request.release.digest;
  plan.salt = request.salt.empty() ? random_salt() : request.salt;
  plan.strict = request.strict;
  plan.flags = {request.compat, request.include_owned, request.install};

  std::vector<Target*> order;
  for (const auto& target : targets) {
    if (selects(request.selection, target->name())) order.push_back(target.get());
  }
  std::stable_sort(order.begin(), order.end(), [](Target* a, Target* b) { return a->name() < b->name(); });

  const auto progress = diagnostics.progress("look through the targets", order.size(), Unit::items);
  std::map<std::string, Carrier> carriers;
  Unmet unmet(request.selection);
  Chosen chosen(request.selection);
  std::deque<TargetPlanner> planners;
  for (std::uint64_t i = 0; i < order.size(); ++i) {
    planners.emplace_back(request, *order[i], source, plan, carriers).look(chosen, unmet, diagnostics);
    progress->advance(i + 1);
  }
  for (auto& planner : planners) planner.run(chosen);
  progress->finish();
  if (request.names_must_be_there) unmet.check(diagnostics);
  for (auto& [id, carrier] : carriers) plan.carriers.push_back(std::move(carrier));
  size_t n = 0;
  for (auto& operation : plan.operations) operation.id = fmt::format("op-{:04}", ++n);
  finish_plan(plan);
  return plan;
}

}  // namespace mlship
