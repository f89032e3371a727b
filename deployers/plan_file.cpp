// The plan as JSON and back. A plan file comes from outside and a ledger may have been edited: nothing is
// taken on trust.
#include <algorithm>
#include <array>
#include <functional>
#include <set>

#include <fmt/format.h>

#include "deployers/plan.h"
#include "deployers/strict_json.h"

namespace mlship {
namespace {

const std::string schema = "mlship.plan-file/";
// Form 1 kept of a skipped object its id alone; ledgers hold it for ever.
// Form 2 knew no flags and no accepted leftovers.
constexpr int newest_form = 3;

template <typename Value>
struct Word {
  Value value;
  std::string_view word;
};
constexpr auto classes = std::to_array<Word<ObjectClass>>(
    {{ObjectClass::job, "job"}, {ObjectClass::service, "service"}, {ObjectClass::both, "both"}});
constexpr auto directions =
    std::to_array<Word<Direction>>({{Direction::up, "up"}, {Direction::down, "down"}});
constexpr auto forms =
    std::to_array<Form>({Form::wheel, Form::egg, Form::jar, Form::zip, Form::pin, Form::range, Form::vcs,
                         Form::image, Form::maven, Form::bundle, Form::folder, Form::sdist});

template <typename Table, typename Value>
std::string word_of(const Table& table, Value value) {
  for (const auto& row : table) {
    if (row.value == value) return std::string(row.word);
  }
  throw Error(ErrorCode::internal, "a plan holds a value without a word");
}

template <typename Table>
auto value_of(const Table& table, StrictObject& object, const char* key) {
  const std::string word = object.text(key);
  for (const auto& row : table) {
    if (row.word == word) return row.value;
  }
  object.fail(fmt::format("'{}' is no {}", word, key));
}

Form form_of(StrictObject& object) {
  const std::string word = object.text("form");
  for (const auto form : forms) {
    if (to_string(form) == word) return form;
  }
  object.fail("'" + word + "' is no form");
}

Reason reason_of(StrictObject& object) {
  const std::string word = object.text("reason");
  for (auto i = static_cast<int>(Reason::range); i <= static_cast<int>(Reason::conflict); ++i) {
    if (to_string(static_cast<Reason>(i)) == word) return static_cast<Reason>(i);
  }
  object.fail("'" + word + "' is no reason");
}

Json change_to_json(const Change& c) {
  return {{"path", bytes_to_json(c.path)}, {"from", bytes_to_json(c.from)},  {"to", bytes_to_json(c.to)},
          {"form", to_string(c.form)},     {"from_version", c.from_version}, {"to_version", c.to_version},
          {"warnings", c.warnings}};
}

Change change_from_json(const Json& json, const std::string& what) {
  StrictObject o(json, ErrorCode::bad_plan, what);
  Change c{o.bytes("path"),        o.bytes("from"),      o.bytes("to"),      form_of(o),
           o.text("from_version"), o.text("to_version"), o.texts("warnings")};
  o.finish();
  if (c.from.empty() || c.to.empty()) o.fail("a change must replace one text with another");
  return c;
}

Json object_to_json(const ObjectInfo& object) {
  return {{"id", bytes_to_json(object.id)},
          {"name", bytes_to_json(object.name)},
          {"kind", object.kind},
          {"schedule", bytes_to_json(object.schedule)},
          {"owner", bytes_to_json(object.owner)},
          {"class", word_of(classes, object.cls)}};
}

ObjectInfo object_from_json(StrictObject& parent) {
  StrictObject o = parent.object("object");
  ObjectInfo object{o.bytes("id"),       o.bytes("name"),  o.text("kind"),
                    o.bytes("schedule"), o.bytes("owner"), value_of(classes, o, "class")};
  o.finish();
  return object;
}

Json operation_to_json(const Operation& op) {
  Json changes = Json::array();
  for (const auto& c : op.changes) changes.push_back(change_to_json(c));
  return {{"id", op.id},
          {"target", op.target},
          {"object", object_to_json(op.object)},
          {"token", op.token},
          {"locator", encode_bytes(op.locator)},
          {"rest", op.rest},
          {"changes", std::move(changes)},
          {"carriers", op.carriers}};
}

Operation operation_from_json(const Json& json) {
  StrictObject o(json, ErrorCode::bad_plan, "an operation of the plan");
  Operation op;
  op.id = o.text("id");
  const std::string what = "operation '" + op.id + "' of the plan";
  op.target = o.text("target");
  op.object = object_from_json(o);
  op.token = o.text("token");
  op.locator = decode_bytes(o.at("locator"));
  op.rest = o.text("rest");
  for (const Json& change : o.array("changes")) op.changes.push_back(change_from_json(change, what));
  op.carriers = o.texts("carriers");
  o.finish();
  if (op.changes.empty()) o.fail("it changes nothing");
  const bool stays =
      std::any_of(op.changes.begin(), op.changes.end(), [](const Change& c) { return c.stays(); });
  if (stays && (op.carriers.empty() || !op.installs())) o.fail("a change must replace one text with another");
  // The id becomes part of file names (ApplyResult tags).
  const bool plain = std::all_of(op.id.begin(), op.id.end(), [](unsigned char c) {
    return c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
  });
  if (op.id.empty() || op.id.size() > 64 || !plain) o.fail("its id is not one");
  return op;
}

Carrier carrier_from_json(const Json& json) {
  StrictObject o(json, ErrorCode::bad_plan, "a carrier of the plan");
  const std::string id = o.bytes("id");
  const std::string place = o.bytes("place");
  const auto digest = Digest::parse(o.text("digest"));
  if (!digest) o.fail("'digest' is not a sha256 digest");
  o.finish();
  return {id, place, *digest};
}

Json skipped_to_json(const Skipped& s, int form) {
  Json json = {{"target", s.target},
               {"object", form == 1 ? bytes_to_json(s.object.id) : object_to_json(s.object)},
               {"path", bytes_to_json(s.path)},
               {"reason", to_string(s.reason)},
               {"detail", bytes_to_json(s.detail)},
               {"hint", bytes_to_json(s.hint)},
               {"from", bytes_to_json(s.from)},
               {"strict", s.strict}};
  if (form >= 3) json["accepted"] = s.accepted;
  return json;
}

// In either form: a document that mixes them does not fit its id.
ObjectInfo skipped_object(StrictObject& row) {
  const Json& object = row.at("object");
  if (object.is_object() && !object.contains("hex")) return object_from_json(row);
  ObjectInfo info;
  info.id = row.bytes("object");
  return info;
}

Skipped skipped_from_json(const Json& json) {
  StrictObject o(json, ErrorCode::bad_plan, "a skipped reference of the plan");
  Skipped s;
  s.target = o.text("target");
  s.object = skipped_object(o);
  s.path = o.bytes("path");
  s.reason = reason_of(o);
  s.detail = o.bytes("detail");
  s.hint = o.bytes("hint");
  s.from = o.bytes("from");
  s.strict = o.flag("strict");
  s.accepted = o.has("accepted") && o.flag("accepted");
  o.finish();
  return s;
}

Json carrier_to_json(const Carrier& c) {
  return {{"id", bytes_to_json(c.id)}, {"place", bytes_to_json(c.place)}, {"digest", c.digest.str()}};
}

Json flags_to_json(const PlanFlags& flags) {
  return {{"compat", flags.compat ? Json(to_string(*flags.compat)) : Json(nullptr)},
          {"include_owned", flags.include_owned},
          {"install", flags.install}};
}

PlanFlags flags_in(StrictObject& plan) {
  StrictObject o = plan.object("flags");
  PlanFlags flags;
  if (!o.at("compat").is_null()) {
    flags.compat = parse_compat(o.text("compat"));
    if (!flags.compat) o.fail("'compat' must be major, minor or any");
  }
  flags.include_owned = o.flag("include_owned");
  flags.install = o.flag("install");
  o.finish();
  return flags;
}

// All but the long arrays, which are empty.
Json frame(const Plan& plan, bool with_id, int form) {
  Json json = {
      {"schema", schema + std::to_string(form)},
      {"environment", plan.environment},
      {"package", plan.package},
      {"scheme", to_string(plan.scheme)},
      {"direction", word_of(directions, plan.direction)},
      {"to", plan.to ? Json{{"version", plan.to->str()}, {"digest", plan.digest.str()}} : Json(nullptr)},
      {"inverse_of", plan.inverse_of},
      {"salt", plan.salt},
      {"strict", plan.strict},
      {"operations", Json::array()},
      {"carriers", Json::array()},
      {"skipped", Json::array()}};
  if (form >= 3) json["flags"] = flags_to_json(plan.flags);
  if (with_id) json["id"] = plan.id;
  return json;
}

using Sink = std::function<void(std::string_view)>;

template <typename Items, typename ToJson>
void write_array(const Items& items, ToJson to_json_of, const Sink& sink) {
  std::string_view before = "[";
  for (const auto& item : items) {
    sink(before);
    sink(canonical_json(to_json_of(item)));
    before = ",";
  }
  sink(items.empty() ? "[]" : "]");
}

// Canonical JSON, piece by piece: a plan of a large fleet is never there twice.
void write_plan(const Plan& plan, bool with_id, int form, const Sink& sink) {
  std::string_view before = "{";
  const Json outline = frame(plan, with_id, form);
  for (const auto& [key, value] : outline.items()) {
    sink(before);
    sink(canonical_json(key) + ":");
    if (key == "operations") {
      write_array(plan.operations, operation_to_json, sink);
    } else if (key == "carriers") {
      write_array(plan.carriers, carrier_to_json, sink);
    } else if (key == "skipped") {
      write_array(plan.skipped, [&](const Skipped& s) { return skipped_to_json(s, form); }, sink);
    } else {
      sink(canonical_json(value));
    }
    before = ",";
  }
  sink("}");
}

std::string id_of(const Plan& plan, int form) {
  Sha256 hash;
  write_plan(plan, false, form, [&](std::string_view piece) { hash.update(piece); });
  return "plan-" + hash.finish().hex();
}

// What must hold for any plan, ours or not.
void check(const Plan& plan, ErrorCode code) {
  std::set<std::string> ids, carriers;
  for (const auto& c : plan.carriers) carriers.insert(c.id);
  for (const auto& op : plan.operations) {
    if (!ids.insert(op.id).second)
      throw Error(code, "cannot use the plan: operation '" + op.id + "' stands twice");
    for (const auto& c : op.carriers) {
      if (!carriers.contains(c)) throw Error(code, "cannot use the plan: carrier '" + c + "' is not in it");
    }
  }
  if (carriers.size() != plan.carriers.size())
    throw Error(code, "cannot use the plan: a carrier stands twice");
  // A rollout that ended before its version was known has neither, and nothing to do.
  const bool nothing = plan.direction == Direction::up && plan.operations.empty();
  const bool both = plan.to && !plan.inverse_of.empty();
  if (both || (!plan.to && plan.inverse_of.empty() && !nothing))
    throw Error(code, "cannot use the plan: it needs either a version or the rollout it undoes");
}

int form_in(StrictObject& o) {
  const std::string found = o.text("schema");
  for (int form = newest_form; form > 0; --form) {
    if (found == schema + std::to_string(form)) return form;
  }
  o.fail("its schema is '" + found + "', this mlship reads " + schema + std::to_string(newest_form));
}

void read_destination(StrictObject& o, Plan& plan) {
  const auto scheme = parse_scheme(o.text("scheme"));
  if (!scheme) o.fail("'scheme' must be pep440 or semver");
  plan.scheme = *scheme;
  plan.direction = value_of(directions, o, "direction");
  plan.inverse_of = o.text("inverse_of");
  if (o.at("to").is_null()) return;
  StrictObject to = o.object("to");
  const std::string version = to.text("version");
  const auto digest = Digest::parse(to.text("digest"));
  to.finish();
  plan.to = Version::parse(version, plan.scheme);
  if (!plan.to || plan.to->str() != version) to.fail("'" + version + "' is not a version in normal form");
  if (!digest) to.fail("'digest' is not a sha256 digest");
  plan.digest = *digest;
}

}  // namespace

void finish_plan(Plan& plan) {
  check(plan, ErrorCode::internal);
  plan.id = id_of(plan, newest_form);
}

std::string canonical_plan(const Plan& plan) {
  size_t size = 1;
  write_plan(plan, true, newest_form, [&](std::string_view piece) { size += piece.size(); });
  if (size > largest_plan) {
    throw Error(ErrorCode::bad_plan,
                fmt::format("cannot write down the plan: {} operations are more than 256 MiB",
                            plan.operations.size()))
        .hint("do it in parts: --jobs=GLOB, --target NAME");
  }
  std::string text;
  text.reserve(size);
  write_plan(plan, true, newest_form, [&](std::string_view piece) { text += piece; });
  text += '\n';
  return text;
}

Json to_json(const Plan& plan) {
  return parse_json(canonical_plan(plan), ErrorCode::internal, "the plan");
}

Plan parse_plan(std::string_view text) {
  if (text.size() > largest_plan) {
    throw Error(ErrorCode::bad_plan, "cannot read the plan: it is larger than 256 MiB")
        .hint("mlship plan --out FILE");
  }
  Plan plan;
  const auto element = [&](const std::string& key, const Json& item) {
    if (key == "operations") plan.operations.push_back(operation_from_json(item));
    if (key == "carriers") plan.carriers.push_back(carrier_from_json(item));
    if (key == "skipped") plan.skipped.push_back(skipped_from_json(item));
  };
  const Json json = parse_json(text, ErrorCode::bad_plan, "the plan", element);
  StrictObject o(json, ErrorCode::bad_plan, "the plan");
  const int form = form_in(o);
  plan.id = o.text("id");
  plan.environment = o.text("environment");
  plan.package = o.text("package");
  read_destination(o, plan);
  plan.salt = o.text("salt");
  plan.strict = o.flag("strict");
  if (o.has("flags")) plan.flags = flags_in(o);
  for (const char* key : {"operations", "carriers", "skipped"}) {
    if (!o.array(key).empty()) o.fail("'" + std::string(key) + "' holds something that is no object");
  }
  o.finish();
  check(plan, ErrorCode::bad_plan);
  if (const std::string content = id_of(plan, form); content != plan.id) {
    throw Error(ErrorCode::bad_plan, "cannot use the plan: its content was changed after it was made")
        .fact("id", plan.id)
        .fact("content", content)
        .hint("mlship plan --out FILE");
  }
  return plan;
}

}  // namespace mlship
