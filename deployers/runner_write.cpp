// The writing half of Runner: reading the objects, intents, writes, what came of them, and putting things
// back.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "deployers/gate.h"
#include "deployers/strict_json.h"
#include "deployers/track.h"

namespace mlship {
namespace {

constexpr int max_sends = 3;  // of a write whose reply is lost
constexpr int max_reads = 4;  // of an object that cannot be read after its write
constexpr std::chrono::milliseconds read_pause{500};
constexpr int max_rounds = 40;  // with those the system asked to come later for

// The system itself said no; anything else that an Error says leaves open whether the write happened.
constexpr auto denials = std::to_array<ErrorCode>(
    {ErrorCode::unauthorized, ErrorCode::forbidden, ErrorCode::file_permission, ErrorCode::read_only});

bool denied(const Error& e) {
  return std::find(denials.begin(), denials.end(), e.code()) != denials.end();
}

Json intent_json(const Operation& operation, const std::string& tag, bool reverting) {
  Json changes = Json::array();
  for (const auto& c : operation.changes) {
    changes.push_back(
        {{"path", bytes_to_json(c.path)}, {"from", bytes_to_json(c.from)}, {"to", bytes_to_json(c.to)}});
  }
  Json entry = {{"type", "intent"},
                {"op", operation.id},
                {"tag", tag},
                {"token", operation.token},
                {"changes", changes}};
  if (reverting) entry["revert"] = true;
  return entry;
}

Operation inverse_of(const Operation& operation) {
  Operation inverse = operation;
  inverse.carriers.clear();
  for (auto& c : inverse.changes) {
    std::swap(c.from, c.to);
    std::swap(c.from_version, c.to_version);
  }
  return inverse;
}

}  // namespace

void Runner::read(const Members& tracks) {
  std::map<Target*, Members> by_target;
  for (auto* track : tracks) {
    if (track->operation.without_object()) {
      track->seen = {ObjectState::post, "", "", true, {}, {}};
    } else {
      by_target[track->target].push_back(track);
    }
  }
  for (auto& [target, members] : by_target) {
    std::vector<const Operation*> operations;
    for (const auto* track : members) operations.push_back(&track->operation);
    auto seen = target->observe_all(operations, plan_.salt);
    for (size_t i = 0; i < members.size(); ++i) {
      Track& track = *members[i];
      track.seen = std::move(seen.at(i));
      // Nothing is to be written there: the old text is the new one.
      if (track.operation.installs() && track.seen.state == ObjectState::pre)
        track.seen.state = ObjectState::post;
      if (track.seen.state == ObjectState::unreadable) continue;
      track.operation.token = track.seen.token;
      if (!track.seen.locator.is_null()) track.operation.locator = track.seen.locator;
    }
  }
}

// Invariant 1; all intents of a batch in one append.
void Runner::intend(const Members& tracks, bool reverting) {
  if (tracks.empty() || stop()) return;
  std::vector<Json> entries;
  const auto now = engine_.host.clock.now();
  for (auto* track : tracks) {
    entries.push_back(intent_json(track->operation, tag(track->operation.id), reverting));
    entries.back()["at"] = now;
  }
  write_ledger([&] { engine_.ledger.append(id_, entries); });
  if (lease_lost_) return;
  for (auto* track : tracks) track->intended = true;
}

void Runner::write_all(const Members& tracks) {
  for (int round = 0; round < max_rounds && !stop(); ++round) {
    Members writing, reading;
    for (auto* track : tracks) {
      if (track->state == OpState::intent && track->intended) writing.push_back(track);
      if (track->state == OpState::unknown && track->reads < max_reads) reading.push_back(track);
    }
    if (writing.empty() && reading.empty()) return;
    if (writing.empty()) engine_.host.clock.sleep(read_pause);
    send(writing);
    for (auto* track : writing) {
      if (track->sent) reading.push_back(track);
    }
    read(reading);
    for (auto* track : reading) judge(*track);
  }
  for (auto* track : tracks) {
    if (stop() || track->state != OpState::intent || !track->intended) continue;
    move(*track, OpEvent::spent);
    track->detail = fmt::format("the system asked {} times to come later", max_rounds);
  }
}

void Runner::send(const Members& tracks) {
  std::map<Target*, Members> by_target;
  for (auto* track : tracks) {
    track->sent = false;
    by_target[track->target].push_back(track);
  }
  for (auto& [target, members] : by_target) {
    Limiter& limiter = limiter_of(*target);
    const auto writes = as_writes(members);
    run_limited(
        writes.size(), limiter, engine_.host.clock, [this] { return !stop(); },
        [&](size_t i) { send_together(writes[i], limiter); });
  }
}

// Of one target; in the order of the first of each.
std::vector<Runner::Members> Runner::as_writes(const Members& tracks) {
  std::vector<Members> writes;
  std::map<std::string, size_t> known;
  for (auto* track : tracks) {
    const std::string with = track->target->written_with(track->operation);
    const auto [at, fresh] = known.try_emplace(with, writes.size());
    if (fresh || with.empty()) {
      writes.push_back({track});
    } else {
      writes[at->second].push_back(track);
    }
  }
  return writes;
}

void Runner::send_together(const Members& tracks, Limiter& limiter) {
  using Kind = ApplyResult::Kind;
  Clock& clock = engine_.host.clock;
  const auto begun = clock.monotonic();
  std::vector<Sending> sendings;
  for (auto* track : tracks) {
    track->sent = true;
    sendings.push_back({&track->operation, tag(track->operation.id)});
  }
  std::vector<ApplyResult> results;
  try {
    results = tracks.front()->target->apply_all(sendings);
  } catch (const Error& e) {
    results.assign(tracks.size(), {denied(e) ? Kind::refused : Kind::unknown, e.message(), "", {}});
  }
  const auto unsure = [](const ApplyResult& r) {
    return r.kind == Kind::throttled || r.kind == Kind::unknown;
  };
  const auto slow = std::find_if(results.begin(), results.end(), unsure);
  if (slow != results.end()) {
    limiter.throttled(begun, clock.monotonic(), slow->retry_after);
  } else {
    limiter.succeeded();
  }
  for (size_t i = 0; i < tracks.size(); ++i) take_result(*tracks[i], std::move(results.at(i)));
}

void Runner::take_result(Track& track, ApplyResult result) {
  track.applied = std::move(result);
  if (track.applied.kind != ApplyResult::Kind::throttled) ++track.sends;
  if (!track.applied.locator.is_null()) track.operation.locator = std::move(track.applied.locator);
  if (!track.target->has_tokens() && stop() && lease_lost_) {
    track.detail = join(track.detail,
                        "written while another runner took over, and this system has no concurrency token: "
                        "look at it");
  }
}

// What came of a write, by what is live now.
void Runner::judge(Track& track) {
  using Kind = ApplyResult::Kind;
  const Kind kind = track.sent ? track.applied.kind : Kind::unknown;
  if (track.sent && kind == Kind::unknown) move(track, OpEvent::reply_lost);
  track.sent = false;
  const bool said_no = kind == Kind::refused;
  const bool raced = kind == Kind::conflict;
  const std::string& said = track.applied.detail;
  switch (track.seen.state) {
    case ObjectState::post:
      track.unchanged = kind == Kind::already && track.sends == 1 && !track.ours;
      track.confirmed = engine_.host.clock.now();
      if (said_no || raced || kind == Kind::failed || kind == Kind::unknown)
        track.detail = join(join(track.detail, said), "read back shows the new text");
      else
        track.detail = join(track.detail, said);
      track.detail = join(track.detail, track.seen.detail);
      return move(track, OpEvent::live_new);
    case ObjectState::pre:
      if (kind == Kind::throttled) return move(track, OpEvent::throttled);
      if (said_no || raced) {
        track.detail = join(track.detail, said);
        return move(track, said_no ? OpEvent::said_no : OpEvent::raced);
      }
      if (kind != Kind::unknown) {
        track.detail = join(said, kind == Kind::failed ? "" : "read back shows the old text");
        return move(track, OpEvent::no_effect);
      }
      if (track.sends < max_sends) return move(track, OpEvent::live_old);
      track.detail = join(fmt::format("sent {} times without effect", max_sends), said);
      return move(track, OpEvent::spent);
    case ObjectState::unreadable:
      if (kind == Kind::throttled) return move(track, OpEvent::throttled);  // nothing was written
      ++track.reads;
      track.detail = join(said, "cannot be read back: " + track.seen.detail);
      return move(track, said_no ? OpEvent::said_no : raced ? OpEvent::raced : OpEvent::unreadable);
    case ObjectState::conflict:
    case ObjectState::gone: break;
  }
  track.detail = join(said, said_no ? "" : conflict_detail(track.seen));
  move(track, said_no ? OpEvent::said_no : OpEvent::live_other);
}

// An old text that must not be written; "" when all may.
std::string Runner::wrong_texts(const Target& target, const Operation& inverse) const {
  Plan back;
  back.package = plan_.package;
  back.scheme = plan_.scheme;
  back.direction = plan_.direction == Direction::up ? Direction::down : Direction::up;
  for (const auto& change : inverse.changes) {
    if (auto wrong = gate(target, change, back); !wrong.empty()) return wrong;
  }
  return "";
}

void Runner::revert(std::span<const Operation* const> operations) {
  std::vector<Operation> inverses;
  for (const auto* operation : operations) inverses.push_back(inverse_of(*operation));
  Tracks tracks;
  for (size_t i = 0; i < inverses.size(); ++i) {
    Track track;
    track.planned = operations[i];
    track.operation = inverses[i];
    track.target = find_target(engine_.targets, inverses[i].target);
    track.ours = true;
    const auto known = by_operation_.find(track.planned->id);
    track.state =
        known != by_operation_.end() && wrote(track.planned->id) ? known->second.state : OpState::unknown;
    if (known != by_operation_.end() && known->second.row) track.why = results_.at(*known->second.row).detail;
    if (track.target == nullptr) {
      pending(*track.planned, not_configured(inverses[i].target));
      elsewhere_ = true;
      continue;
    }
    move(track, OpEvent::revert);
    track.detail = wrong_texts(*track.target, track.operation);
    if (!track.detail.empty()) move(track, OpEvent::live_other);
    tracks.push_back(std::move(track));
  }
  Members open;
  for (auto& track : tracks) {
    if (track.state == OpState::revert_intent) open.push_back(&track);
  }
  intend(open, true);
  put_back(open);
  record(tracks);
}

// Until each has been sent as often as is sensible and read once more; what the system asked to come later
// for was not sent.
void Runner::put_back(Members& open) {
  for (int round = 0; round < max_rounds && !open.empty(); ++round) {
    read(open);
    std::erase_if(open, [&](Track* track) { return look_at_revert(*track); });
    Members sending;
    for (auto* track : open) {
      if (track->seen.state != ObjectState::unreadable && track->sends < max_sends) sending.push_back(track);
    }
    if (open.empty() || stop() || round + 1 == max_rounds) return;
    if (sending.empty()) engine_.host.clock.sleep(read_pause);
    send(sending);
  }
}

// True when there is nothing more to do for it.
bool Runner::look_at_revert(Track& track) {
  // Seen from the inverse operation: its `to` is the old text.
  const ObjectState seen = track.seen.state;
  if (seen == ObjectState::post) {
    move(track, OpEvent::live_old);
    track.detail = track.why;
    return true;
  }
  if (seen == ObjectState::unreadable) {
    move(track, OpEvent::unreadable);
    track.detail = track.seen.detail;
    return ++track.reads >= max_reads;
  }
  if (seen != ObjectState::pre) {
    move(track, OpEvent::live_other);
    track.detail = conflict_detail(track.seen);
    return true;
  }
  move(track, OpEvent::live_new);
  if (track.sent) track.detail = join("the new text still stands there", track.applied.detail);
  return track.sends >= max_sends;
}

Limiter& Runner::limiter_of(const Target& target) {
  auto& limiter = limiters_[target.name()];
  if (!limiter) limiter = std::make_unique<Limiter>(target.most_in_flight());
  return *limiter;
}

}  // namespace mlship
