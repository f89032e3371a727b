// Asks a workspace as a client would: one line a request.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "tests/support/databricks/workspace.h"

namespace mlship::testing::dbx {

struct Client {
  Workspace& workspace;
  std::string token = "t";

  Reply ask(const std::string& method, const std::string& target, const std::string& body = "") const {
    return workspace.handle(make_request(method, target, {{"authorization", "Bearer " + token}}, body));
  }
  // The answer of a request that must go well.
  Json get(const std::string& target) const { return good(ask("GET", target), target); }
  Json post(const std::string& target, const Json& body) const {
    return good(ask("POST", target, body.dump()), target);
  }
  Json put(const std::string& target, const Json& body) const {
    return good(ask("PUT", target, body.dump()), target);
  }
  // "400 INVALID_PARAMETER_VALUE" of one that must not.
  std::string refused(const std::string& method, const std::string& target, const Json& body = Json()) const {
    const Reply reply = ask(method, target, body.is_null() ? "" : body.dump());
    EXPECT_GE(reply.status, 400) << target << reply.body;
    const Json answer = Json::parse(reply.body, nullptr, false);
    return std::to_string(reply.status) + " " + (answer.is_object() ? answer.value("error_code", "") : "");
  }

 private:
  static Json good(const Reply& reply, const std::string& target) {
    EXPECT_EQ(reply.status, 200) << target << " " << reply.body;
    return reply.body.empty() ? Json() : Json::parse(reply.body);
  }
};

inline void add_jobs(Workspace& workspace, int count) {
  workspace.edit([&](State& state) {
    for (int i = 1; i <= count; ++i)
      state.put_job({{"job_id", i}, {"settings", {{"name", "job " + std::to_string(i)}}}});
  });
}

inline Json many(const char* key, const std::string& prefix, int count) {
  Json list = Json::array();
  for (int i = 0; i < count; ++i) list.push_back({{key, prefix + std::to_string(i)}});
  return list;
}

}  // namespace mlship::testing::dbx
