#include "tests/support/fake_target.h"

#include <algorithm>

namespace mlship::test {
namespace {

size_t slot(const std::string& path) {
  return std::stoul(path.substr(4));
}  // "ref[0]"

}  // namespace

Reference fake_reference(const std::string& text, Scheme scheme) {
  Reference r;
  const auto end = text.find_first_of("=>< @");
  r.name = r.package = text.substr(0, end);
  r.span = {0, text.size()};
  r.form = text.find("git+") != std::string::npos ? Form::vcs : Form::range;
  if (const auto pin = text.find("=="); pin != std::string::npos) {
    r.form = Form::pin;
    r.version_text = text.substr(pin + 2, text.find(' ', pin) - pin - 2);
    r.version = Version::parse(r.version_text, scheme);
    r.hash_pinned = text.find("--hash") != std::string::npos;
  }
  return r;
}

FakeTarget::FakeTarget(std::string name, Steps* steps) : steps_(steps) {
  settings.name = std::move(name);
  settings.kind = "fake";
}

FakeObject& FakeTarget::add(const std::string& id, std::vector<std::string> texts, ObjectClass cls) {
  FakeObject object;
  object.info = {id, id, "fake-job", "@daily", "", cls};
  object.texts = std::move(texts);
  object.rest = "rest of " + id;
  return objects[id] = object;
}

Discovery FakeTarget::discover(Scheme scheme) {
  Discovery found;
  for (const auto& [id, object] : objects) {
    LiveObject live;
    live.info = object.info;
    live.token = std::to_string(object.generation);
    live.locator = {{"id", id}};
    live.foreign_owner = object.foreign_owner;
    live.owned_for_good = object.owned_for_good;
    for (size_t i = 0; i < object.texts.size(); ++i) {
      live.references.push_back(
          {"ref[" + std::to_string(i) + "]", object.texts[i], fake_reference(object.texts[i], scheme)});
    }
    found.objects.push_back(std::move(live));
  }
  return found;
}

Destination FakeTarget::destination(const LiveObject& object, const FoundReference& found,
                                    const Release& release, ReleaseSource&) {
  Destination to;
  if (const auto skip = destination_skips.find(object.info.id); skip != destination_skips.end()) {
    to.skip = skip->second;
    to.detail = "scripted";
    return to;
  }
  const auto label = labels.find(object.info.id);
  to.text =
      found.reference.name + "==" + release.version.str() + (label == labels.end() ? "" : label->second);
  if (needs_carrier) to.carriers.push_back({"tree:" + to.text, "/opt/" + to.text, release.digest});
  return to;
}

std::string FakeTarget::rest(const LiveObject& object, const std::vector<Change>&, std::string_view salt) {
  return sha256(std::string(salt) + objects.at(object.info.id).rest).hex();
}

bool FakeTarget::place(const Carrier& carrier, const Release&, ReleaseSource&, const std::string&) {
  step();
  if (carrier_fails) throw Error(ErrorCode::disk_full, "cannot make " + carrier.place + ": no space left");
  const bool made = carriers.insert(carrier.id).second;
  step();
  return made;
}

bool FakeTarget::carrier_ok(const Carrier& carrier, const Release&, ReleaseSource&) {
  return carriers.contains(carrier.id);
}

Observation FakeTarget::observe(const Operation& operation, std::string_view salt) {
  Observation seen;
  const auto it = objects.find(operation.object.id);
  if (it == objects.end()) {
    seen.state = ObjectState::gone;
    return seen;
  }
  FakeObject& object = it->second;
  if (object.unreadable > 0) {
    --object.unreadable;
    ++unread;
    throw Error(ErrorCode::server_error, "cannot read the job: HTTP 502");
  }
  bool pre = true;
  bool post = true;
  for (const auto& change : operation.changes) {
    const std::string& text = object.texts.at(slot(change.path));
    pre = pre && text == change.from;
    post = post && text == change.to;
    if (text != change.from && text != change.to) seen.detail = "'" + text + "' stands there now";
  }
  seen.state = pre ? ObjectState::pre : post ? ObjectState::post : ObjectState::conflict;
  seen.token = std::to_string(object.generation);
  seen.rest_equal = operation.rest == sha256(std::string(salt) + object.rest).hex();
  seen.locator = operation.locator;
  return seen;
}

Fault FakeTarget::fault(const std::string& id) {
  auto& queue = next[id];
  if (!queue.empty()) {
    const Fault first = queue.front();
    queue.erase(queue.begin());
    return first;
  }
  const auto it = always.find(id);
  return it == always.end() ? Fault::none : it->second;
}

void FakeTarget::write(FakeObject& object, const Operation& operation) {
  for (const auto& change : operation.changes) object.texts.at(slot(change.path)) = change.to;
  ++object.generation;
  ++writes;
  if (on_write) on_write(object.info.id);
}

ApplyResult FakeTarget::apply(const Operation& operation, const std::string&) {
  step();
  Fault what = Fault::none;
  {
    const std::lock_guard lock(mutex_);
    most_seen_in_flight = std::max(most_seen_in_flight, ++flying_);
    what = throttles && throttles() ? Fault::throttled : fault(operation.object.id);
  }
  if (what == Fault::slow || what == Fault::slow_429) step();
  ApplyResult result;
  {
    const std::lock_guard lock(mutex_);
    --flying_;
    result = write_with(what, operation);
  }
  step();
  return result;
}

ApplyResult FakeTarget::write_with(Fault what, const Operation& operation) {
  using Kind = ApplyResult::Kind;
  const auto found = objects.find(operation.object.id);
  if (found == objects.end()) return {Kind::conflict, "no such object", "", {}};
  FakeObject& object = found->second;
  if (what == Fault::throws) throw Error(ErrorCode::server_error, "cannot update the job: HTTP 503");
  if (what == Fault::refused) return {Kind::refused, "the system says no", "", {}};
  if (what == Fault::failed) return {Kind::failed, "the system failed", "", {}};
  if (what == Fault::drop_before) return {Kind::unknown, "no reply", "", {}};
  if (what == Fault::lies) return {Kind::written, "", "", {}};
  if (what == Fault::stale) return {Kind::conflict, "HTTP 412", "", {}};
  if (what == Fault::throttled) return {Kind::throttled, "HTTP 429", "", {}, retry_after};
  if (what == Fault::slow_429) return {Kind::throttled, "HTTP 429", "", {}, std::chrono::seconds(20)};
  if (what == Fault::foreign_edit) {
    object.texts.front() = "churn==9.9.9";
    ++object.generation;
  }
  if (tokens ? operation.token != std::to_string(object.generation)
             : observe(operation, "").state != ObjectState::pre) {
    return {Kind::conflict, "it has changed", "", {}};
  }
  write(object, operation);
  if (what == Fault::other_text) object.texts.front() = "churn==6.6.6";
  if (after_apply) after_apply();
  if (what == Fault::dark) object.unreadable = dark_reads;
  if (what == Fault::drop_after) return {Kind::unknown, "no reply", "", {}};
  return {Kind::written, "", "", operation.locator};
}

void FakeTarget::step() {
  if (steps_ != nullptr) steps_->step();
}

Activity FakeTarget::activity(const Operation& operation) {
  return activities ? activities(operation.object.id) : Activity{};
}

std::vector<std::string> FakeTarget::needs(const Operation& operation) {
  return needed[operation.object.id];
}

std::optional<std::string> FakeTarget::start_run(const Operation& operation, const std::string&) {
  return starts && starts(operation.object.id) ? std::optional(run_id) : std::nullopt;
}

RunEvidence FakeTarget::run(const Operation&, const std::string& id) {
  RunEvidence run = named_run();
  run.id = id;
  return run;
}

std::optional<std::vector<RunEvidence>> FakeTarget::runs(const Operation& operation, std::int64_t) {
  step();
  return evidence ? evidence(operation.object.id) : std::nullopt;
}

void FakeTarget::recover(const Operation&, const std::string& tag) {
  recovered.insert(tag);
}

Release& FakeSource::add(const std::string& package, const std::string& version) {
  Release release{package, *Version::parse(version), sha256(package + version), {}, true};
  release.outputs.push_back(
      {"wheel", package + "-" + version + "-py3-none-any.whl", sha256("wheel" + version), 1});
  return releases[package + " " + version] = release;
}

std::optional<Release> FakeSource::find(const std::string& package, const Version& version) {
  const auto it = releases.find(package + " " + version.str());
  if (it == releases.end()) return std::nullopt;
  return it->second;
}

}  // namespace mlship::test
