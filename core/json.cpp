#include "core/json.h"

#include <set>
#include <vector>

#include "core/json_library.h"

namespace mlship {
namespace {

constexpr size_t max_depth = 100;
constexpr int element_depth = 2;  // in the document, in its array

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
  return parse_json(text, code, what, {});
}

Json parse_json(std::string_view text, ErrorCode code, std::string_view what, const ElementReader& element) {
  using Event = Json::parse_event_t;
  StrictKeys strict;
  std::string array;  // the key at the top that is being read
  bool within = false;
  const auto keep = [&](int depth, Event event, Json& parsed) {
    strict(depth, event, parsed);
    if (!element) return true;
    if (event == Event::key && depth == 1) array = parsed.get<std::string>();
    if (depth == 1 && (event == Event::array_start || event == Event::array_end)) {
      within = event == Event::array_start;
    }
    if (!within || event != Event::object_end || depth != element_depth) return true;
    element(array, parsed);
    return false;
  };
  try {
    return Json::parse(text, keep);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    std::string why = e.what();
    // nlohmann prefixes its messages with "[json.exception.parse_error.101] ".
    if (why.starts_with("[json.exception")) why = why.substr(why.find("] ") + 2);
    throw Error(code, "cannot read " + std::string(what) + ": " + why);
  }
}

}  // namespace mlship
