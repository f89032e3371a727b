#include "tests/support/databricks/api.h"

#include <array>
#include <charconv>

#include "core/base64.h"

namespace mlship::testing::dbx {
namespace {

constexpr auto levels =
    std::to_array<std::string_view>({"NONE", "CAN_VIEW", "CAN_READ", "CAN_USE", "CAN_ATTACH_TO",
                                     "CAN_MANAGE_RUN", "CAN_RESTART", "CAN_MANAGE", "IS_OWNER"});

size_t rank(std::string_view level) {
  for (size_t i = 0; i < levels.size(); ++i) {
    if (levels[i] == level) return i;
  }
  throw Refusal{500, "INTERNAL_ERROR", "unknown permission level " + std::string(level)};
}

std::optional<std::int64_t> read_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

bool matches(std::string_view pattern, std::string_view path) {
  while (true) {
    if (pattern == "/**") return path.size() > 1;
    if (pattern.empty() || path.empty()) return pattern.empty() && path.empty();
    const std::string_view want = pattern.substr(0, pattern.find('/', 1));
    const std::string_view have = path.substr(0, path.find('/', 1));
    if (want != "/*" ? want != have : have.size() < 2) return false;
    pattern.remove_prefix(want.size());
    path.remove_prefix(have.size());
  }
}

const Route* find_route(const Request& request) {
  const std::array tables{job_routes(),     run_routes(),     pipeline_routes(), cluster_routes(),
                          library_routes(), policy_routes(),  file_routes(),     workspace_file_routes(),
                          dbfs_routes(),    identity_routes()};
  for (const auto& table : tables) {
    for (const auto& route : table) {
      if (route.method == request.method && matches(route.pattern, request.path)) return &route;
    }
  }
  return nullptr;
}

void invalid(const std::string& message) {
  throw Refusal{400, "INVALID_PARAMETER_VALUE", message};
}
void absent(const std::string& message) {
  throw Refusal{404, "RESOURCE_DOES_NOT_EXIST", message};
}
void denied(const Call& call, const std::string& right, const std::string& object) {
  throw Refusal{403, "PERMISSION_DENIED",
                "User " + call.who.user + " does not have " + right + " permissions on " + object + "."};
}

std::string level_of(const Access& who, const std::string& object) {
  const auto found = who.levels.find(object);
  return found == who.levels.end() ? who.others : found->second;
}
bool can_view(const Access& who, const std::string& object) {
  return level_of(who, object) != "NONE";
}
bool can_manage(const Access& who, const std::string& object) {
  return rank(level_of(who, object)) >= rank("CAN_MANAGE");
}
void require_view(const Call& call, const std::string& object) {
  if (!can_view(call.who, object)) denied(call, "View", object);
}
void require_manage(const Call& call, const std::string& object) {
  require_view(call, object);
  if (!can_manage(call.who, object)) denied(call, "Manage", object);
}

std::string text_of(const Call& call, const std::string& name) {
  if (call.body.is_object() && call.body.contains(name) && call.body[name].is_string())
    return call.body[name];
  if (call.request.query.contains(name)) return call.request.query.at(name);
  invalid("Missing required field: " + name);
}

std::optional<std::int64_t> optional_number(const Call& call, const std::string& name) {
  std::optional<std::int64_t> value;
  if (call.body.is_object() && call.body.contains(name)) {
    const Json& given = call.body[name];
    value = given.is_number_integer() ? given.get<std::int64_t>()
            : given.is_string()       ? read_number(given.get<std::string>())
                                      : std::nullopt;
  } else if (call.request.query.contains(name)) {
    value = read_number(call.request.query.at(name));
  } else {
    return std::nullopt;
  }
  if (!value) invalid("Field " + name + " is not a number");
  return value;
}

std::int64_t number_of(const Call& call, const std::string& name) {
  const auto value = optional_number(call, name);
  if (!value) invalid("Missing required field: " + name);
  return *value;
}

bool flag_of(const Call& call, const std::string& name) {
  if (call.body.is_object() && call.body.contains(name)) {
    const Json& given = call.body[name];
    return given.is_boolean() ? given.get<bool>() : given == Json("true");
  }
  return call.request.parameter(name) == "true";
}

std::string token_of(std::string_view place) {
  return base64_encode("p:" + std::string(place));
}

std::string place_of(const std::string& token) {
  const auto plain = base64_decode(token);
  if (!plain || !plain->starts_with("p:")) invalid("Invalid page token");
  return plain->substr(2);
}

Page page_of(const Call& call, size_t total, const char* size_name, std::int64_t standard, std::int64_t most,
             Json& answer) {
  const std::int64_t size = optional_number(call, size_name).value_or(standard);
  if (size < 1 || size > most)
    invalid(std::string(size_name) + " must be between 1 and " + std::to_string(most));
  size_t begin = 0;
  if (const std::string token = call.request.parameter("page_token"); !token.empty()) {
    const auto place = read_number(place_of(token));
    if (!place || *place < 0) invalid("Invalid page token");
    begin = std::min(static_cast<size_t>(*place), total);
  }
  const size_t end = std::min(total, begin + static_cast<size_t>(size));
  if (end < total) answer["next_page_token"] = token_of(std::to_string(end));
  return {begin, end};
}

std::string library_problem(const State& state, const Json& library) {
  for (const char* kind : {"whl", "jar", "egg"}) {
    if (!library.is_object() || !library.contains(kind) || !library[kind].is_string()) continue;
    std::string path = canonical_path(library[kind].get<std::string>());
    const bool ours =
        path.starts_with("/Volumes/") || path.starts_with("/Workspace/") || path.starts_with("dbfs:/");
    if (ours && !state.files.contains(path)) {
      return "Library installation failed for " + std::string(kind) + " " + path + ": file not found";
    }
  }
  return "";
}

}  // namespace mlship::testing::dbx
