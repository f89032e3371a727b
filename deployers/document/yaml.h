// A YAML stream as a tree whose scalars know where they stand in the text. The parser gives structure and
// positions; the text itself is what gets edited.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "deployers/document/document.h"

namespace mlship {

struct YamlNode {
  enum class Kind { scalar, sequence, mapping, alias };
  Kind kind = Kind::scalar;
  Span span;              // from its first byte (an anchor or tag before it too) to its last scalar's end
  bool anchored = false;  // has an &anchor
  std::string value;      // of a scalar
  Span content;           // of a scalar: what stands between the quotes, or under the indicator
  bool literal = false;   // of a scalar: `content` is `value`, byte for byte
  std::vector<YamlNode> children;  // of a mapping: key, value, key, value, …
};

struct YamlStream {
  std::vector<YamlNode> documents;
  std::string problem;  // why there are none: "line 3, column 7: …"
};

// What is beyond these is no file that a person keeps.
constexpr int deepest_yaml = 64;
constexpr size_t most_yaml_values = 200'000;
constexpr size_t most_yaml_copies = 1'000'000;  // of values, once every alias is followed

// Duplicate keys, aliases within their own anchor and the limits above are problems too. Never throws for
// what the text holds.
YamlStream read_yaml(std::string_view text);

// Where each byte of a scalar's value stands. `at`: the offset of its first byte, after anchor and tag.
// nullopt when the text does not say that value.
struct ScalarSource {
  Decoded decoded;
  Span content;  // see YamlNode
};
std::optional<ScalarSource> scalar_source(std::string_view text, size_t at, const std::string& value);

// The offset of a node's own first byte: behind `&anchor`, `!tag`, and blanks and comments between them.
size_t after_properties(std::string_view text, size_t at);

}  // namespace mlship
