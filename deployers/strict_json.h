// Reading JSON that comes from outside: every key must be there with its type, no other key may be, and every
// failure says where. Strings that are not UTF-8 (paths and crontab lines are bytes) travel as {"hex": "…"}.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "core/json_library.h"

namespace mlship {

Json bytes_to_json(const std::string& bytes);
// Throws std::runtime_error when it is neither a string nor {"hex": …}.
std::string bytes_from_json(const Json& json);
// The same for every string within a value a target made.
Json encode_bytes(const Json& value);
Json decode_bytes(const Json& value);

// One object of a document; call finish() after the last key.
class StrictObject {
 public:
  StrictObject(const Json& json, ErrorCode code, std::string what);

  const Json& at(const char* key);
  std::string text(const char* key);   // a plain string
  std::string bytes(const char* key);  // a string or {"hex": …}
  bool flag(const char* key);
  std::int64_t integer(const char* key);
  const Json& array(const char* key);
  std::vector<std::string> texts(const char* key);
  StrictObject object(const char* key);
  [[nodiscard]] bool has(const char* key) const { return json_.contains(key); }
  void finish() const;

  [[noreturn]] void fail(const std::string& cause) const;

 private:
  const Json& json_;
  ErrorCode code_;
  std::string what_;
  std::set<std::string> used_;
};

}  // namespace mlship
