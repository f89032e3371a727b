// What the handlers of the API share. A handler changes the state or throws a Refusal; it holds the
// workspace's lock and never waits.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tests/support/databricks/state.h"

namespace mlship::testing::dbx {

// One request under way.
struct Call {
  State& state;
  const Switches& switches;
  const Access& who;
  const Request& request;
  Json body;               // the JSON sent, {} when none was
  std::int64_t now = 0;    // milliseconds since the epoch
  std::uint64_t turn = 0;  // the request's number
  std::string rest;        // what `**` of the route stands for, with its leading `/`
};

using Handler = Reply (*)(Call&);
struct Route {
  std::string_view method, pattern;  // `*` is one segment, `**` at the end one or more
  Handler handler;
  bool open = false;  // needs no token
};
std::span<const Route> job_routes();
std::span<const Route> run_routes();
std::span<const Route> pipeline_routes();
std::span<const Route> cluster_routes();
std::span<const Route> library_routes();
std::span<const Route> policy_routes();
std::span<const Route> file_routes();
std::span<const Route> workspace_file_routes();
std::span<const Route> dbfs_routes();
std::span<const Route> identity_routes();
// nullptr: no such route.
const Route* find_route(const Request& request);
bool matches(std::string_view pattern, std::string_view path);

[[noreturn]] void invalid(const std::string& message);  // 400 INVALID_PARAMETER_VALUE
[[noreturn]] void absent(const std::string& message);   // 404 RESOURCE_DOES_NOT_EXIST
[[noreturn]] void denied(const Call& call, const std::string& right, const std::string& object);

// NONE, CAN_VIEW, CAN_MANAGE_RUN, CAN_MANAGE or IS_OWNER.
std::string level_of(const Access& who, const std::string& object);
bool can_view(const Access& who, const std::string& object);
bool can_manage(const Access& who, const std::string& object);
void require_view(const Call& call, const std::string& object);
void require_manage(const Call& call, const std::string& object);

// Fields of the body or the query; a missing one is refused by name.
std::string text_of(const Call& call, const std::string& name);
std::int64_t number_of(const Call& call, const std::string& name);
std::optional<std::int64_t> optional_number(const Call& call, const std::string& name);
bool flag_of(const Call& call, const std::string& name);

// A page of `all` after the token's place; writes next_page_token into `answer`.
struct Page {
  size_t begin = 0, end = 0;
};
Page page_of(const Call& call, size_t total, const char* size_name, std::int64_t standard, std::int64_t most,
             Json& answer);
std::string token_of(std::string_view place);
std::string place_of(const std::string& token);

// Why a run or installation with this library must fail; "" when it need not.
std::string library_problem(const State& state, const Json& library);
std::int64_t start_run(Call& call, std::int64_t job, const Json& settings);

}  // namespace mlship::testing::dbx
