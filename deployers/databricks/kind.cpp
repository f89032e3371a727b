#include "deployers/databricks/kind.h"

#include <algorithm>
#include <array>

#include "deployers/limiter.h"

namespace mlship::databricks {

std::span<const Kind* const> kinds() {
  static const std::array<const Kind*, 4> all = {&jobs, &pipelines, &policies, &clusters};
  return all;
}

const Kind* kind_of(std::string_view id) {
  const auto all = kinds();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Kind* k) { return id.starts_with(k->prefix()); });
  return found == all.end() ? nullptr : *found;
}

void in_parallel(size_t count, Clock& clock, const std::function<void(size_t)>& task) {
  Limiter limiter(Api::most_in_flight);
  run_limited(count, limiter, clock, [] { return true; }, task);
}

std::optional<Document> unless_absent(Api& api, const std::string& id, const std::function<Json()>& read) {
  try {
    Document document{id, read()};
    document.read_at = api.clock().monotonic();
    return document;
  } catch (const Error& e) {
    if (e.code() == ErrorCode::not_found) return std::nullopt;
    throw;
  }
}

Json rows_of(const Json& answer, std::string_view member, const std::string& doing) {
  const Json& rows = member_of(answer, member);
  if (answer.is_object() && rows.is_null()) return Json::array();  // an empty workspace leaves it out
  if (rows.is_array()) return rows;
  throw Error(ErrorCode::server_error, "cannot " + doing + ": the answer is no list");
}

std::string next_page(const Json& answer, const std::string& used, const std::string& doing) {
  std::string next = text_at(answer, "next_page_token");
  if (next.empty() || next != used) return next;
  throw Error(ErrorCode::server_error, "cannot " + doing + ": the same page came twice");
}

const Json& member_of(const Json& object, std::string_view member) {
  static const Json null;
  if (!object.is_object()) return null;
  const auto found = object.find(member);
  return found == object.end() ? null : *found;
}

std::string text_at(const Json& object, std::string_view member) {
  const Json& value = member_of(object, member);
  if (value.is_string()) return value.get<std::string>();
  return value.is_number_integer() ? value.dump() : "";
}

std::string without_prefix(const Kind& kind, const std::string& id) {
  return id.substr(kind.prefix().size());
}

}  // namespace mlship::databricks
