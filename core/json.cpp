#include "core/json.h"

#include <vector>

#include "core/json_library.h"

namespace mlship {
namespace {

constexpr size_t max_depth = 100;

// Where the values of a document go instead of into it; each may be empty.
struct Takers {
  ElementReader element;  // the objects in an array at the top
  ElementReader member;   // the members at the top
};

// Makes the value from the parser's events. A document that says two things under one key is refused, where
// the library's own builder keeps the last. (Its callback looks at every member again for each: quadratic.)
class Builder final : public nlohmann::json_sax<Json> {
 public:
  explicit Builder(const Takers& takers) : takers_(takers) {}
  Json take() { return std::move(root_); }

  bool null() override { return scalar(nullptr); }
  bool boolean(bool value) override { return scalar(value); }
  bool number_integer(number_integer_t value) override { return scalar(value); }
  bool number_unsigned(number_unsigned_t value) override { return scalar(value); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return scalar(value); }
  bool string(string_t& value) override { return scalar(std::move(value)); }
  bool binary(binary_t& value) override { return scalar(std::move(value)); }
  bool start_object(std::size_t /*members*/) override { return open(Json::object()); }
  bool start_array(std::size_t /*elements*/) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& value) override {
    const auto [at, fresh] = open_.back()->emplace(value, nullptr);
    if (!fresh) throw std::runtime_error("the key '" + value + "' stands twice");
    slot_ = &*at;
    if (open_.size() == 1) top_ = std::move(value);
    return true;
  }

  bool parse_error(std::size_t /*at*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& e) override {
    throw std::runtime_error(e.what());
  }

 private:
  Json& put(Json&& value) {
    if (open_.empty()) return root_ = std::move(value);
    if (open_.back()->is_object()) return *slot_ = std::move(value);
    open_.back()->push_back(std::move(value));
    return open_.back()->back();
  }

  template <typename Value>
  bool scalar(Value&& value) {
    Json& there = put(Json(std::forward<Value>(value)));
    if (open_.size() == 1) hand_over(there);
    return true;
  }

  bool open(Json&& container) {
    if (open_.size() >= max_depth) throw std::runtime_error("nested deeper than 100 levels");
    open_.push_back(&put(std::move(container)));
    return true;
  }

  bool close() {
    Json& ended = *open_.back();
    open_.pop_back();
    if (open_.size() == 1) hand_over(ended);
    const bool element = open_.size() == 2 && open_[0]->is_object() && open_[1]->is_array();
    if (!element || !takers_.element || !ended.is_object()) return true;
    takers_.element(top_, ended);
    open_.back()->erase(open_.back()->size() - 1);
    return true;
  }

  void hand_over(Json& ended) const {
    if (!takers_.member || !root_.is_object()) return;
    takers_.member(top_, ended);
    ended = nullptr;  // its key stays, to be known when it comes again
  }

  const Takers& takers_;
  Json root_;
  std::vector<Json*> open_;
  Json* slot_ = nullptr;  // where the value of the last key goes
  std::string top_;       // the last key at the top
};

Json parse(std::string_view text, ErrorCode code, std::string_view what, const Takers& takers) {
  try {
    // The library takes a NUL for the end of the text.
    if (text.find('\0') != std::string_view::npos) throw std::runtime_error("it holds a NUL byte");
    Builder builder(takers);
    Json::sax_parse(text, &builder);
    return builder.take();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    std::string why = e.what();
    // nlohmann prefixes its messages with "[json.exception.parse_error.101] ".
    if (why.starts_with("[json.exception")) why = why.substr(why.find("] ") + 2);
    throw Error(code, "cannot read " + std::string(what) + ": " + why);
  }
}

}  // namespace

std::string canonical_json(const Json& value) {
  return value.dump();
}

std::string pretty_json(const OrderedJson& value) {
  return value.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

Json parse_json(std::string_view text, ErrorCode code, std::string_view what) {
  return parse(text, code, what, {});
}

Json parse_json(std::string_view text, ErrorCode code, std::string_view what, const ElementReader& element) {
  return parse(text, code, what, {element, {}});
}

void read_members(std::string_view text, ErrorCode code, std::string_view what, const ElementReader& member) {
  const Json document = parse(text, code, what, {{}, member});
  if (!document.is_object()) throw Error(code, "cannot read " + std::string(what) + ": it is not an object");
}

}  // namespace mlship
