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

}  // namespace
}  // namespace mlship
