#include "core/project_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/names.h"
#include "core/text.h"

namespace mlship {
namespace {

using Type = KeySpec::Type;

bool is_string(const toml::Node& node) {
  return node.string() != nullptr;
}
bool is_string_list(const toml::Node& node) {
  const auto* items = node.array();
  return items != nullptr &&
         std::all_of(items->begin(), items->end(), [](const auto& item) { return is_string(*item); });
}
bool is_string_map(const toml::Node& node) {
  const auto* members = node.table();
  return members != nullptr &&
         std::all_of(members->begin(), members->end(), [](const auto& m) { return is_string(*m.value); });
}

struct TypeRow {
  Type type;
  std::string_view wanted;
  bool (*fits)(const toml::Node&);
};
constexpr auto types = std::to_array<TypeRow>({
    {Type::string, "a string", is_string},
    {Type::boolean, "true or false",
     [](const toml::Node& n) { return std::holds_alternative<bool>(n.value); }},
    {Type::integer, "an integer",
     [](const toml::Node& n) { return std::holds_alternative<std::int64_t>(n.value); }},
    {Type::string_list, "an array of strings", is_string_list},
    {Type::string_map, "a table of strings", is_string_map},
    {Type::any, "a value", [](const toml::Node&) { return true; }},
    {Type::string_or_table, "a string or a table",
     [](const toml::Node& n) { return is_string(n) || n.table() != nullptr; }},
    {Type::boolean_or_table, "true, false or a table",
     [](const toml::Node& n) { return std::holds_alternative<bool>(n.value) || n.table() != nullptr; }},
});

std::string joined(std::span<const std::string> words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

// The closed list of a key, when it has one.
void check_words(const ProjectSource& source, const toml::Member& member, const KeySpec& spec) {
  const auto words = pieces(spec.words, "|");
  const std::string& text = *member.value->string();
  if (words.empty() || std::find(words.begin(), words.end(), text) != words.end()) return;
  std::string hint;
  for (const auto& word : words) {
    hint += (hint.empty() ? "write " : " or ") + member.key + " = \"" + word + "\"";
  }
  throw source
      .error(member.value->at, "unknown " + member.key + " '" + text + "'" + did_you_mean(text, words))
      .hint(hint);
}

// The first item of a list that is no string: the thing to point at.
const toml::Node* culprit(const toml::Node& node) {
  const auto* items = node.array();
  if (items == nullptr) return nullptr;
  const auto found =
      std::find_if(items->begin(), items->end(), [](const auto& item) { return !is_string(*item); });
  return found == items->end() ? nullptr : found->get();
}

}  // namespace

Error ProjectSource::error(toml::Position at, const std::string& why) const {
  return {ErrorCode::project_file, "cannot read " + where(at).str() + ": " + why};
}

TableReader::TableReader(const ProjectSource& source, std::string title, const toml::Node& node,
                         std::span<const KeySpec> keys)
    : source_(source), title_(std::move(title)), node_(node) {
  if (node.table() == nullptr) {
    throw source.error(node.at, "'" + title_ + "' must be a table, not " + std::string(node.type_name()));
  }
  for (const auto& member : *node.table()) check_member(member, keys);
  for (const auto& key : keys) {
    if (!key.required || node.find(key.name) != nullptr) continue;
    throw source.error(node.at, this->title() + " has no '" + std::string(key.name) + "'")
        .hint("add " + std::string(key.name) + " = … to " + this->title() + ": " + std::string(key.help));
  }
}

void TableReader::check_member(const toml::Member& member, std::span<const KeySpec> keys) const {
  const auto spec =
      std::find_if(keys.begin(), keys.end(), [&](const auto& k) { return k.name == member.key; });
  if (spec == keys.end()) {
    std::vector<std::string> known;
    for (const auto& key : keys) known.emplace_back(key.name);
    throw source_
        .error(member.key_at,
               "unknown key '" + member.key + "' in " + title() + did_you_mean(member.key, known))
        .fact("keys", joined(known));
  }
  const TypeRow& type = types.at(static_cast<size_t>(spec->type));
  if (!type.fits(*member.value)) {
    const toml::Node* item = culprit(*member.value);
    const std::string found = item == nullptr ? std::string(member.value->type_name())
                                              : "an array with " + std::string(item->type_name());
    throw source_.error(item == nullptr ? member.value->at : item->at,
                        "'" + member.key + "' must be " + std::string(type.wanted) + ", not " + found);
  }
  const std::string* text = member.value->string();
  if (text != nullptr && text->empty())
    throw source_.error(member.value->at, "'" + member.key + "' is empty");
  if (text != nullptr && text->find('\0') != std::string::npos) {
    throw source_.error(member.value->at, "'" + member.key + "' holds a NUL character");
  }
  if (text != nullptr) check_words(source_, member, *spec);
}

const toml::Node* TableReader::value(std::string_view key) const {
  const auto* member = node_.find(key);
  return member == nullptr ? nullptr : member->value.get();
}

Where TableReader::where(std::string_view key) const {
  const auto* found = value(key);
  return source_.where(found == nullptr ? node_.at : found->at);
}

Error TableReader::error(std::string_view key, const std::string& why) const {
  return source_.error(where(key).at, why);
}

std::string TableReader::text(std::string_view key, std::string fallback) const {
  const auto* found = value(key);
  const std::string* text = found == nullptr ? nullptr : found->string();
  return text == nullptr ? std::move(fallback) : *text;
}

std::optional<bool> TableReader::flag(std::string_view key) const {
  const auto* found = value(key);
  const bool* flag = found == nullptr ? nullptr : std::get_if<bool>(&found->value);
  return flag == nullptr ? std::nullopt : std::optional(*flag);
}

std::vector<std::string> TableReader::list(std::string_view key) const {
  std::vector<std::string> out;
  const auto* found = value(key);
  const auto* items = found == nullptr ? nullptr : found->array();
  if (items == nullptr) return out;
  for (const auto& item : *items) {
    if (const auto* text = item->string()) out.push_back(*text);
  }
  return out;
}

std::map<std::string, std::string> TableReader::map(std::string_view key) const {
  std::map<std::string, std::string> out;
  const auto* found = value(key);
  const auto* members = found == nullptr ? nullptr : found->table();
  if (members == nullptr) return out;
  for (const auto& member : *members) {
    if (const auto* text = member.value->string()) out.emplace(member.key, *text);
  }
  return out;
}

}  // namespace mlship
