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

// As mlship wrote it before a skipped object had more than its id; ledgers keep such plans.
constexpr auto form_1 =
    R"({"carriers":[{"digest":"sha256:5d9c36085d1bc1899edd6140cb665dab208d63c287f5b7663bcc907a73c)"
    R"(5aedb","id":"tree:/srv/opt/churn/1.4.0","place":"/srv/opt/churn/1.4.0"}],"direction":"up",)"
    R"("environment":"default","id":"plan-cb70bbf6061ddcddba4fdeffaca2030be2da861d7a092959f9cf354)"
    R"(b0a623843","inverse_of":"","operations":[{"carriers":["tree:/srv/opt/churn/1.4.0"],"change)"
    R"(s":[{"form":"folder","from":"/srv/opt/churn/1.3.0","from_version":"1.3.0","path":"1:16","t)"
    R"(o":"/srv/opt/churn/1.4.0","to_version":"1.4.0","warnings":[]}],"id":"op-0001","locator":{")"
    R"(file":"/srv/etc/cron.d/churn"},"object":{"class":"job","id":"/srv/etc/cron.d/churn:1","kin)"
    R"(d":"cron-entry","name":"churn:score","owner":"","schedule":"0 3 * * *"},"rest":"sha256:d04)"
    R"(63c9815d2ad9b5e174655214889c9de3dc7d1e31fbe74e258cf6c2baf6163","target":"edge","token":"sh)"
    R"(a256:576aae786b67909b704d596b8d14dbf0cabcba9f02d25659d264c069dd6cc5f8"}],"package":"churn")"
    R"(,"salt":"19f06e0aa96a33d252d26851ea4d1cc9","schema":"mlship.plan-file/1","scheme":"pep440")"
    R"(,"skipped":[{"detail":"","from":"churn>=1","hint":"","object":"/srv/etc/cron.d/churn:2","p)"
    R"(ath":"2:29","reason":"range","strict":false,"target":"edge"}],"strict":false,"to":{"digest)"
    R"(":"sha256:5d9c36085d1bc1899edd6140cb665dab208d63c287f5b7663bcc907a73c5aedb","version":"1.4)"
    R"(.0"}})";

TEST(PlanFile, AnOlderFormIsRead) {
  const Plan plan = parse_plan(form_1);
  ASSERT_EQ(plan.skipped.size(), 1U);
  EXPECT_EQ(plan.skipped[0].object.id, "/srv/etc/cron.d/churn:2");
  EXPECT_EQ(plan.skipped[0].reason, Reason::range);
  EXPECT_EQ(plan.operations.at(0).object.name, "churn:score");
  // Written again it has the newer form, and an id of its own.
  const Json now = to_json(plan);
  EXPECT_EQ(now["schema"], "mlship.plan-file/3");
  EXPECT_EQ(now["skipped"][0]["object"]["id"], "/srv/etc/cron.d/churn:2");
}

TEST(PlanFile, TheFormsAreNotMixed) {
  std::string text = form_1;
  text.replace(text.find("plan-file/1"), 11, "plan-file/2");
  EXPECT_NE(refused(text).find("changed after it was made"), std::string::npos);
  World world;
  Json json = to_json(example(world));
  json["schema"] = "mlship.plan-file/1";
  EXPECT_NE(refused(json.dump()).find("changed after it was made"), std::string::npos);
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
      [](Json& j) { j["schema"] = "mlship.plan-file/4"; },
      [](Json& j) { j["strict"] = "yes"; },
      [](Json& j) { j["flags"]["compat"] = "all"; },
      [](Json& j) { j["flags"]["include_owned"] = "yes"; },
      [](Json& j) { j["skipped"][0]["accepted"] = 1; },
      [](Json& j) { j["operations"][0]["changes"][0]["to"] = j["operations"][0]["changes"][0]["from"]; },
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
  EXPECT_NE(refused(std::string(largest_plan + 1, ' ')).find("larger than"), std::string::npos);
}

}  // namespace
}  // namespace mlship
