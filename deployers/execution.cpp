// How a rollout goes about it, as its ledger keeps it.
#include <algorithm>
#include <array>

#include "deployers/rollout.h"
#include "deployers/strict_json.h"

namespace mlship {
namespace {

template <typename Value>
struct Word {
  Value value;
  std::string_view word;
};
constexpr auto on_failure_words = std::to_array<Word<OnFailure>>(
    {{OnFailure::revert, "revert"}, {OnFailure::freeze, "freeze"}, {OnFailure::go_on, "continue"}});
constexpr auto proof_words =
    std::to_array<Word<Proof>>({{Proof::config, "config"}, {Proof::run, "run"}, {Proof::soak, "soak"}});
constexpr std::int64_t no_limit = -1;

template <typename Table, typename Value>
std::string_view word_of(const Table& table, Value value) {
  return std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.value == value; })->word;
}

template <typename Table>
auto value_of(const Table& table, std::string_view word) {
  std::optional<decltype(table.front().value)> value;
  for (const auto& row : table) {
    if (row.word == word) value = row.value;
  }
  return value;
}

template <typename Table>
auto require(const Table& table, StrictObject& object, const char* key) {
  const auto value = value_of(table, object.text(key));
  if (!value) object.fail("'" + std::string(key) + "' is none of its words");
  return *value;
}

Json optional_text(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json(nullptr);
}

std::optional<std::string> read_optional(StrictObject& object, const char* key) {
  const Json& json = object.at(key);
  return json.is_null() ? std::nullopt : std::optional(object.text(key));
}

size_t count(StrictObject& object, const char* key) {
  const auto number = object.integer(key);
  if (number < 0) object.fail("'" + std::string(key) + "' is negative");
  return static_cast<size_t>(number);
}

}  // namespace

std::optional<OnFailure> parse_on_failure(std::string_view word) {
  return value_of(on_failure_words, word);
}

std::optional<Proof> parse_proof(std::string_view word) {
  return value_of(proof_words, word);
}

Json to_json(const Execution& e) {
  const bool limited = e.max_failures != std::numeric_limits<size_t>::max();
  return {{"canary", e.waves.canary},
          {"wave", e.waves.wave},
          {"with_dependencies", e.waves.with_dependencies},
          {"max_failures", limited ? static_cast<std::int64_t>(e.max_failures) : no_limit},
          {"on_failure", word_of(on_failure_words, e.on_failure)},
          {"proof", word_of(proof_words, e.proof.proof)},
          {"soak_runs", e.proof.soak_runs},
          {"patience", e.proof.patience.count()}};
}

Execution parse_execution(const Json& json) {
  StrictObject o(json, ErrorCode::ledger, "how the rollout goes about it");
  Execution e;
  e.waves = {count(o, "canary"), count(o, "wave"), o.flag("with_dependencies")};
  const auto limit = o.integer("max_failures");
  if (limit != no_limit) e.max_failures = count(o, "max_failures");
  e.on_failure = require(on_failure_words, o, "on_failure");
  e.proof = {require(proof_words, o, "proof"), count(o, "soak_runs"),
             std::chrono::seconds(count(o, "patience"))};
  return e;
}

Json selection_json(const PlanRequest& request) {
  return {{"jobs", optional_text(request.selection.jobs)},
          {"services", optional_text(request.selection.services)},
          {"targets", request.selection.targets},
          {"compat", request.compat ? Json(to_string(*request.compat)) : Json(nullptr)},
          {"prereleases", request.prereleases},
          {"include_owned", request.include_owned}};
}

PlanRequest parse_selection(const Json& json) {
  StrictObject o(json, ErrorCode::ledger, "the selection of the rollout");
  PlanRequest request;
  request.selection = {read_optional(o, "jobs"), read_optional(o, "services"), o.texts("targets")};
  if (const auto word = read_optional(o, "compat")) request.compat = parse_compat(*word);
  request.prereleases = o.has("prereleases") && o.flag("prereleases");
  request.include_owned = o.has("include_owned") && o.flag("include_owned");
  return request;
}

}  // namespace mlship
