#include "deployers/strict_json.h"

#include <stdexcept>

#include <fmt/format.h>

namespace mlship {
namespace {

constexpr auto hex_key = "hex";

bool utf8(const std::string& text) {
  try {
    (void)Json(text).dump();
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

std::string from_hex(const std::string& hex) {
  const auto digit = [](char c) {
    const auto at = std::string_view("0123456789abcdef").find(c);
    if (at == std::string_view::npos) throw std::runtime_error("a hex text has a letter that is no digit");
    return at;
  };
  if (hex.size() % 2 != 0) throw std::runtime_error("a hex text has an odd length");
  std::string out;
  for (size_t i = 0; i < hex.size(); i += 2) out += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return out;
}

bool is_hex(const Json& json) {
  return json.is_object() && json.size() == 1 && json.contains(hex_key) && json.at(hex_key).is_string();
}

}  // namespace

Json bytes_to_json(const std::string& bytes) {
  if (utf8(bytes)) return bytes;
  std::string hex;
  for (const char c : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return {{hex_key, hex}};
}

std::string bytes_from_json(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (!is_hex(json)) throw std::runtime_error("must be a string");
  return from_hex(json.at(hex_key).get_ref<const std::string&>());
}

Json encode_bytes(const Json& value) {
  if (value.is_string()) return bytes_to_json(value.get_ref<const std::string&>());
  if (!value.is_structured()) return value;
  Json out = value.is_array() ? Json::array() : Json::object();
  for (const auto& [key, item] : value.items()) {
    if (value.is_array()) {
      out.push_back(encode_bytes(item));
    } else {
      out[key] = encode_bytes(item);
    }
  }
  return out;
}

Json decode_bytes(const Json& value) {
  if (is_hex(value)) return bytes_from_json(value);
  if (!value.is_structured()) return value;
  Json out = value.is_array() ? Json::array() : Json::object();
  for (const auto& [key, item] : value.items()) {
    if (value.is_array()) {
      out.push_back(decode_bytes(item));
    } else {
      out[key] = decode_bytes(item);
    }
  }
  return out;
}

StrictObject::StrictObject(const Json& json, ErrorCode code, std::string what)
    : json_(json), code_(code), what_(std::move(what)) {
  if (!json.is_object()) fail("must be an object");
}

void StrictObject::fail(const std::string& cause) const {
  throw Error(code_, "cannot use " + what_ + ": " + cause);
}

const Json& StrictObject::at(const char* key) {
  used_.insert(key);
  const auto it = json_.find(key);
  if (it == json_.end()) fail(fmt::format("'{}' is missing", key));
  return *it;
}

std::string StrictObject::text(const char* key) {
  const Json& value = at(key);
  if (!value.is_string()) fail(fmt::format("'{}' must be a string", key));
  return value.get<std::string>();
}

std::string StrictObject::bytes(const char* key) {
  try {
    return bytes_from_json(at(key));
  } catch (const std::runtime_error& e) {
    fail(fmt::format("'{}' {}", key, e.what()));
  }
}

bool StrictObject::flag(const char* key) {
  const Json& value = at(key);
  if (!value.is_boolean()) fail(fmt::format("'{}' must be true or false", key));
  return value.get<bool>();
}

std::int64_t StrictObject::integer(const char* key) {
  const Json& value = at(key);
  if (!value.is_number_integer()) fail(fmt::format("'{}' must be an integer", key));
  return value.get<std::int64_t>();
}

const Json& StrictObject::array(const char* key) {
  const Json& value = at(key);
  if (!value.is_array()) fail(fmt::format("'{}' must be a list", key));
  return value;
}

std::vector<std::string> StrictObject::texts(const char* key) {
  std::vector<std::string> out;
  for (const Json& item : array(key)) {
    if (!item.is_string()) fail(fmt::format("'{}' must hold strings", key));
    out.push_back(item.get<std::string>());
  }
  return out;
}

StrictObject StrictObject::object(const char* key) {
  return {at(key), code_, fmt::format("{} ('{}')", what_, key)};
}

void StrictObject::finish() const {
  for (const auto& [key, value] : json_.items()) {
    if (!used_.contains(key)) fail(fmt::format("unknown key '{}'", key));
  }
}

}  // namespace mlship
