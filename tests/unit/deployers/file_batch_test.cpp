// Several objects of one file are one write; each has its own result, and one that does not fit stops no
// other.
#include "host_fixture.h"
#include <sys/stat.h>

#include "deployers/file_object.h"

namespace mlship {
namespace {

class FileBatchTest : public HostTest {
 protected:
  [[nodiscard]] std::string entry(size_t i, const std::string& version) const {
    return std::to_string(i) + " 1 * * * root " + root() + "/opt/churn/" + version + "/bin/score --job " +
           std::to_string(i) + "\n";
  }
  [[nodiscard]] std::string entries(const std::vector<std::string>& versions) const {
    std::string out;
    for (size_t i = 0; i < versions.size(); ++i) out += entry(i, versions[i]);
    return out;
  }
  static std::string together(Target& target, const std::vector<Operation>& operations) {
    std::vector<Sending> sendings;
    for (const auto& op : operations) sendings.push_back({&op, "r1." + op.id});
    std::string out;
    for (const auto& result : target.apply_all(sendings)) out += (out.empty() ? "" : " ") + word(result.kind);
    return out;
  }
  // Crontabs of a system that says of each text why it would not take it.
  using Refusal = std::function<std::string(const Path&, std::string_view, std::string_view)>;
  std::unique_ptr<Target> guarded(Refusal refusal) {
    TargetSection section;
    section.name = "edge";
    section.kind = "cron";
    section.values["files"] = std::vector<std::string>{root() + "/cron.d/*"};
    section.values["install-root"] = root() + "/opt";
    project_.folder = folder_.path();
    const auto parse = [](const Path&, std::string_view text) { return parse_crontab(text, true); };
    return make_file_target(
        section, project_,
        {parse, [](const Path&) { return true; }, ObjectClass::job, {}, nullptr, {}, std::move(refusal), {}});
  }
};

TEST_F(FileBatchTest, AllOfAFileIsWrittenAndComesBackByteForByte) {
  const std::string old = entries(std::vector<std::string>(40, "1.3.0"));
  put("cron.d/jobs", old);
  const auto edge = target("cron", {root() + "/cron.d/*"});
  auto operations = plan(*edge, release("1.4.0"));
  ASSERT_EQ(operations.size(), 40U);
  EXPECT_EQ(together(*edge, operations).find("conflict"), std::string::npos);
  EXPECT_EQ(text("cron.d/jobs"), entries(std::vector<std::string>(40, "1.4.0")));
  for (auto& op : operations) op = inverse(op);
  together(*edge, operations);
  EXPECT_EQ(text("cron.d/jobs"), old);
  EXPECT_EQ(fs::list(at("cron.d")).size(), 1U);
}

TEST_F(FileBatchTest, WhatDoesNotFitStopsNoOther) {
  put("cron.d/jobs", entries({"1.3.0", "1.3.0", "1.3.0", "1.3.0"}));
  const auto edge = target("cron", {root() + "/cron.d/*"});
  auto operations = plan(*edge, release("1.4.0"));
  put("cron.d/jobs", "# by hand\n" + entries({"1.3.0", "1.2.0", "1.4.0", "1.3.0"}));
  EXPECT_EQ(together(*edge, operations), "written conflict already written");
  EXPECT_EQ(text("cron.d/jobs"), "# by hand\n" + entries({"1.4.0", "1.2.0", "1.4.0", "1.4.0"}));
}

TEST_F(FileBatchTest, OneObjectIsWrittenOnce) {
  put("cron.d/jobs", entries({"1.3.0", "1.3.0"}));
  const auto edge = target("cron", {root() + "/cron.d/*"});
  auto operations = plan(*edge, release("1.4.0"));
  operations.push_back(operations.front());
  EXPECT_EQ(together(*edge, operations), "written written conflict");
  EXPECT_EQ(text("cron.d/jobs"), entries({"1.4.0", "1.4.0"}));
}

TEST_F(FileBatchTest, ARecordThatCannotBeReadStopsNoOther) {
  put("cron.d/jobs", entries({"1.3.0", "1.3.0"}));
  const auto edge = target("cron", {root() + "/cron.d/*"});
  auto operations = plan(*edge, release("1.4.0"));
  operations[0].locator["anchors"] = "none";
  EXPECT_EQ(together(*edge, operations), "conflict written");
  const std::vector<const Operation*> pointers{&operations[0], &operations[1]};
  const auto seen = edge->observe_all(pointers, "salt");
  EXPECT_EQ(word(seen[0].state) + " " + word(seen[1].state), "conflict post");
}

TEST_F(FileBatchTest, WhatTheSystemWouldNotTakeIsFoundAndTheRestIsWritten) {
  put("cron.d/jobs", entries({"1.3.0", "1.3.0", "1.3.0", "1.3.0", "1.3.0"}));
  const auto edge = guarded([&](const Path&, std::string_view, std::string_view after) {
    const bool bad = after.find("1.4.0/bin/score --job 1") != std::string_view::npos ||
                     after.find("1.4.0/bin/score --job 4") != std::string_view::npos;
    return std::string(bad ? "it does not like it" : "");
  });
  EXPECT_EQ(together(*edge, plan(*edge, release("1.4.0"))), "written refused written written refused");
  EXPECT_EQ(text("cron.d/jobs"), entries({"1.4.0", "1.3.0", "1.4.0", "1.4.0", "1.3.0"}));
}

TEST_F(FileBatchTest, AnEditInBetweenIsReadAndKept) {
  put("cron.d/jobs", entries({"1.3.0", "1.3.0", "1.3.0"}));
  int asked = 0;
  const auto edge = guarded([&](const Path&, std::string_view, std::string_view) {
    if (++asked == 1) put("cron.d/jobs", "# theirs\n" + entries({"1.3.0", "1.2.9", "1.3.0"}));
    return std::string();
  });
  EXPECT_EQ(together(*edge, plan(*edge, release("1.4.0"))), "written conflict written");
  EXPECT_EQ(text("cron.d/jobs"), "# theirs\n" + entries({"1.4.0", "1.2.9", "1.4.0"}));
}

TEST_F(FileBatchTest, WhatAKilledRunLeftOfAnyOfThemIsPutRight) {
  put("cron.d/jobs", entries({"1.3.0", "1.3.0", "1.3.0"}));
  const auto edge = target("cron", {root() + "/cron.d/*"});
  const auto operations = plan(*edge, release("1.4.0"));
  put("cron.d/.jobs.mlship-r1.op-2-part", "half");
  std::vector<Sending> sendings;
  for (const auto& op : operations) sendings.push_back({&op, "r1." + op.id});
  edge->recover_all(sendings);
  EXPECT_EQ(fs::list(at("cron.d")), std::vector<std::string>{"jobs"});
}

}  // namespace
}  // namespace mlship
