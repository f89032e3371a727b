#include "deployers/record.h"

#include <algorithm>
#include <array>
#include <map>

#include "deployers/strict_json.h"

namespace mlship {
namespace {

constexpr auto final_states =
    std::to_array<std::string_view>({"committed", "partial", "failed", "reverted", "superseded"});
constexpr std::string_view suffix_letters = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr size_t suffix_length = 4;
constexpr size_t stamp_length = 16;  // "20260314T010203Z"

// Applies one entry after another to a view.
class Reader {
 public:
  explicit Reader(RolloutView& view) : view_(view) {
    for (auto& op : view.plan.operations) add(op);
  }

  void entry(const Json& json) {
    StrictObject o(json, ErrorCode::ledger, "an entry of rollout " + view_.record.id);
    const std::string type = o.text("type");
    if (type == "intent") {
      intent(o);
    } else if (type == "result") {
      result(o);
    } else if (type == "extend") {
      extend(o);
    } else if (type == "state") {
      view_.state = o.text("state");
      if (view_.state != "superseded") view_.seconds = o.integer("seconds");
    } else if (type != "carrier" && type != "carrier-intent" && type != "resume") {
      o.fail("unknown type '" + type + "'");
    }
  }

 private:
  void add(const Operation& op) {
    index_[op.id] = view_.operations.size();
    view_.operations.push_back({op, false, false, false, "", "", "", "", 0});
  }

  OperationRecord& of(StrictObject& o) {
    const auto it = index_.find(o.text("op"));
    if (it == index_.end()) o.fail("operation '" + o.text("op") + "' is not in the plan");
    return view_.operations[it->second];
  }

  void intent(StrictObject& o) {
    OperationRecord& op = of(o);
    op.dangling = true;
    op.reverting = o.has("revert") && o.flag("revert");
    op.tag = o.text("tag");
    op.at = o.integer("at");
  }

  void result(StrictObject& o) {
    OperationRecord& op = of(o);
    op.dangling = false;
    op.outcome = o.text("outcome");
    op.detail = o.bytes("detail");
    op.proof = o.has("proof") ? o.text("proof") : "";
    op.at = o.integer("at");
    op.updated = op.outcome != "reverted" && (op.updated || op.outcome == "updated");
    op.operation.token = o.text("token");
    const Json& locator = o.at("locator");
    if (!locator.is_null()) op.operation.locator = decode_bytes(locator);
  }

  void extend(StrictObject& o) {
    const Plan more = parse_plan(canonical_json(o.at("plan")));
    for (const auto& op : more.operations) {
      if (index_.contains(op.id)) o.fail("operation '" + op.id + "' stands twice");
      add(op);
      view_.plan.operations.push_back(op);
    }
    for (const auto& carrier : more.carriers) {
      auto& all = view_.plan.carriers;
      const auto same = [&](const Carrier& c) { return c.id == carrier.id; };
      if (std::none_of(all.begin(), all.end(), same)) all.push_back(carrier);
    }
  }

  RolloutView& view_;
  std::map<std::string, size_t> index_;
};

std::string random_suffix() {
  // The upper half is left for successors within the same second.
  std::string suffix = fs::unique_name("").substr(0, suffix_length);
  suffix[0] = suffix_letters[suffix_letters.find(suffix[0]) / 2];
  return suffix;
}

// The next suffix in order; "" when there is none.
std::string successor(std::string suffix) {
  for (size_t i = suffix.size(); i-- > 0;) {
    const size_t digit = suffix_letters.find(suffix[i]);
    if (digit == std::string_view::npos) return "";
    if (digit + 1 < suffix_letters.size()) {
      suffix[i] = suffix_letters[digit + 1];
      return suffix;
    }
    suffix[i] = suffix_letters[0];
  }
  return "";
}

std::string stamp(std::int64_t now) {
  std::string text = rfc3339(now);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

}  // namespace

bool RolloutView::ended() const {
  return std::find(final_states.begin(), final_states.end(), state) != final_states.end();
}

bool RolloutView::dangling() const {
  return std::any_of(operations.begin(), operations.end(), [](const auto& op) { return op.dangling; });
}

bool RolloutView::changed_something() const {
  return std::any_of(operations.begin(), operations.end(), [](const auto& op) { return op.touched(); });
}

RolloutView view(RolloutRecord record) {
  const std::string id = record.id;
  try {
    RolloutView view;
    view.plan = parse_plan(record.plan);
    if (view.plan.environment != record.environment || view.plan.package != record.package) {
      throw Error(ErrorCode::ledger, "its plan is for something else");
    }
    const Entries entries = std::move(record.entries);
    view.record = std::move(record);
    view.record.plan.clear();
    view.record.entries.clear();
    Reader reader(view);
    for (const Json entry : entries) reader.entry(entry);
    return view;
  } catch (const Error& e) {
    throw Error(ErrorCode::ledger, "cannot use rollout " + id + ": " + e.message());
  }
}

RolloutView read_view(Ledger& ledger, const std::string& id) {
  return view(ledger.read(id));
}

void each_rollout(Ledger& ledger, const std::string& environment, const std::string& package,
                  const std::function<bool(const RolloutView&)>& visit,
                  const std::function<void(const std::string&, const Error&)>& unreadable,
                  const std::string& after) {
  const auto ids = ledger.rollouts();
  for (auto id = ids.rbegin(); id != ids.rend() && *id != after; ++id) {
    try {
      RolloutRecord record = ledger.read(*id);
      if (!environment.empty() && record.environment != environment) continue;
      if (!package.empty() && record.package != package) continue;
      if (!visit(view(std::move(record)))) return;
    } catch (const Error& e) {
      if (!unreadable || e.code() != ErrorCode::ledger) throw;
      unreadable(*id, e);
    }
  }
}

void each_open_rollout(Ledger& ledger, const std::string& environment, const std::string& package,
                       const std::function<void(const RolloutView&)>& visit,
                       const std::function<void(const std::string&, const Error&)>& unreadable) {
  // Runs on different targets begin beside each other, each without the other in its first entry.
  constexpr size_t beside = 8;
  size_t told = 0;
  std::set<std::string> seen, named;
  const auto skip = [&](const std::string& id, const Error& e) {
    if (unreadable) unreadable(id, e);
  };
  const auto look = [&](const RolloutView& rollout) {
    seen.insert(rollout.record.id);
    if (rollout.open()) visit(rollout);
    if (rollout.record.open) named.insert(rollout.record.open->begin(), rollout.record.open->end());
    return package.empty() || !rollout.record.open || ++told < beside;
  };
  each_rollout(ledger, environment, package, look, skip);
  for (auto id = named.rbegin(); id != named.rend(); ++id) {
    if (seen.contains(*id)) continue;
    try {
      const RolloutView rollout = read_view(ledger, *id);
      if (rollout.open()) visit(rollout);
    } catch (const Error& e) {
      if (e.code() != ErrorCode::ledger && e.code() != ErrorCode::rollout_not_found) throw;
      skip(*id, e);
    }
  }
}

std::vector<std::string> open_rollouts(Ledger& ledger, const std::string& environment,
                                       const std::string& package) {
  std::vector<std::string> ids;
  each_open_rollout(ledger, environment, package,
                    [&](const RolloutView& rollout) { ids.push_back(rollout.record.id); });
  return ids;
}

void remember_put_back(const RolloutView& rollback, PutBack& changes) {
  for (const auto& op : rollback.operations) {
    if (!op.updated) continue;
    for (const auto& c : op.operation.changes) changes.insert({op.operation.id, c.path});
  }
}

bool all_put_back(const OperationRecord& op, const PutBack& changes) {
  const auto& planned = op.operation.changes;
  return std::all_of(planned.begin(), planned.end(),
                     [&](const Change& c) { return changes.contains({op.operation.id, c.path}); });
}

bool stays_last(const RolloutView& last, const std::optional<Version>& to, const std::string& state) {
  return to == last.plan.to && (state == "committed" || last.state != "committed");
}

std::string next_rollout_id(Ledger& ledger, std::int64_t now) {
  auto ids = ledger.rollouts();
  // What else somebody put into the folder has no successor.
  std::erase_if(ids, [](const std::string& name) { return name.find('-') != stamp_length; });
  std::string id = stamp(now) + "-" + random_suffix();
  if (ids.empty() || id > ids.back()) return id;
  // Same second, or a clock that went back: go on from the last one.
  const std::string& last = ids.back();
  const auto dash = last.find('-');
  const std::string next = dash == std::string::npos ? "" : successor(last.substr(dash + 1));
  if (next.empty())
    throw Error(ErrorCode::ledger, "cannot begin a rollout after " + last + ": its id has no successor");
  return last.substr(0, dash + 1) + next;
}

Target* find_target(const Targets& targets, const std::string& name) {
  for (const auto& target : targets) {
    if (target->name() == name) return target.get();
  }
  return nullptr;
}

bool written_together(const Targets& targets, const Operation& a, const Operation& b) {
  const Target* target = a.target == b.target ? find_target(targets, a.target) : nullptr;
  const std::string with = target == nullptr ? "" : target->written_with(a);
  return !with.empty() && with == target->written_with(b);
}

}  // namespace mlship
