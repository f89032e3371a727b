// Cluster policies, API 2.0: their libraries come to every cluster made by them, at its next start. An edit
// replaces the policy, so all of it is sent back; the service keeps a hundred revisions.
#include <array>

#include "core/error.h"
#include "deployers/databricks/kind.h"

namespace mlship::databricks {
namespace {

// What `get` tells and `edit` does not take. Everything else goes back as it came.
constexpr auto read_only =
    std::to_array<const char*>({"creator_user_name", "created_at_timestamp", "is_default"});

class Policies final : public Kind {
 public:
  [[nodiscard]] std::string_view prefix() const override { return "policies/"; }
  [[nodiscard]] Sites sites() const override { return library_sites(); }
  [[nodiscard]] Json settings(const Json& whole) const override { return whole; }

  [[nodiscard]] ObjectInfo info(const Document& document) const override {
    ObjectInfo info;
    info.id = document.id;
    info.name = text_at(document.whole, "name");
    info.kind = "databricks-policy";
    info.owner = text_at(document.whole, "creator_user_name");
    info.cls = ObjectClass::both;  // jobs and interactive clusters are made by it
    return info;
  }

  void list(Api& api, const Take& take) const override {
    Call call{"GET", "/api/2.0/policies/clusters/list"};
    call.doing = "list the cluster policies of " + api.host();
    const Json answer = api.call(call);
    for (const auto& policy : rows_of(answer, "policies", call.doing))
      take({"policies/" + text_at(policy, "policy_id"), policy, true});
  }

  [[nodiscard]] std::optional<Document> read(Api& api, const std::string& id) const override {
    Call call{"GET", "/api/2.0/policies/clusters/get", {{"policy_id", without_prefix(*this, id)}}};
    call.doing = "read cluster policy " + without_prefix(*this, id);
    return unless_absent(api, id, [&] { return api.call(call); });
  }

  std::string write(Api& api, const Write& write) const override {
    Call call{"POST", "/api/2.0/policies/clusters/edit"};
    call.body = write.settings;
    for (const auto* name : read_only) call.body.erase(name);
    // A policy of a family has its definition from there, and takes overrides only.
    if (!text_at(write.settings, "policy_family_id").empty()) call.body.erase("definition");
    call.repeat = Repeat::reread;
    call.read_at = write.before.read_at;
    call.doing = "edit cluster policy " + without_prefix(*this, write.before.id);
    api.call(call);
    return "";
  }
};

const Policies the_policies;

}  // namespace

const Kind& policies = the_policies;

}  // namespace mlship::databricks
