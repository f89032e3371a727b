// JSON in and out. Include "core/json_library.h" in sources that build documents; headers use json_fwd.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "core/error.h"

namespace mlship {

using Json = nlohmann::json;                 // keys sorted bytewise
using OrderedJson = nlohmann::ordered_json;  // keys in the order written: documents of other people

// Compact, keys sorted bytewise, UTF-8 as it is, no trailing newline: one byte sequence for one value.
std::string canonical_json(const Json& value);
// Two-space indent and a final newline, for people and for --json.
std::string pretty_json(const OrderedJson& value);

// Parses one complete document; duplicate keys, invalid UTF-8, nesting over 100 levels, NUL and trailing
// bytes are errors. `what` names the document in the message: "cannot read <what>: …".
Json parse_json(std::string_view text, ErrorCode code, std::string_view what);
// The same for a long document: the elements of its arrays `key` at the top are handed to `element` as they
// come and are not kept. What `element` throws passes through.
using ElementReader = std::function<void(const std::string& key, const Json& element)>;
Json parse_json(std::string_view text, ErrorCode code, std::string_view what, const ElementReader& element);
// For a long object: its members are handed to `member` as they come, and not kept.
void read_members(std::string_view text, ErrorCode code, std::string_view what, const ElementReader& member);

}  // namespace mlship
