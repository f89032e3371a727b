#include "core/json.h"

#include <gtest/gtest.h>

#include "core/json_library.h"

namespace mlship {
namespace {

TEST(Json, CanonicalFormSortsKeysAndHasNoBlanks) {
  EXPECT_EQ(canonical_json(Json{{"b", 1}, {"a", {1, 2}}}), R"({"a":[1,2],"b":1})");
  EXPECT_EQ(canonical_json(Json{{"ä", "ö"}}), "{\"ä\":\"ö\"}");
}

std::string refusal(std::string_view text) {
  try {
    parse_json(text, ErrorCode::bundle, "x.json");
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::bundle);
    return e.message();
  }
  return "accepted";
}

TEST(Json, RefusesWhatCouldBeReadTwoWays) {
  EXPECT_EQ(refusal(R"({"a":1,"a":2})"), "cannot read x.json: the key 'a' stands twice");
  EXPECT_EQ(refusal(R"({"o":{"a":1},"p":{"a":2}})"), "accepted");
  EXPECT_NE(refusal("{} x"), "accepted");
  EXPECT_NE(refusal(""), "accepted");
  EXPECT_NE(refusal("\"\xff\""), "accepted");
  EXPECT_NE(refusal(std::string(200, '[') + std::string(200, ']')), "accepted");
  EXPECT_EQ(refusal(std::string(90, '[') + std::string(90, ']')), "accepted");
}

TEST(Json, ANulEndsNothing) {
  for (const std::string before : {R"({"a":1})", R"([1,2])", "7", R"({"a":)", "   ", R"(["x")"}) {
    for (const std::string after : {"", " ", R"({"b":2})", "garbage", "]}"}) {
      EXPECT_NE(refusal(before + std::string(1, '\0') + after), "accepted") << before << " NUL " << after;
    }
  }
  EXPECT_EQ(refusal(R"({"a":"\u0000"})"), "accepted");
}

// Members beside each other, below each other and with long names: what grows with their square takes
// minutes.
TEST(Json, LargeObjectsAreReadInOnePass) {
  constexpr int members = 100'000;
  std::string flat = "{", lists = "{\"rows\":{", close = "}}";
  for (int i = 0; i < members; ++i) {
    const std::string comma = i == 0 ? "" : ",", name = "\"k" + std::to_string(i) + "\":";
    flat += comma + name + "{\"dtype\":\"F32\"}";
    lists += comma + name + "[1,{\"x\":[]}]";
  }
  EXPECT_EQ(parse_json(flat + "}", ErrorCode::bundle, "x").size(), members);
  EXPECT_EQ(parse_json(lists + close, ErrorCode::bundle, "x")["rows"].size(), members);
  EXPECT_EQ(refusal(flat + ",\"k7\":1}"), "cannot read x.json: the key 'k7' stands twice");
}

TEST(Json, MembersAreHandedOverAsTheyCome) {
  std::string seen;
  const auto take = [&](const std::string& key, const Json& value) {
    seen += key + "=" + value.dump() + ";";
  };
  read_members(R"({"b":1,"a":{"x":[1,{"y":null}]},"c":[{},2]})", ErrorCode::bundle, "x.json", take);
  EXPECT_EQ(seen, R"(b=1;a={"x":[1,{"y":null}]};c=[{},2];)");
  for (const std::string bad : {R"({"a":1,"b":2,"a":3})", "[1]", "7", "{} 1", R"({"a":1)"}) {
    EXPECT_THROW(read_members(bad, ErrorCode::bundle, "x.json", take), Error) << bad;
  }
}

TEST(Json, ElementsAreHandedOverAndNotKept) {
  std::vector<std::string> seen;
  const Json rest = parse_json(
      R"({"head":{"n":[{"x":1}]},"rows":[{"a":1},{"a":{"b":[{"c":2}]}}],"tail":[3]})", ErrorCode::bundle,
      "x.json", [&](const std::string& key, const Json& row) { seen.push_back(key + row.dump()); });
  EXPECT_EQ(seen, (std::vector<std::string>{R"(rows{"a":1})", R"(rows{"a":{"b":[{"c":2}]}})"}));
  EXPECT_EQ(rest.dump(), R"({"head":{"n":[{"x":1}]},"rows":[],"tail":[3]})");
}

}  // namespace
}  // namespace mlship
