#include "deployers/databricks/canonical.h"

#include <algorithm>
#include <array>
#include <map>

#include "core/digest.h"

namespace mlship::databricks {
namespace {

constexpr size_t digits = 32, salted_digits = 16;

// How the elements of a list are known (Databricks' own tools sort by the same members).
struct KeyRow {
  std::string_view list;
  std::string_view member;
};
constexpr auto keyed = std::to_array<KeyRow>({
    {"tasks", "task_key"},
    {"job_clusters", "job_cluster_key"},
    {"environments", "environment_key"},
    {"parameters", "name"},
    {"depends_on", "task_key"},
    {"on_start", "id"},
    {"on_success", "id"},
    {"on_failure", "id"},
    {"on_duration_warning_threshold_exceeded", "id"},
    {"on_streaming_backlog_exceeded", "id"},
});

// What the service fills in when it is not said.
struct DefaultRow {
  std::string_view member;
  std::string_view value;  // as JSON
};
constexpr auto defaults = std::to_array<DefaultRow>({
    {"run_if", "\"ALL_SUCCESS\""},
    {"timeout_seconds", "0"},
    {"max_retries", "0"},
    {"min_retry_interval_millis", "0"},
    {"retry_on_timeout", "false"},
    {"max_concurrent_runs", "1"},
    {"format", "\"MULTI_TASK\""},
    {"pause_status", "\"UNPAUSED\""},
    {"no_alert_for_skipped_runs", "false"},
    {"no_alert_for_canceled_runs", "false"},
    {"alert_on_last_attempt", "false"},
    {"source", "\"WORKSPACE\""},
    {"disabled", "false"},
    {"continuous", "false"},
    {"development", "false"},
    {"photon", "false"},
    {"serverless", "false"},
    {"channel", "\"CURRENT\""},
    {"enable_elastic_disk", "true"},
    {"enable_local_disk_encryption", "false"},
    {"performance_target", "\"PERFORMANCE_OPTIMIZED\""},
});

bool is_default(const std::string& member, const Json& value) {
  return std::any_of(defaults.begin(), defaults.end(), [&](const DefaultRow& row) {
    return row.member == member && value.dump() == row.value;
  });
}

bool empty(const Json& value) {
  return value.is_null() || (value.is_structured() && value.empty());
}

std::string key_of(const Json& element, std::string_view member) {
  if (!element.is_object()) return "";
  const auto found = element.find(member);
  return found == element.end() ? "" : found->dump();
}

void sort_by_key(const std::string& list, Json& elements) {
  const auto row = std::find_if(keyed.begin(), keyed.end(), [&](const KeyRow& r) { return r.list == list; });
  if (row == keyed.end()) return;
  std::stable_sort(elements.begin(), elements.end(), [&](const Json& a, const Json& b) {
    return key_of(a, row->member) < key_of(b, row->member);
  });
}

Json canonical_of(const std::string& name, const Json& value) {
  if (value.is_object()) {
    Json out = Json::object();
    for (const auto& [member, below] : value.items()) {
      if (is_default(member, below)) continue;
      Json part = canonical_of(member, below);
      if (!empty(part)) out[member] = std::move(part);
    }
    return out;
  }
  if (!value.is_array()) return value;
  Json out = Json::array();
  for (const auto& element : value) out.push_back(canonical_of("", element));
  sort_by_key(name, out);
  return out;
}

std::map<std::string, std::string> parts_of(std::string_view print) {
  std::map<std::string, std::string> parts;
  while (!print.empty()) {
    const size_t end = std::min(print.find(';'), print.size());
    const std::string_view part = print.substr(0, end);
    const size_t mark = std::min(part.find('='), part.size());
    parts.emplace(part.substr(0, mark), part.substr(std::min(mark + 1, part.size())));
    print.remove_prefix(std::min(end + 1, print.size()));
  }
  return parts;
}

}  // namespace

Json canonical(const Json& document) {
  return canonical_of("", document);
}

std::string print_of(const Json& document) {
  const Json plain = canonical(document);
  std::string out;
  for (const auto& [name, part] : plain.items()) {
    out.append(name).append("=").append(sha256(part.dump()).hex(), 0, digits).append(";");
  }
  return out;
}

std::string salted(const std::string& print, std::string_view salt) {
  std::string out;
  for (const auto& [name, digest] : parts_of(print)) {
    const std::string hidden = sha256(std::string(salt).append(name).append(digest)).hex();
    out.append(name).append("=").append(hidden, 0, salted_digits).append(";");
  }
  return out;
}

std::vector<std::string> differing_parts(const std::string& a, const std::string& b, bool whole) {
  const auto first = parts_of(a), second = parts_of(b);
  std::vector<std::string> out;
  for (const auto& [name, digest] : first) {
    const auto other = second.find(name);
    if (other == second.end() ? whole : other->second != digest) out.push_back(name);
  }
  for (const auto& [name, digest] : second) {
    if (whole && !first.contains(name)) out.push_back(name);
  }
  return out;
}

}  // namespace mlship::databricks
