// TOML 1.0 with the position of every key and value; the only code that knows toml++.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/error.h"

namespace mlship::toml {

struct Position {
  std::uint32_t line = 0;  // from 1
  std::uint32_t column = 0;
};

struct Node;
struct Member {
  std::string key;
  Position key_at;
  std::shared_ptr<const Node> value;
};
using Table = std::vector<Member>;  // in the order of the file
using Array = std::vector<std::shared_ptr<const Node>>;

struct Node {
  Position at;
  std::variant<std::string, std::int64_t, double, bool, Table, Array> value;

  [[nodiscard]] const Table* table() const { return std::get_if<Table>(&value); }
  [[nodiscard]] const Array* array() const { return std::get_if<Array>(&value); }
  [[nodiscard]] const std::string* string() const { return std::get_if<std::string>(&value); }
  [[nodiscard]] const Member* find(std::string_view key) const;  // of a table; null otherwise
  [[nodiscard]] std::string_view type_name() const;              // "a string", "a table", …
};

// Files of other programs may hold dates, which become strings; no key of ours is one.
enum class Dates { refused, strings };
// Throws Error(code) "cannot read <file>:<line>:<column>: …".
Node parse(std::string_view text, std::string_view file, ErrorCode code, Dates dates = Dates::refused);

}  // namespace mlship::toml
