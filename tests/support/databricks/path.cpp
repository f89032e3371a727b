#include "tests/support/databricks/path.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace mlship::testing::dbx {
namespace {

struct KeyRow {
  std::string_view array;
  const char* key;
};
constexpr auto keys = std::to_array<KeyRow>({{"tasks", "task_key"},
                                             {"job_clusters", "job_cluster_key"},
                                             {"environments", "environment_key"},
                                             {"clusters", "label"}});

Json* entry(Json& array, std::string_view name, std::string_view index) {
  if (!array.is_array()) return nullptr;
  if (!index.starts_with("key=")) {
    size_t i = array.size();
    std::from_chars(index.data(), index.data() + index.size(), i);
    return i < array.size() ? &array[i] : nullptr;
  }
  for (const auto& row : keys) {
    if (row.array != name) continue;
    for (auto& each : array) {
      if (each.is_object() && each.contains(row.key) && each[row.key] == index.substr(4)) return &each;
    }
  }
  return nullptr;
}

Json* step(Json& from, std::string_view segment) {
  const size_t open = std::min(segment.find('['), segment.size());
  const std::string name(segment.substr(0, open));
  if (!from.is_object() || !from.contains(name)) return nullptr;
  Json* next = &from[name];
  if (open == segment.size()) return next;
  const std::string_view index = segment.substr(open + 1, segment.size() - open - 2);
  return entry(*next, name, index);
}

}  // namespace

std::optional<Json> document_of(const State& state, const std::string& object) {
  const Json* found = find_object(state, object);
  if (found == nullptr) return std::nullopt;
  if (object.starts_with("jobs/")) return found->at("settings");
  if (object.starts_with("pipelines/")) return found->value("spec", Json::object());
  if (!object.starts_with("clusters/")) return *found;
  Json libraries = Json::array();
  if (const auto all = state.libraries.find(object.substr(9)); all != state.libraries.end()) {
    for (const auto& each : all->second) libraries.push_back(each.library);
  }
  return Json{{"libraries", libraries}};
}

Json* locate(Json& document, std::string_view path) {
  path = path.substr(0, path.find('#'));
  Json* at = &document;
  while (at != nullptr && !path.empty()) {
    const std::string_view segment = path.substr(0, path.find('/'));
    at = step(*at, segment);
    path.remove_prefix(std::min(segment.size() + 1, path.size()));
  }
  return at;
}

}  // namespace mlship::testing::dbx
