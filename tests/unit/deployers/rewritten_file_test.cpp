// Somebody writes a Compose or environment file anew: what a rollout wrote is found by its place in the
// document.
#include "host_fixture.h"

namespace mlship {
namespace {

class RewrittenFile : public HostTest {
 protected:
  // The rollout of `before`, then `after` is written in its place, then its undoing: `@` is the version.
  std::string undone(const std::string& file, const std::string& before, const std::string& after) {
    put(file, with("1.3.0", before));
    const auto settings = target("compose", {file}, {{"trust-pins", true}});
    auto operations = plan(*settings, release("1.4.0"));
    std::erase_if(operations.at(0).changes, [](const Change& change) { return change.from == change.to; });
    EXPECT_EQ(apply_all(*settings, operations), "written") << before;
    put(file, with("1.4.0", after));
    std::string out;
    for (const auto& op : operations) out = word(settings->apply(inverse(op), "r2." + op.id).kind);
    const std::string now = text(file);
    EXPECT_EQ(now, with(out == "written" ? "1.3.0" : "1.4.0", after));
    return out;
  }
  [[nodiscard]] std::string with(const std::string& version, std::string text) const {
    for (size_t i = text.find_first_of("@~"); i != std::string::npos; i = text.find_first_of("@~", i + 1))
      text.replace(i, 1, text[i] == '@' ? version : root() + "/opt");
    return text;
  }
};

TEST_F(RewrittenFile, TheSameDocumentInOtherWords) {
  const std::string before =
      "services:\n  b:\n    command: [run, churn==@, '--tree=~/churn/@']\n    environment: {PIN: churn==@}\n";
  const std::vector<std::string> after = {
      "services:\n    b:\n        command:\n        - run\n        - churn==@\n        - --tree=~/churn/@\n"
      "        environment:\n            PIN: churn==@\n",
      "{\"services\": {\"b\": {\"environment\": {\"PIN\": \"churn==@\"}, \"command\": [\"run\", "
      "\"churn==@\",\n"
      "\"--tree=~/churn/@\"]}}}\n",
      "# scoring\nservices:\n  a: {image: x}\n  b:\n    # what is run\n    environment:\n      # pin\n"
      "      PIN:\n        'churn==@'\n    command: ['run', \"churn==@\", \"--tree=~/churn/@\"]\n",
      "services:\n  b:\n    environment:\n      B: 1\n      PIN: >-\n        churn==@\n    command:\n\n      "
      "- run\n"
      "\n      - churn==@\n\n      - \"--tree=~/churn/@\"\n\n"};
  for (const auto& text : after) EXPECT_EQ(undone("srv/compose.yaml", before, text), "written") << text;
}

TEST_F(RewrittenFile, AVariableIsItsName) {
  EXPECT_EQ(undone("srv/score.env", "A=1\nPIN=churn==@\n", "# all\nexport PIN='churn==@'\n\nA=2\n"),
            "written");
  EXPECT_EQ(undone("srv/score.env", "PIN='x churn==@'\n", "B=1\nC=1\nPIN: \"x churn==@\" # c\n"), "written");
}

TEST_F(RewrittenFile, WhatIsNotSurelyTheSameIsAConflict) {
  const auto rewritten = [&](const std::string& before, const std::string& after) {
    return undone("srv/compose.yaml", "services:\n  b:\n    command: " + before, "services:\n  b:\n" + after);
  };
  // Another value of the list stands there now.
  EXPECT_EQ(rewritten("['~/churn/@:/a', '~/churn/1.4.0:/b']\n",
                      "    command:\n      - ~/churn/1.4.0:/b\n      - x:/c\n"),
            "conflict");
  // Of values that are alike one is gone.
  EXPECT_EQ(rewritten("['~/churn/@', '~/churn/1.4.0']\n", "    command:\n      - ~/churn/1.4.0\n"),
            "conflict");
  // Another service has it.
  EXPECT_EQ(undone("srv/compose.yaml", "services:\n  b: {image: x, command: [churn==@]}\n",
                   "services:\n  c:\n    image: x\n    command:\n      - churn==@\n"),
            "conflict");
  // A version that nobody of us wrote.
  EXPECT_EQ(undone("srv/compose.yaml", "services:\n  b: {image: x, command: [churn==@]}\n",
                   "services:\n  b:\n    image: x\n    command:\n      - churn==1.5.0\n"),
            "conflict");
}

// One of its values was taken out: the others still go back.
TEST_F(RewrittenFile, WhatIsLeftIsSaidPartByPart) {
  put("srv/compose.yaml",
      with("1.3.0", "services:\n  b: {labels: {p: churn==@}, environment: {q: churn==@}}\n"));
  const auto settings = target("compose", {"srv/compose.yaml"}, {{"trust-pins", true}});
  const auto operations = plan(*settings, release("1.4.0"));
  ASSERT_EQ(apply_all(*settings, operations), "written");
  put("srv/compose.yaml", "services:\n  b:\n    environment:\n      q: churn==1.4.0\n");
  const auto seen = settings->observe(inverse(operations[0]), "salt");
  ASSERT_EQ(seen.parts.size(), 2U);
  EXPECT_EQ(word(seen.parts[0].state), "gone");
  EXPECT_EQ(word(seen.parts[1].state), "pre");
}

// A quote in a folder's name stands twice in YAML, an escape in JSON: its spelling stays.
TEST_F(RewrittenFile, TheSpellingOfAFolderStays) {
  const std::string before =
      "services:\n  b: {command: ['~/it''s/churn/@/bin', \"~/it's \\u00e4/churn/@\", '~/it''s "
      "l/churn-@-py3-none-any.whl']}\n";
  put("srv/compose.yaml", with("1.3.0", before));
  std::string out;
  for (const auto& [install, library] :
       {std::pair{"/opt/it's", "/opt/it's l"}, std::pair{"/opt/it's \xc3\xa4", "/none"}}) {
    const auto settings = target("compose", {"srv/compose.yaml"},
                                 {{"install-root", root() + install}, {"library-path", root() + library}});
    const auto operations = plan(*settings, release("1.4.0"));
    ASSERT_EQ(operations.size(), 1U);
    for (const auto& change : operations[0].changes) out += change.to.substr(root().size()) + "\n";
    EXPECT_EQ(apply_all(*settings, operations), "written");
  }
  EXPECT_EQ(
      out,
      "/opt/it''s/churn/1.4.0\n/opt/it''s l/churn-1.4.0-py3-none-any.whl\n/opt/it's \\u00e4/churn/1.4.0\n");
  EXPECT_EQ(text("srv/compose.yaml"), with("1.4.0", before));
}

}  // namespace
}  // namespace mlship
