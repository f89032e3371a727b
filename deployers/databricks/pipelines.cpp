// Pipelines, API 2.0: the list has no spec, so each is read; a PUT carries expected_last_modified, so that
// nobody's edit is lost.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/error.h"
#include "deployers/databricks/kind.h"

namespace mlship::databricks {
namespace {

class Pipelines final : public Kind {
 public:
  [[nodiscard]] std::string_view prefix() const override { return "pipelines/"; }
  [[nodiscard]] Sites sites() const override { return pipeline_sites(); }
  [[nodiscard]] Json settings(const Json& whole) const override { return member_of(whole, "spec"); }

  [[nodiscard]] ObjectInfo info(const Document& document) const override {
    ObjectInfo info;
    info.id = document.id;
    info.name = text_at(document.whole, "name");
    if (info.name.empty()) info.name = text_at(member_of(document.whole, "spec"), "name");
    info.kind = "databricks-pipeline";
    const bool continuous = member_of(member_of(document.whole, "spec"), "continuous") == Json(true);
    info.schedule = continuous ? "continuous" : "";
    info.owner = text_at(document.whole, "creator_user_name");
    info.cls = continuous ? ObjectClass::service : ObjectClass::job;
    return info;
  }

  [[nodiscard]] Owner owner(const Json& whole) const override {
    const Json& deployment = member_of(member_of(whole, "spec"), "deployment");
    if (text_at(deployment, "kind") != "BUNDLE") return {};
    const std::string file = text_at(deployment, "metadata_file_path");
    return {
        "a Databricks asset bundle owns it: change the bundle" + (file.empty() ? "" : " deployed to " + file),
        false};
  }

  [[nodiscard]] std::string token(const Json& whole) const override {
    return text_at(whole, "last_modified");
  }

  [[nodiscard]] std::vector<std::string> warnings(const Json& settings, const std::string&) const override {
    const Json& clusters = member_of(settings, "clusters");
    if (!clusters.is_array()) return {};
    for (const auto& cluster : clusters) {
      if (!text_at(cluster, "policy_id").empty()) return {"policy-defaults"};
    }
    return {};
  }

  void list(Api& api, const Take& take) const override {
    const std::string doing = "list the pipelines of " + api.host();
    std::string token;
    do {
      Call call{"GET", "/api/2.0/pipelines", {{"max_results", "100"}}};
      if (!token.empty()) call.query.emplace_back("page_token", token);
      call.doing = doing;
      const Json answer = api.call(call);
      std::vector<std::string> ids;
      for (const auto& row : rows_of(answer, "statuses", doing)) {
        ids.push_back("pipelines/" + text_at(row, "pipeline_id"));
      }
      std::vector<std::optional<Document>> found(ids.size());
      in_parallel(ids.size(), api.clock(), [&](size_t i) {
        try {
          found[i] = read(api, ids[i]);
        } catch (const Error& e) {
          if (e.code() != ErrorCode::forbidden && e.code() != ErrorCode::http_refused) throw;
          found[i] = Document{ids[i], nullptr, true, e.message()};
        }
      });
      for (auto& document : found) {
        if (document) take(std::move(*document));
      }
      const std::string next = next_page(answer, token, doing);
      token = next;
    } while (!token.empty());
  }

  [[nodiscard]] std::optional<Document> read(Api& api, const std::string& id) const override {
    Call call{"GET", "/api/2.0/pipelines/" + url_encoded(without_prefix(*this, id))};
    call.doing = "read pipeline " + without_prefix(*this, id);
    return unless_absent(api, id, [&] { return api.call(call); });
  }

  std::string write(Api& api, const Write& write) const override {
    const Json& whole = write.before.whole;
    if (!member_of(whole, "last_modified").is_number_integer()) {
      throw Error(ErrorCode::http_refused, "cannot update pipeline " +
                                               without_prefix(*this, write.before.id) +
                                               ": it shows no last_modified to write against");
    }
    Call call{"PUT", "/api/2.0/pipelines/" + url_encoded(without_prefix(*this, write.before.id))};
    call.body = write.settings;
    call.body["expected_last_modified"] = member_of(whole, "last_modified");
    // These stand beside the spec in the answer and would be lost.
    for (const std::string_view beside : {"run_as", "parameters"}) {
      if (const Json& value = member_of(whole, beside); !value.is_null())
        call.body[std::string(beside)] = value;
    }
    call.repeat = Repeat::reread;
    call.read_at = write.before.read_at;
    call.doing = "update pipeline " + without_prefix(*this, write.before.id);
    try {
      api.call(call);
    } catch (const Error& e) {
      constexpr auto may_be_a_race = std::to_array<ErrorCode>(
          {ErrorCode::http_refused, ErrorCode::http_conflict, ErrorCode::http_precondition});
      if (std::find(may_be_a_race.begin(), may_be_a_race.end(), e.code()) == may_be_a_race.end()) throw;
      // How a lost race is answered is not documented: what stands there now tells.
      const auto now = read(api, write.before.id);
      if (!now || token(now->whole) == token(whole)) throw;
      throw Error(ErrorCode::http_precondition, e.message());
    }
    return "";
  }
};

const Pipelines the_pipelines;

}  // namespace

const Kind& pipelines = the_pipelines;

}  // namespace mlship::databricks
