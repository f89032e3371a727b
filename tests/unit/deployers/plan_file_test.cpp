#include <gtest/gtest.h>

#include "tests/support/memory_ledger.h"

namespace mlship {
namespace {

using test::World;

Plan example(World& world) {
  world.edge->needs_carrier = true;
  world.edge->add("/etc/cron.d/caf\xe9:3", {"churn==1.3.0", "churn==1.2.0"});  // a path that is not UTF-8
  world.edge->add("b", {"churn>=1"});
  return world.plan("1.4.0");
}

std::string refused(const std::string& text) {
  try {
    parse_plan(text);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::bad_plan) << e.message();
    return e.message();
  }
  return "";
}

TEST(PlanFile, ComesBackAsItWas) {
  World world;
  const Plan plan = example(world);
  const Plan back = parse_plan(canonical_json(to_json(plan)));
  EXPECT_EQ(back.id, plan.id);
  EXPECT_EQ(canonical_json(to_json(back)), canonical_json(to_json(plan)));
  EXPECT_EQ(back.operations.at(0).object.id, "/etc/cron.d/caf\xe9:3");
  EXPECT_EQ(back.operations.at(0).changes.at(1).from_version, "1.2.0");
  EXPECT_EQ(back.carriers.size(), 1U);
  EXPECT_EQ(back.skipped.size(), 1U);
  EXPECT_EQ(parse_plan(to_json(plan).dump(2) + "\n").id, plan.id);  // layout is not content
}

TEST(PlanFile, AChangedContentNoLongerFitsTheId) {
  World world;
  Json json = to_json(example(world));
  json["operations"][0]["changes"][0]["to"] = "churn==6.6.6";
  EXPECT_NE(refused(json.dump()).find("changed after it was made"), std::string::npos);
}

TEST(PlanFile, HostileDocumentsAreRefused) {
  World world;
  const Json good = to_json(example(world));
  const auto edited = [&](const std::function<void(Json&)>& edit) {
    Json json = good;
    edit(json);
    return refused(json.dump());
  };
  const std::vector<std::function<void(Json&)>> edits = {
      [](Json& j) { j["more"] = 1; },
      [](Json& j) { j.erase("salt"); },
      [](Json& j) { j["schema"] = "mlship.plan-file/2"; },
      [](Json& j) { j["strict"] = "yes"; },
      [](Json& j) { j["direction"] = "sideways"; },
      [](Json& j) { j["scheme"] = "calver"; },
      [](Json& j) { j["to"]["version"] = "not a version"; },
      [](Json& j) { j["to"]["digest"] = "md5:00"; },
      [](Json& j) { j["to"] = nullptr; },
      [](Json& j) { j["inverse_of"] = "20260101T000000Z-0000"; },
      [](Json& j) { j["operations"] = Json::object(); },
      [](Json& j) { j["operations"][0]["id"] = "../../../etc/passwd"; },
      [](Json& j) { j["operations"][0]["run"] = "rm"; },
      [](Json& j) { j["operations"][0]["object"]["class"] = "root"; },
      [](Json& j) { j["operations"][0]["changes"] = Json::array(); },
      [](Json& j) { j["operations"][0]["changes"][0]["form"] = "shell"; },
      [](Json& j) { j["operations"][0]["changes"][0]["from"] = ""; },
      [](Json& j) { j["operations"][0]["changes"][0]["from"] = 7; },
      [](Json& j) { j["operations"][0]["changes"][0]["from"] = {{"hex", "0g"}}; },
      [](Json& j) { j["operations"][0]["carriers"].push_back("tree:elsewhere"); },
      [](Json& j) { j["operations"].push_back(j["operations"][0]); },
      [](Json& j) { j["carriers"][0]["digest"] = 1; },
      [](Json& j) { j["skipped"][0]["reason"] = "because"; },
      [](Json& j) { j["id"] = "plan-0"; },
  };
  for (size_t i = 0; i < edits.size(); ++i) EXPECT_NE(edited(edits[i]), "") << "edit " << i;
}

TEST(PlanFile, TextsThatAreNoDocumentAreRefused) {
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("null"), std::string(100'000, '['),
        std::string("\xff\xfe"), std::string("{\"id\":1,\"id\":2}")}) {
    EXPECT_NE(refused(text), "") << text.substr(0, 20);
  }
  EXPECT_NE(refused(std::string((64U << 20U) + 1, ' ')).find("larger than"), std::string::npos);
}

}  // namespace
}  // namespace mlship
