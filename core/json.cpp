#include "core/json.h"

#include <set>
#include <vector>

#include <nlohmann/json.hpp>

namespace mlship {
namespace {

constexpr size_t max_depth = 100;

// nlohmann's parser keeps the last of two equal keys; a document that says two things is refused instead.
class StrictKeys {
 public:
  bool operator()(int, Json::parse_event_t event, const Json& parsed) {
    using Event = Json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      if (open_.size() >= max_depth) throw std::runtime_error("nested deeper than 100 levels");
      open_.emplace_back();
    } else if (event == Event::object_end || event == Event::array_end) {
      open_.pop_back();
    } else if (event == Event::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!open_.back().insert(key).second) throw std::runtime_error("the key '" + key + "' stands twice");
    }
    return true;
  }

 private:
  std::vector<std::set<std::string>> open_;
};

}  // namespace

std::string canonical_json(const Json& value) {
  return value.dump();
}

std::string pretty_json(const OrderedJson& value) {
  return value.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

Json parse_json(std::string_view text, ErrorCode code, std::string_view what) {
  try {
    StrictKeys strict;
    return Json::parse(text, [&strict](int depth, Json::parse_event_t event, Json& parsed) {
      return strict(depth, event, parsed);
    });
  } catch (const std::exception& e) {
    std::string why = e.what();
    // nlohmann prefixes its messages with "[json.exception.parse_error.101] ".
    if (why.starts_with("[json.exception")) why = why.substr(why.find("] ") + 2);
    throw Error(code, "cannot read " + std::string(what) + ": " + why);
  }
}

}  // namespace mlship
