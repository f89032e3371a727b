#include "core/toml.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "core/letters.h"

// Hostile texts (`[[[`) reach assertions of toml++ 3.3.0, which are promises to the optimizer under NDEBUG:
// here they throw, in every build.
#undef NDEBUG
namespace {
[[noreturn]] void assertion_failed(const char* expression) {
  throw std::logic_error(expression);
}
}  // namespace
#define TOML_ASSERT(expr) ((expr) ? void() : assertion_failed(#expr))
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace mlship::toml {
namespace {

struct Context {
  std::string_view file;
  ErrorCode code;
  Dates dates = Dates::refused;
};

Position position(const ::toml::source_region& source) {
  return {source.begin.line, source.begin.column};
}

[[noreturn]] void refuse(const Context& context, Position at, std::string why) {
  // toml++ starts its sentences with a capital letter and ends some with a full stop.
  if (!why.empty()) why[0] = letters::lower(why[0]);
  if (why.ends_with('.')) why.pop_back();
  throw Error(context.code, "cannot read " + std::string(context.file) + ":" + std::to_string(at.line) + ":" +
                                std::to_string(at.column) + ": " + why);
}

template <typename Value>
std::string text_of(const ::toml::value<Value>& date) {
  std::ostringstream out;
  out << date.get();
  return out.str();
}

Node convert(const ::toml::node& from, const Context& context);

Table convert_table(const ::toml::table& from, const Context& context) {
  Table table;
  for (const auto& [key, value] : from) {
    table.push_back({std::string(key.str()), position(key.source()),
                     std::make_shared<const Node>(convert(value, context))});
  }
  // toml++ sorts by key; messages and loops follow the file.
  std::stable_sort(table.begin(), table.end(), [](const Member& a, const Member& b) {
    return std::pair(a.key_at.line, a.key_at.column) < std::pair(b.key_at.line, b.key_at.column);
  });
  return table;
}

Array convert_array(const ::toml::array& from, const Context& context) {
  Array array;
  for (const auto& value : from) array.push_back(std::make_shared<const Node>(convert(value, context)));
  return array;
}

Node convert(const ::toml::node& from, const Context& context) {
  const Position at = position(from.source());
  if (const auto* table = from.as_table()) return {at, convert_table(*table, context)};
  if (const auto* array = from.as_array()) return {at, convert_array(*array, context)};
  if (const auto* text = from.as_string()) return {at, text->get()};
  if (const auto* flag = from.as_boolean()) return {at, flag->get()};
  if (const auto* whole = from.as_integer()) return {at, whole->get()};
  if (const auto* number = from.as_floating_point()) return {at, number->get()};
  if (context.dates == Dates::strings) {
    if (const auto* moment = from.as_date_time()) return {at, text_of(*moment)};
    if (const auto* date = from.as_date()) return {at, text_of(*date)};
    if (const auto* time = from.as_time()) return {at, text_of(*time)};
  }
  refuse(context, at, "a date or time is not a value of any key; write it as a string");
}

// The position behind the string or comment that begins at `i`; `i` when none does.
size_t after_opaque(std::string_view text, size_t i) {
  const char c = text[i];
  if (c == '#') return std::min(text.find('\n', i), text.size());
  if (c != '"' && c != '\'') return i;
  const std::string triple(3, c);
  if (text.substr(i, 3) == triple) {
    const size_t close = text.find(triple, i + 3);
    return close == std::string_view::npos ? text.size() : close + 3;
  }
  size_t end = i + 1;
  while (end < text.size() && text[end] != c && text[end] != '\n')
    end += c == '"' && text[end] == '\\' ? 2 : 1;
  return std::min(end + 1, text.size());
}

// Each part of a key is a level, and toml++ goes down without a limit: `a.a.a.…` would end the stack.
void refuse_long_keys(std::string_view text, const Context& context) {
  constexpr int most_parts = 32;
  int dots = 0;
  for (size_t i = 0; i < text.size();) {
    if (const size_t next = after_opaque(text, i); next != i) {
      i = next;
      continue;
    }
    const bool ends = std::string_view("\n=,[]{}").find(text[i]) != std::string_view::npos;
    dots = ends ? 0 : dots + (text[i] == '.' ? 1 : 0);
    if (dots >= most_parts) {
      const size_t before = text.substr(0, i).rfind('\n');  // npos + 1 is 0
      const auto line = static_cast<std::uint32_t>(
          std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(i), '\n') + 1);
      refuse(context, {line, static_cast<std::uint32_t>(i - before)},
             "a key has more than " + std::to_string(most_parts) + " parts");
    }
    ++i;
  }
}

}  // namespace

const Member* Node::find(std::string_view key) const {
  const Table* members = table();
  if (members == nullptr) return nullptr;
  const auto found =
      std::find_if(members->begin(), members->end(), [key](const Member& m) { return m.key == key; });
  return found == members->end() ? nullptr : &*found;
}

std::string_view Node::type_name() const {
  constexpr std::string_view names[] = {"a string",  "an integer", "a float",
                                        "a boolean", "a table",    "an array"};
  static_assert(std::size(names) == std::variant_size_v<decltype(value)>);
  return names[value.index()];
}

Node parse(std::string_view text, std::string_view file, ErrorCode code, Dates dates) {
  const Context context{file, code, dates};
  try {
    refuse_long_keys(text, context);
    return convert(::toml::parse(text, file), context);
  } catch (const ::toml::parse_error& e) {
    refuse(context, position(e.source()), std::string(e.description()));
  } catch (const std::logic_error&) {
    throw Error(code, "cannot read " + std::string(file) + ": it is not TOML");
  }
}

}  // namespace mlship::toml
