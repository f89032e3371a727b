// Who asks, who may what, and tokens of service principals.
#include <array>

#include "core/base64.h"
#include "core/digest.h"
#include "tests/support/databricks/api.h"

namespace mlship::testing::dbx {
namespace {

Reply me(Call& call) {
  Json groups = Json::array({{{"display", "users"}}});
  if (call.who.admin) groups.push_back({{"display", "admins"}});
  return json_reply({{"schemas", {"urn:ietf:params:scim:schemas:core:2.0:User"}},
                     {"id", "1001"},
                     {"userName", call.who.user},
                     {"displayName", call.who.user},
                     {"active", true},
                     {"groups", groups}});
}

struct KindRow {
  std::string_view segment, objects, type;
};
constexpr auto kinds = std::to_array<KindRow>({{"jobs", "jobs/", "job"},
                                               {"pipelines", "pipelines/", "pipelines"},
                                               {"clusters", "clusters/", "cluster"},
                                               {"cluster-policies", "policies/", "cluster-policy"}});

Reply permissions(Call& call) {
  const std::string path = call.request.path.substr(std::string_view("/api/2.0/permissions/").size());
  const size_t slash = path.find('/');
  for (const auto& kind : kinds) {
    if (path.substr(0, slash) != kind.segment) continue;
    const std::string object = std::string(kind.objects) + path.substr(slash + 1);
    if (find_object(call.state, object) == nullptr) absent(object + " does not exist.");
    require_view(call, object);
    Json list = Json::array();
    const auto add = [&](const Access& who) {
      const std::string level = level_of(who, object);
      if (level == "NONE") return;
      list.push_back({{"user_name", who.user},
                      {"all_permissions", {{{"permission_level", level}, {"inherited", false}}}}});
    };
    for (const auto& [token, who] : call.state.tokens) add(who);
    if (call.state.tokens.empty()) add(call.who);
    return json_reply({{"object_id", "/" + path}, {"object_type", kind.type}, {"access_control_list", list}});
  }
  invalid("Unknown object type in " + call.request.path);
}

Reply token(Call& call) {
  const auto form = read_form(call.request.body);
  const auto field = [&](const std::string& name) { return form.contains(name) ? form.at(name) : ""; };
  std::string id = field("client_id"), secret = field("client_secret");
  const std::string header = call.request.header("authorization");
  if (header.starts_with("Basic ")) {
    const std::string plain = base64_decode(header.substr(6)).value_or("");
    const size_t colon = std::min(plain.find(':'), plain.size());
    id = plain.substr(0, colon);
    secret = plain.substr(std::min(colon + 1, plain.size()));
  }
  const auto client = call.state.clients.find(id);
  if (field("grant_type") != "client_credentials") {
    return json_reply({{"error", "unsupported_grant_type"}, {"error_description", "client_credentials only"}},
                      400);
  }
  if (client == call.state.clients.end() || client->second != secret) {
    return json_reply({{"error", "invalid_client"}, {"error_description", "Client authentication failed"}},
                      401);
  }
  const std::string made = "oauth-" + sha256(id + std::to_string(call.now) + std::to_string(call.turn)).hex();
  Access access;
  access.user = id;
  // A token that stands under the client's id says what its holder may do.
  if (call.state.tokens.contains(id)) access = call.state.tokens[id];
  access.expires = call.now + call.switches.token_seconds * 1000;
  call.state.tokens[made] = access;
  return json_reply({{"access_token", made},
                     {"token_type", "Bearer"},
                     {"scope", "all-apis"},
                     {"expires_in", call.switches.token_seconds}});
}

Reply discovery(Call& call) {
  const std::string origin = "http://" + call.request.header("host");
  return json_reply({{"issuer", origin + "/oidc"},
                     {"authorization_endpoint", origin + "/oidc/v1/authorize"},
                     {"token_endpoint", origin + "/oidc/v1/token"}});
}

constexpr auto routes =
    std::to_array<Route>({{"GET", "/api/2.0/preview/scim/v2/Me", me},
                          {"GET", "/api/2.0/permissions/*/*", permissions},
                          {"POST", "/oidc/v1/token", token, true},
                          {"GET", "/oidc/.well-known/oauth-authorization-server", discovery, true}});

}  // namespace

std::span<const Route> identity_routes() {
  return routes;
}

}  // namespace mlship::testing::dbx
