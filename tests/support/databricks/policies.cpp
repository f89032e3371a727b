// Cluster policies: an edit replaces the whole policy, an administrator's right; 100 revisions are kept.
#include <array>

#include "tests/support/databricks/api.h"

namespace mlship::testing::dbx {
namespace {

constexpr size_t most_libraries = 500;
constexpr size_t most_revisions = 100;

Json& policy_of(Call& call) {
  const std::string id = text_of(call, "policy_id");
  const auto found = call.state.policies.find(id);
  if (found == call.state.policies.end()) absent("Policy " + id + " does not exist.");
  require_view(call, "policies/" + id);
  return found->second;
}

Reply list_policies(Call& call) {
  Json policies = Json::array();
  for (const auto& [id, policy] : call.state.policies) {
    if (can_view(call.who, "policies/" + id)) policies.push_back(policy);
  }
  return json_reply({{"policies", policies}, {"total_count", policies.size()}});
}

Reply get_policy(Call& call) {
  return json_reply(policy_of(call));
}

void require_admin(const Call& call, const std::string& object) {
  if (!call.who.admin) denied(call, "Manage", object);
}

void check_policy(const Json& policy) {
  if (policy.value("libraries", Json::array()).size() > most_libraries) {
    invalid("A policy may have at most 500 libraries.");
  }
  if (!policy.contains("name")) invalid("Missing required field: name");
}

Reply edit_policy(Call& call) {
  Json& policy = policy_of(call);
  const std::string id = policy["policy_id"];
  require_admin(call, "policies/" + id);
  check_policy(call.body);
  auto& revisions = call.state.revisions[id];
  revisions.push_back(policy);
  if (revisions.size() > most_revisions) revisions.erase(revisions.begin());
  Json changed = call.body;
  for (const char* key : {"created_at_timestamp", "creator_user_name", "is_default"}) {
    if (policy.contains(key)) changed[key] = policy[key];
  }
  policy = std::move(changed);
  return json_reply(Json::object());
}

Reply create_policy(Call& call) {
  require_admin(call, "policies");
  check_policy(call.body);
  const std::string id = "policy-" + std::to_string(call.state.next_id++);
  Json policy = call.body;
  policy.update({{"policy_id", id},
                 {"created_at_timestamp", call.now},
                 {"creator_user_name", call.who.user},
                 {"is_default", false}});
  call.state.policies[id] = std::move(policy);
  return json_reply({{"policy_id", id}});
}

Reply delete_policy(Call& call) {
  const std::string id = policy_of(call)["policy_id"];
  require_admin(call, "policies/" + id);
  call.state.policies.erase(id);
  return json_reply(Json::object());
}

constexpr auto routes = std::to_array<Route>({{"GET", "/api/2.0/policies/clusters/list", list_policies},
                                              {"GET", "/api/2.0/policies/clusters/get", get_policy},
                                              {"POST", "/api/2.0/policies/clusters/edit", edit_policy},
                                              {"POST", "/api/2.0/policies/clusters/create", create_policy},
                                              {"POST", "/api/2.0/policies/clusters/delete", delete_policy}});

}  // namespace

std::span<const Route> policy_routes() {
  return routes;
}

}  // namespace mlship::testing::dbx
