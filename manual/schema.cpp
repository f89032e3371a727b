#include "manual/schema.h"

#include <fmt/core.h>

#include "core/json.h"
#include "core/json_library.h"
#include "core/project.h"
#include "core/text.h"
#include "deployers/target.h"

namespace mlship {
namespace {

using Type = KeySpec::Type;

OrderedJson object_of(std::span<const KeySpec> keys);

OrderedJson text_type(const KeySpec& key) {
  if (key.words.empty()) return {{"type", "string"}, {"minLength", 1}};
  return {{"enum", pieces(key.words, "|")}};
}

OrderedJson table_form(const KeySpec& key, bool one_key) {
  OrderedJson table = object_of(key.table->keys);
  if (one_key) {
    table["minProperties"] = 1;
    table["maxProperties"] = 1;
  }
  return table;
}

OrderedJson type_of(const KeySpec& key) {
  const OrderedJson text{{"type", "string"}, {"minLength", 1}};
  switch (key.type) {
    case Type::string: return text_type(key);
    case Type::boolean: return {{"type", "boolean"}};
    case Type::integer: return {{"type", "integer"}};
    case Type::string_list: {
      OrderedJson list{{"type", "array"}, {"items", text}};
      if (key.required) list["minItems"] = 1;
      return list;
    }
    case Type::string_map: return {{"type", "object"}, {"additionalProperties", text}};
    case Type::string_or_table: return {{"anyOf", {text_type(key), table_form(key, true)}}};
    case Type::boolean_or_table: return {{"anyOf", {{{"type", "boolean"}}, table_form(key, false)}}};
    case Type::any: return OrderedJson::object();
  }
  return OrderedJson::object();
}

// For people in the editor: what it is, and what counts without it.
OrderedJson property(const KeySpec& key) {
  OrderedJson out = type_of(key);
  out["description"] = key.default_text.empty() ? std::string(key.help)
                                                : fmt::format("{} (default: {})", key.help, key.default_text);
  return out;
}

OrderedJson object_of(std::span<const KeySpec> keys) {
  OrderedJson properties = OrderedJson::object(), required = OrderedJson::array();
  for (const auto& key : keys) {
    properties[std::string(key.name)] = property(key);
    if (key.required) required.push_back(key.name);
  }
  OrderedJson out{{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  if (!required.empty()) out["required"] = required;
  return out;
}

// One form for each kind: editors then offer the keys of the kind that is written.
OrderedJson target_forms() {
  OrderedJson forms = OrderedJson::array();
  for (const auto* factory : target_factories()) {
    std::vector<KeySpec> keys(common_target_keys().begin(), common_target_keys().end());
    keys.insert(keys.end(), factory->settings.begin(), factory->settings.end());
    OrderedJson form = object_of(keys);
    form["title"] = factory->kind;
    form["description"] = factory->summary;
    form["properties"]["kind"] = {{"const", factory->kind}, {"description", factory->summary}};
    forms.push_back(std::move(form));
  }
  return {{"oneOf", forms}};
}

OrderedJson table_schema(const TableSpec& table) {
  OrderedJson out = table.name == "targets.NAME" ? target_forms() : object_of(table.keys);
  out["description"] = table.help;
  return out;
}

constexpr std::string_view list_mark = "[]";

}  // namespace

std::string project_schema() {
  OrderedJson properties = OrderedJson::object();
  for (const auto& table : project_tables()) {
    const OrderedJson schema = table_schema(table);
    const auto dot = table.name.find('.');
    if (table.name.ends_with(list_mark)) {
      const auto name = table.name.substr(0, table.name.size() - list_mark.size());
      properties[std::string(name)] = {{"type", "array"}, {"items", schema}};
    } else if (dot == std::string_view::npos) {
      properties[std::string(table.name)] = schema;
    } else {
      OrderedJson named{{"type", "object"}, {"additionalProperties", schema}};
      // As the parser's check_name(): they become folder names, flags and parts of tags.
      if (table.name.ends_with(".NAME"))
        named["propertyNames"] = {{"pattern", "^[A-Za-z0-9_][A-Za-z0-9_.-]*$"}};
      properties[std::string(table.name.substr(0, dot))] = named;
    }
  }
  return pretty_json({{"$schema", "http://json-schema.org/draft-07/schema#"},
                      {"title", "mlship.toml"},
                      {"description", "The project file of mlship; docs/project-file.md"},
                      {"type", "object"},
                      {"properties", properties},
                      {"additionalProperties", false}});
}

}  // namespace mlship
