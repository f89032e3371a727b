#include "core/toml.h"

#include <gtest/gtest.h>

namespace mlship {
namespace {

std::string failure(std::string_view text) {
  try {
    (void)toml::parse(text, "x.toml", ErrorCode::project_file);
    return "no error";
  } catch (const Error& e) {
    return e.message();
  }
}

TEST(Toml, KeepsOrderAndPositions) {
  const auto root =
      toml::parse("[b]\nz = 1\na = \"x\"\n\n[[list]]\nk = true\n", "x.toml", ErrorCode::project_file);
  ASSERT_EQ(root.table()->size(), 2U);
  EXPECT_EQ((*root.table())[0].key, "b");
  const auto* b = root.find("b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ((*b->value->table())[0].key, "z");
  const auto* a = b->value->find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->key_at.line, 3U);
  EXPECT_EQ(a->key_at.column, 1U);
  EXPECT_EQ(a->value->at.column, 5U);
  EXPECT_EQ(*a->value->string(), "x");
  EXPECT_EQ(root.find("list")->value->array()->size(), 1U);
  EXPECT_EQ(root.find("list")->value->type_name(), "an array");
  EXPECT_EQ(root.find("absent"), nullptr);
}

TEST(Toml, ANulEndsNothing) {
  for (const std::string before : {"a = 1", "a = 1\n", "", "# comment", "a = \"x", "[t]\n", "a = '''x"}) {
    for (const std::string after : {"", "\nb = 2\n", "'''\n", "\"\n"}) {
      EXPECT_NE(failure(before + std::string(1, '\0') + after), "no error") << before << " NUL " << after;
    }
  }
}

TEST(Toml, SyntaxErrorsSayWhere) {
  EXPECT_TRUE(failure("a = 1\nb = \n").starts_with("cannot read x.toml:2:5: ")) << failure("a = 1\nb = \n");
  EXPECT_TRUE(failure("a = 1\na = 2\n").starts_with("cannot read x.toml:2:")) << failure("a = 1\na = 2\n");
  EXPECT_TRUE(failure("a = \"\xff\"\n").starts_with("cannot read x.toml:1:")) << failure("a = \"\xff\"\n");
  EXPECT_NE(failure(std::string(5000, '[')), "no error");
}

TEST(Toml, DatesAreRefused) {
  EXPECT_EQ(failure("a = 2026-11-21\n"),
            "cannot read x.toml:1:5: a date or time is not a value of any key; write it as a string");
}

TEST(Toml, DatesOfOtherProgramsAreStrings) {
  const toml::Node root = parse("a = 2026-11-21\nb = 10:00:00\nc = 2026-11-21T10:00:00Z\n", "x.toml",
                                ErrorCode::internal, toml::Dates::strings);
  EXPECT_EQ(*root.find("a")->value->string(), "2026-11-21");
  EXPECT_EQ(*root.find("b")->value->string(), "10:00:00");
  EXPECT_EQ(*root.find("c")->value->string(), "2026-11-21T10:00:00Z");
}

// Whatever nests, in a thread with a small stack's depth of text: an error, never the end of the stack.
TEST(Toml, DeepTextsAreRefused) {
  const auto many = [](const std::string& unit, int count = 200'000) {
    std::string out;
    for (int i = 0; i < count; ++i) out += unit;
    return out;
  };
  const std::vector<std::string> texts = {many("a.") + "b = 1",
                                          "[" + many("a.") + "b]",
                                          "[[" + many("'a'.") + "b]]",
                                          "x = {" + many("\"a\" . ") + "b = 1}",
                                          "x = " + many("["),
                                          "x = " + many("{a="),
                                          "x = " + many("{a.b.c.d.e.f=", 300),
                                          many("[")};
  for (const auto& text : texts)
    EXPECT_THROW((void)toml::parse(text, "x.toml", ErrorCode::project_file), Error) << text.substr(0, 20);
  const std::string dots(100, '.');
  for (const std::string& text : std::vector<std::string>{
           "x = \"" + dots + "\\\"" + dots + "\"", "x = '" + dots + "'", "x = 1 # " + dots,
           "x = \"\"\"\n" + dots + "\"\"\"", "[a.b.c.d]\nx.y.z = 1.5"})
    EXPECT_NO_THROW((void)toml::parse(text, "x.toml", ErrorCode::project_file)) << text;
}

}  // namespace
}  // namespace mlship
